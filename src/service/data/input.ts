import type { Context } from '../../crypto/algorithm.ts'
import { CoffreError } from '../../model/errors.ts'
import {
  MAX_CIPHERTEXT_CHARACTERS,
  MAX_CONTEXT_BYTES,
  MAX_CONTEXT_PAIRS,
  MAX_MESSAGE_BYTES,
  MAX_PLAINTEXT_BYTES,
} from '../../model/limits.ts'

const NO_CONTEXT: Context = {}
const DEFAULT_BYTES = 32

/** A string is its UTF-8 bytes. Throws LIMIT_EXCEEDED. */
export function readPlaintext(value: string | Uint8Array): Uint8Array {
  return readBytes(value, 'plaintext', MAX_PLAINTEXT_BYTES)
}

export function readMessage(value: string | Uint8Array): Uint8Array {
  return readBytes(value, 'message', MAX_MESSAGE_BYTES)
}

export function readCiphertext(text: string): string {
  if (typeof text !== 'string') refuse('ciphertext', 'text')
  if (text.length > MAX_CIPHERTEXT_CHARACTERS) exceed('ciphertext', MAX_CIPHERTEXT_CHARACTERS)
  return text
}

/** Throws LIMIT_EXCEEDED for too many or too long pairs, INVALID_REQUEST for what is not text. */
export function readContext(context: Context | undefined): Context {
  if (context === undefined) return NO_CONTEXT
  // A Map has no entries that Object.entries sees: it would bind nothing.
  if (Object.prototype.toString.call(context) !== '[object Object]') refuse('context', 'an object of texts')
  const pairs = Object.entries(context)
  if (pairs.length > MAX_CONTEXT_PAIRS) exceed('context', MAX_CONTEXT_PAIRS)
  for (const pair of pairs) {
    for (const text of pair) {
      if (typeof text !== 'string') refuse('context', 'names and values that are text')
      // Lone surrogates all become U+FFFD in UTF-8, so two contexts would be one.
      if (!text.isWellFormed()) refuse('context', 'well-formed Unicode')
      if (Buffer.byteLength(text) > MAX_CONTEXT_BYTES) exceed('context', MAX_CONTEXT_BYTES)
    }
  }
  return context
}

/** What a derived key is for. */
export function readInfo(info: string): string {
  if (typeof info !== 'string' || !info.isWellFormed()) refuse('info', 'well-formed text')
  if (Buffer.byteLength(info) > MAX_CONTEXT_BYTES) exceed('info', MAX_CONTEXT_BYTES)
  return info
}

/** A number of bytes; DEFAULT_BYTES when absent. Throws INVALID_REQUEST. */
export function readLength(
  bytes: number | undefined,
  bound: { readonly minimum: number; readonly maximum: number },
): number {
  const length = bytes ?? DEFAULT_BYTES
  if (Number.isInteger(length) && length >= bound.minimum && length <= bound.maximum) return length
  throw new CoffreError('INVALID_REQUEST', { facts: { at: 'bytes', from: bound.minimum, to: bound.maximum } })
}

function readBytes(value: string | Uint8Array, at: string, maximum: number): Uint8Array {
  if (typeof value === 'string') {
    if (!value.isWellFormed()) refuse(at, 'well-formed Unicode')
    if (Buffer.byteLength(value) > maximum) exceed(at, maximum)
    return Buffer.from(value)
  }
  if (!(value instanceof Uint8Array)) refuse(at, 'text or bytes')
  if (value.length > maximum) exceed(at, maximum)
  return value
}

function refuse(at: string, expected: string): never {
  throw new CoffreError('INVALID_REQUEST', { facts: { at, expected } })
}

function exceed(at: string, maximum: number): never {
  throw new CoffreError('LIMIT_EXCEEDED', { facts: { at, maximum } })
}
