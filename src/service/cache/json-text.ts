import { utf8 } from '../../crypto/bytes.ts'
import type { CacheResult, JsonStyle } from '../../model/cache.ts'
import { CoffreError, hasCode } from '../../model/errors.ts'
import { JsonText, restyleJson } from '../../model/json-text.ts'

/** docs/spec/cache.md, "Bounds". */
export const MAX_VALUE_BYTES = 1024 * 1024
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

/** Throws INVALID_REQUEST for bytes that are no JSON; Python's NaN and Infinity are none. */
export function readJson(bytes: Uint8Array): unknown {
  try {
    const value: unknown = JSON.parse(UTF_8.decode(bytes))
    return value
  } catch {
    throw new CoffreError('INVALID_REQUEST', { facts: { at: 'value', expected: 'JSON' } })
  }
}

/** Of an entry that was authenticated; what is no JSON is so too, and stops nobody from reading the others. */
export function readEntry(
  bytes: Uint8Array,
  written: { readonly writtenAt: string; readonly format: 1 | 2 },
): CacheResult {
  try {
    return { status: 'HIT', value: readJson(bytes), bytes, ...written }
  } catch (error) {
    if (!hasCode(error, 'INVALID_REQUEST')) throw error
    return { status: 'NOT_JSON' }
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
