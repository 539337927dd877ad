import { createReadStream } from 'node:fs'
import type { Readable } from 'node:stream'
import { decodeBase64 } from '../../client/base64.ts'
import { MAX_CIPHERTEXT_CHARACTERS } from '../../model/limits.ts'
import type { MessageKey } from '../../model/message/catalogue.ts'
import type { Invocation } from '../invocation.ts'
import { askHidden, askText } from './prompt.ts'
import { readHead, readLimited, readLimitedFile } from './read-limited.ts'
import { canAsk } from '../output/terminal.ts'
import { UsageError } from '../usage-error.ts'

type PromptKey = Extract<MessageKey, `prompt.${string}`>

/** Data comes from --in, standard input or a hidden prompt; never from the command line. */
export async function readBytes(
  invocation: Invocation,
  limit: { readonly maximumBytes: number; readonly prompt: PromptKey },
): Promise<Uint8Array> {
  if (isPrompt(invocation)) return Buffer.from(await askHidden(invocation.printer, limit.prompt))
  return readLimited(openInput(invocation), { name: inputName(invocation), ...limit })
}

/** As `readBytes`, of input that may be longer: its beginning. */
export async function readBeginning(
  invocation: Invocation,
  limit: { readonly maximumBytes: number; readonly prompt: PromptKey },
): Promise<Uint8Array> {
  if (isPrompt(invocation)) return Buffer.from(await askHidden(invocation.printer, limit.prompt))
  return readHead(openInput(invocation), { name: inputName(invocation), ...limit })
}

function inputName(invocation: Invocation): string {
  return invocation.options.text('in') === undefined ? 'stdin' : '--in'
}

/** A ciphertext as text, without the white space around it. */
export async function readCiphertext(invocation: Invocation): Promise<string> {
  if (isPrompt(invocation)) return (await askText(invocation.printer, 'prompt.ciphertext')).trim()
  const maximumBytes = MAX_CIPHERTEXT_CHARACTERS
  const bytes = await readBytes(invocation, { maximumBytes, prompt: 'prompt.ciphertext' })
  return Buffer.from(bytes).toString('latin1').trim()
}

export function openInput(invocation: Invocation): Readable {
  const path = invocation.options.text('in')
  if (path !== undefined && path !== '-') return createReadStream(path)
  if (invocation.options.text('passphrase-file') === '-') throw UsageError.of('usage.oneStandardInput')
  return invocation.terminal.stdin
}

/** A signature or MAC: base64 in the option, or a file of base64, or of bytes with --raw. */
export async function readProof(invocation: Invocation, name: 'signature' | 'mac'): Promise<Uint8Array> {
  const { options } = invocation
  options.exclude(name, `${name}-file`)
  const text = options.text(name)
  if (text !== undefined) return decodeProof(text, `--${name}`)
  const path = options.text(`${name}-file`)
  if (path === undefined) throw UsageError.of('usage.oneOf', { name: `--${name}`, other: `--${name}-file` })
  const bytes = await readLimitedFile(path, { name: `--${name}-file`, maximumBytes: MAX_PROOF_BYTES })
  return options.flag('raw') ? bytes : decodeProof(Buffer.from(bytes).toString('latin1'), `--${name}-file`)
}

/** Twice the base64 of an RSA-4096 signature, our longest. */
const MAX_PROOF_BYTES = 2_048

function decodeProof(text: string, name: string): Uint8Array {
  const bytes = decodeBase64(text.trim())
  if (bytes === undefined) throw UsageError.of('usage.base64', { name })
  return bytes
}

function isPrompt(invocation: Invocation): boolean {
  return invocation.options.text('in') === undefined && canAsk(invocation.terminal)
}
