import { Secret } from '../../../model/secret.ts'
import type { OptionRow } from '../../command-row.ts'
import { readLimited, readLimitedFile } from '../../input/read-limited.ts'
import { readSecretText } from '../../input/secret-file.ts'
import type { Invocation } from '../../invocation.ts'
import { NAME } from './project-folder.ts'

const ENVIRONMENT_NAMES = ['dev', 'staging', 'production'] as const
const ALPHABETS = ['safe', 'source'] as const
const LENGTHS = { from: 32, to: 512 }
/** The longest key, and the line breaks of base64. */
const MAX_KEY_FILE_BYTES = 1_024

export const ENVIRONMENT: OptionRow = {
  flags: '--env <environment>',
  help: 'option.projectEnvironment',
  choices: ENVIRONMENT_NAMES,
}

/** How a new key is made, or where it comes from. */
export const KEY_OPTIONS: readonly OptionRow[] = [
  { flags: '--length <number>', help: 'option.keyLength' },
  { flags: '--alphabet <name>', help: 'option.alphabet', choices: ALPHABETS },
  NAME,
  { flags: '--key-file <file>', help: 'option.ownKeyFile' },
]

export function readEnvironment({ options }: Invocation) {
  const environment = options.choice('env', ENVIRONMENT_NAMES)
  return environment === undefined ? {} : { environment }
}

/** A key that somebody brings, or how to make one. */
export async function readKeyRequest(invocation: Invocation) {
  const { readSecretKey } = await import('../../../app-secret-files.ts')
  const { options, terminal } = invocation
  const length = options.wholeNumber('length', LENGTHS)
  const alphabet = options.choice('alphabet', ALPHABETS)
  const path = options.text('key-file')
  const limit = { name: '--key-file', maximumBytes: MAX_KEY_FILE_BYTES }
  if (path !== undefined) {
    for (const other of ['length', 'alphabet']) options.exclude('key-file', other)
    const bytes = await (path === '-' ? readLimited(terminal.stdin, limit) : readLimitedFile(path, limit))
    return { key: new Secret(readSecretKey(readSecretText(bytes, limit.name))) }
  }
  return { ...(length === undefined ? {} : { length }), ...(alphabet === undefined ? {} : { alphabet }) }
}
