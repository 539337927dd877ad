import { CoffreError } from '../model/errors.ts'
import { REQUEST_BYTE_FIELDS } from '../model/wire.ts'

/** Replaces base64 text by bytes in the fields that `model/wire.ts` names. Throws INVALID_REQUEST. */
export function decodeByteFields(item: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const decoded: Record<string, unknown> = { ...item }
  for (const field of REQUEST_BYTE_FIELDS) {
    const text = decoded[field]
    if (typeof text === 'string') decoded[field] = decodeBase64(text, field)
  }
  return decoded
}

/** Canonical base64 only: the length of what it decodes to leaves one spelling. */
export function decodeBase64(text: string, at: string): Uint8Array {
  const bytes = Buffer.from(text, 'base64')
  if (bytes.toString('base64') === text) return bytes
  throw new CoffreError('INVALID_REQUEST', { facts: { at, expected: 'base64 with padding' } })
}

/** For JSON.stringify: bytes become base64. */
export function encodeByteFields(result: object): Record<string, unknown> {
  const encoded: Record<string, unknown> = { ...result }
  for (const [field, value] of Object.entries(encoded)) {
    if (value instanceof Uint8Array) encoded[field] = encodeBase64(value)
  }
  return encoded
}

function encodeBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64')
}
