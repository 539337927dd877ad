import { isUtf8 } from 'node:buffer'
import { CoffreError } from '../model/errors.ts'
import {
  MAX_JSON_DEPTH,
  MAX_JSON_ELEMENTS,
  MAX_JSON_ESCAPES,
  MAX_JSON_MEMBERS,
  MAX_JSON_VALUES,
} from '../model/limits.ts'

/**
 * Parses a JSON body. What makes parsing slow (depth, values, members of one object, escapes) is checked on the text,
 * before anything is built; `__proto__` as a member name is refused. Throws INVALID_REQUEST or LIMIT_EXCEEDED.
 */
export function parseJsonBody(body: string | Buffer): unknown {
  const text = typeof body === 'string' ? body : decodeUtf8(body)
  if (text === '') return {}
  const hasEscapes = requireFewEscapes(text)
  requireSmall(text)
  try {
    // A reviver visits every value, so it only runs where the name can be in the text, escaped or not.
    const suspicious = text.includes('__proto__') || (hasEscapes && text.includes('\\u'))
    return suspicious ? JSON.parse(text, refusePrototype) : JSON.parse(text)
  } catch (cause) {
    if (cause instanceof CoffreError) throw cause
    throw new CoffreError('INVALID_REQUEST', { facts: { at: 'body', expected: 'JSON' }, cause })
  }
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const ARRAY = 0x5b
const ARRAY_END = 0x5d
const OBJECT = 0x7b
const OBJECT_END = 0x7d

/** Bytes that are not UTF-8 would all become U+FFFD, so two contexts would be one (RFC 8259, section 8.1). */
function decodeUtf8(body: Buffer): string {
  if (isUtf8(body)) return body.toString('utf8')
  throw new CoffreError('INVALID_REQUEST', { facts: { at: 'body', expected: 'UTF-8' } })
}

/** Whether there are any. A parser copies a text without escapes whole, and one with them character by character. */
function requireFewEscapes(text: string): boolean {
  let escapes = 0
  for (let at = text.indexOf('\\'); at !== -1; at = text.indexOf('\\', at + 2)) {
    escapes += 1
    if (escapes > MAX_JSON_ESCAPES) refuseLarge({ escapes: MAX_JSON_ESCAPES })
  }
  return escapes > 0
}

/** Text that is no JSON only has to come to an end here. */
function requireSmall(text: string): void {
  const open = new OpenValues()
  for (let index = 0; index < text.length; index += 1) {
    const character = text.charCodeAt(index)
    if (character === QUOTE) index = endOfString(text, index)
    else if (character === COMMA) open.next()
    else if (character === ARRAY || character === OBJECT) open.enter(character)
    else if (character === ARRAY_END || character === OBJECT_END) open.leave()
  }
}

/** The arrays and objects that the scan is inside of, and how much each may still hold. */
class OpenValues {
  readonly #isObject: boolean[] = [false]
  readonly #commas: number[] = [0]
  #depth = 0
  #values = 0

  enter(character: number): void {
    if (this.#depth === MAX_JSON_DEPTH) refuseLarge({ depth: MAX_JSON_DEPTH })
    this.#depth += 1
    this.#isObject[this.#depth] = character === OBJECT
    this.#commas[this.#depth] = 0
    this.#count()
  }

  next(): void {
    const commas = (this.#commas[this.#depth] ?? 0) + 1
    this.#commas[this.#depth] = commas
    if (this.#isObject[this.#depth] === true) {
      if (commas >= MAX_JSON_MEMBERS) refuseLarge({ members: MAX_JSON_MEMBERS })
    } else if (commas >= MAX_JSON_ELEMENTS) refuseLarge({ elements: MAX_JSON_ELEMENTS })
    this.#count()
  }

  leave(): void {
    if (this.#depth > 0) this.#depth -= 1
  }

  #count(): void {
    this.#values += 1
    if (this.#values > MAX_JSON_VALUES) refuseLarge({ values: MAX_JSON_VALUES })
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
