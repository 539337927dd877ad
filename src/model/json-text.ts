import type { JsonStyle } from './cache.ts'
import { CoffreError } from './errors.ts'

/** Strings, what separates, whitespace and numbers; brackets and words stay as they are. */
const TOKEN = /"(?:[^"\\]|\\.)*"|[,:]|[ \t\n\r]+|-?\d[\d.eE+-]*/g
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

/** A value by its JSON, for places that keep it byte for byte: JavaScript itself does not tell 1.0 from 1. */
export class JsonText {
  readonly text: string

  /** Whitespace around it is no part of it. Throws INVALID_REQUEST for what is no JSON. */
  constructor(text: string) {
    parseJson(text)
    this.text = text.trim()
  }

  /** Inside another value it is its value. */
  toJSON(): unknown {
    return parseJson(this.text)
  }
}

/** An object with one more member, whose JSON stays as it is: `1.0` as 1.0. */
export function joinJson(object: object, name: string, json: string): string {
  const head = JSON.stringify(object).slice(0, -1)
  return `${head}${head === '{' ? '' : ','}${JSON.stringify(name)}:${json}}`
}

function parseJson(text: string): unknown {
  try {
    // Half of a surrogate pair has no bytes in UTF-8.
    if (text.isWellFormed()) return JSON.parse(text)
  } catch {
    // As for the other half.
  }
  throw new CoffreError('INVALID_REQUEST', { facts: { at: 'value', expected: 'JSON' } })
}

/** Valid JSON in another style. Numbers that JavaScript would write otherwise, such as 1.0, stay as they are. */
export function restyleJson(json: string, style: JsonStyle): string {
  const [comma, colon] = style === 'python' ? [', ', ': '] : [',', ':']
  return json.replaceAll(TOKEN, (token) => {
    if (token === ',') return comma
    if (token === ':') return colon
    if (token.startsWith('"')) return writeString(String(JSON.parse(token)), style)
    return token.trim() === '' ? '' : writeNumber(token, style)
  })
}

function writeString(text: string, style: JsonStyle): string {
  if (style === 'compact') return JSON.stringify(text)
  const escaped = text.replaceAll(
    NOT_PLAIN,
    (character) =>
      SHORT_ESCAPES.get(character) ?? String.raw`\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  return `"${escaped}"`
}

/** JavaScript does not tell 1.0 from 1, so whole numbers of its own are written as Python writes an int. */
function writeNumber(token: string, style: JsonStyle): string {
  const value = Number(token)
  if (style === 'compact' || String(value) !== token) return token
  if (Number.isInteger(value)) return Math.abs(value) < 1e21 ? BigInt(value).toString() : token
  if (Math.abs(value) >= PYTHON_SMALLEST_DECIMAL) return token
  return value.toExponential().replace(/e-(\d)$/, 'e-0$1')
}
