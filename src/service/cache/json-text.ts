import { utf8 } from '../../crypto/bytes.ts'
import type { JsonStyle } from '../../model/cache.ts'
import { CoffreError } from '../../model/errors.ts'
import { JsonText, restyleJson } from '../../model/json-text.ts'

/** docs/spec/cache.md, "Bounds". */
export const MAX_VALUE_BYTES = 1024 * 1024
/** As json.dumps writes them; strings too, to leave them as they are. */
const NO_NUMBERS = /"(?:[^"\\]|\\.)*"|-?Infinity|NaN/g
/** Making one costs more than decoding. */
const UTF_8 = new TextDecoder('utf-8', { fatal: true })

/**
 * The JSON of a value, as UTF-8; a `JsonText` as it is, whatever the style. Throws INVALID_REQUEST for what JSON has no
 * text for, LIMIT_EXCEEDED above 1 MiB.
 */
export function writeJson(value: unknown, style: JsonStyle): Uint8Array {
  if (value instanceof JsonText) return refuseLong(utf8(value.text))
  const compact = writeCompact(value)
  return refuseLong(utf8(style === 'compact' ? compact : restyleJson(compact, style)))
}

/**
 * What was stored, and its JSON: the bytes themselves, but null for NaN and Infinity, which Python writes and JSON has
 * no text for. Throws INVALID_REQUEST for bytes that are no JSON.
 */
export function readJson(bytes: Uint8Array): { readonly value: unknown; readonly bytes: Uint8Array } {
  try {
    const text = UTF_8.decode(bytes)
    const value = parseText(text)
    if (value !== undefined) return { value, bytes }
    const json = text.replaceAll(NO_NUMBERS, (token) => (token.startsWith('"') ? token : 'null'))
    return { value: JSON.parse(json), bytes: utf8(json) }
  } catch {
    throw new CoffreError('INVALID_REQUEST', { facts: { at: 'value', expected: 'JSON' } })
  }
}

function parseText(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function writeCompact(value: unknown): string {
  try {
    const text: string | undefined = JSON.stringify(value)
    if (text !== undefined) return text
  } catch (error) {
    // A value of BigInt, a cycle, or a toJSON of the caller's own that throws.
    if (error instanceof CoffreError) throw error
  }
  throw new CoffreError('INVALID_REQUEST', {
    facts: { at: 'value', expected: 'a value that JSON can write' },
  })
}

function refuseLong(bytes: Uint8Array): Uint8Array {
  if (bytes.length <= MAX_VALUE_BYTES) return bytes
  throw new CoffreError('LIMIT_EXCEEDED', { facts: { at: 'value', mostBytes: MAX_VALUE_BYTES } })
}
