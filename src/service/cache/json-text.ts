import { utf8 } from '../../crypto/bytes.ts'
import type { JsonStyle } from '../../model/cache.ts'
import { CoffreError } from '../../model/errors.ts'

/** docs/spec/cache.md, "Bounds". */
export const MAX_VALUE_BYTES = 1024 * 1024
/** Python writes exponents below this, JavaScript only below 1e-6. */
const PYTHON_SMALLEST_DECIMAL = 1e-4
/** What json.dumps writes as it is; the rest becomes an escape. */
const NOT_PLAIN = /[^ !#-[\]-~]/g
const SHORT_ESCAPES: ReadonlyMap<string, string> = new Map([
  ['"', String.raw`\"`],
  ['\\', String.raw`\\`],
  ['\n', String.raw`\n`],
  ['\r', String.raw`\r`],
  ['\t', String.raw`\t`],
  ['\f', String.raw`\f`],
  ['\b', String.raw`\b`],
])

/** The JSON of a value, as UTF-8. Throws INVALID_REQUEST for what JSON has no text for, LIMIT_EXCEEDED above 1 MiB. */
export function writeJson(value: unknown, style: JsonStyle): Uint8Array {
  const compact = writeCompact(value)
  const bytes = utf8(style === 'compact' ? compact : writePython(JSON.parse(compact)))
  return refuseLong(bytes)
}

/** Throws INVALID_REQUEST for bytes that are no JSON; Python's NaN and Infinity are none. */
export function readJson(bytes: Uint8Array): unknown {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
    return value
  } catch {
    throw new CoffreError('INVALID_REQUEST', { facts: { at: 'value', expected: 'JSON' } })
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

/** json.dumps with its defaults, of what JSON.parse gave. */
function writePython(value: unknown): string {
  if (typeof value === 'string') return writePythonString(value)
  if (typeof value === 'number') return writePythonNumber(value)
  if (Array.isArray(value)) return `[${value.map(writePython).join(', ')}]`
  if (typeof value !== 'object' || value === null) return String(value)
  const members = Object.entries(value).map(
    ([name, member]) => `${writePythonString(name)}: ${writePython(member)}`,
  )
  return `{${members.join(', ')}}`
}

function writePythonString(text: string): string {
  const escaped = text.replaceAll(
    NOT_PLAIN,
    (character) =>
      SHORT_ESCAPES.get(character) ?? String.raw`\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  return `"${escaped}"`
}

/** JavaScript does not tell 1.0 from 1, so whole numbers are written as Python writes an int. */
function writePythonNumber(value: number): string {
  if (Number.isInteger(value)) return Math.abs(value) < 1e21 ? BigInt(value).toString() : String(value)
  if (Math.abs(value) >= PYTHON_SMALLEST_DECIMAL) return String(value)
  return value.toExponential().replace(/e-(\d)$/, 'e-0$1')
}
