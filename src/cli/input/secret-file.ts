import { Secret } from '../../model/secret.ts'
import type { Terminal } from '../output/terminal.ts'
import { UsageError } from '../usage-error.ts'
import { type ReadLimit, readLimited, readLimitedFile } from './read-limited.ts'

/** What editors and `echo` put behind a text; a secret may itself end in a blank. */
const LINE_END = /\r?\n$/
const LINE_END_BYTES = 2

/** A secret from a file, or from standard input for `-`; never from the command line, which everybody sees. */
export async function readSecretFile(terminal: Terminal, path: string, limit: ReadLimit): Promise<Secret> {
  const within = { ...limit, maximumBytes: limit.maximumBytes + LINE_END_BYTES }
  const bytes = path === '-' ? await readLimited(terminal.stdin, within) : await readLimitedFile(path, within)
  return new Secret(readSecretText(bytes, limit.name))
}

/** Strict: bytes that are no text would all become one character, and different secrets the same. */
export function readSecretText(bytes: Uint8Array, name: string): string {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    return text.replace(LINE_END, '')
  } catch {
    throw UsageError.of('usage.fileNoText', { name })
  }
}
