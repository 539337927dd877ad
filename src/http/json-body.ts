import { isUtf8 } from 'node:buffer'
import { CoffreError } from '../model/errors.ts'
import { MAX_JSON_DEPTH, MAX_JSON_VALUES } from '../model/limits.ts'

/**
 * Parses a JSON body. Depth and number of values are checked on the text, before anything is built;
 * `__proto__` as a member name is refused. Throws INVALID_REQUEST or LIMIT_EXCEEDED.
 */
export function parseJsonBody(body: string | Buffer): unknown {
  const text = typeof body === 'string' ? body : decodeUtf8(body)
  if (text === '') return {}
  requireSmall(text)
  try {
    // A reviver visits every value, so it only runs where the name can be in the text, escaped or not.
    const suspicious = text.includes('__proto__') || text.includes('\\u')
    return suspicious ? JSON.parse(text, refusePrototype) : JSON.parse(text)
  } catch (cause) {
    if (cause instanceof CoffreError) throw cause
    throw new CoffreError('INVALID_REQUEST', { facts: { at: 'body', expected: 'JSON' }, cause })
  }
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const OPENING: ReadonlySet<number> = new Set([0x5b, 0x7b])
const CLOSING: ReadonlySet<number> = new Set([0x5d, 0x7d])

/** Bytes that are not UTF-8 would all become U+FFFD, so two contexts would be one (RFC 8259, section 8.1). */
function decodeUtf8(body: Buffer): string {
  if (isUtf8(body)) return body.toString('utf8')
  throw new CoffreError('INVALID_REQUEST', { facts: { at: 'body', expected: 'UTF-8' } })
}

function requireSmall(text: string): void {
  let depth = 0
  let values = 0
  for (let index = 0; index < text.length; index += 1) {
    const character = text.charCodeAt(index)
    if (character === QUOTE) index = endOfString(text, index)
    else if (CLOSING.has(character)) depth -= 1
    else if (OPENING.has(character)) {
      depth += 1
      values += 1
    } else if (character === COMMA) values += 1
    if (depth > MAX_JSON_DEPTH) refuseLarge({ depth: MAX_JSON_DEPTH })
    if (values > MAX_JSON_VALUES) refuseLarge({ values: MAX_JSON_VALUES })
  }
}

function refuseLarge(bound: Readonly<Record<string, number>>): never {
  throw new CoffreError('LIMIT_EXCEEDED', { facts: { at: 'body', ...bound } })
}

/** The index of the closing quote; long base64 values are skipped at the speed of indexOf. */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1)
  while (end !== -1 && isEscaped(text, end)) end = text.indexOf('"', end + 1)
  return end === -1 ? text.length : end
}

function isEscaped(text: string, index: number): boolean {
  let backslashes = 0
  while (text.charCodeAt(index - 1 - backslashes) === BACKSLASH) backslashes += 1
  return backslashes % 2 === 1
}

function refusePrototype(name: string, value: unknown): unknown {
  if (name === '__proto__')
    throw new CoffreError('INVALID_REQUEST', { facts: { at: 'body', expected: 'no __proto__' } })
  return value
}
