import { parseEnv } from 'node:util'
import { CoffreError } from '../../../model/errors.ts'

const BYTE_ORDER_MARK = '\ufeff'
const ASSIGNMENT = /^[ \t]*(?:export[ \t]+)?(?<name>[A-Za-z_][A-Za-z0-9_.-]*)[ \t]*=[ \t]*/
/** To the first white space before a `#`, so that a replaced value leaves nothing of itself behind. */
const BARE = /^(?!#)(?:\S|[ \t]+(?![#\s]))*/

export interface Entry {
  readonly name: string
  /** Where the value stands in the text, with its quotes. */
  readonly from: number
  readonly to: number
}

/** The assignments of an env file, as dotenv divides it: a quoted value may go over several lines. */
export function findEntries(text: string): readonly Entry[] {
  const entries: Entry[] = []
  let at = text.startsWith(BYTE_ORDER_MARK) ? 1 : 0
  while (at < text.length) {
    const lineEnd = endOfLine(text, at)
    const found = ASSIGNMENT.exec(text.slice(at, lineEnd))
    const name = found?.groups?.['name']
    if (found === null || name === undefined) {
      at = lineEnd + 1
      continue
    }
    const from = at + found[0].length
    const to = endOfValue(text, from, lineEnd)
    entries.push({ name, from, to })
    at = endOfLine(text, to) + 1
  }
  return entries
}

function endOfLine(text: string, at: number): number {
  const found = text.indexOf('\n', at)
  return found < 0 ? text.length : found
}

function endOfValue(text: string, from: number, lineEnd: number): number {
  const quote = text.charAt(from)
  if (quote === "'" || quote === '"' || quote === '`') {
    const end = closingQuote(text, from + 1, quote)
    if (end !== undefined) return end + 1
  }
  return from + (BARE.exec(text.slice(from, lineEnd))?.[0].length ?? 0)
}

function closingQuote(text: string, from: number, quote: string): number | undefined {
  for (let at = from; at < text.length; at += 1) {
    if (text.charAt(at) === '\\' && text.charAt(at + 1) === quote) at += 1
    else if (text.charAt(at) === quote) return at
  }
  return undefined
}

/** What Node.js and dotenv read; the last of two equal names, as they do. */
export function readDotenv(text: string): Readonly<Record<string, string>> {
  const values = parseEnv(text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text)
  return Object.fromEntries(
    Object.entries(values).filter((pair): pair is [string, string] => pair[1] !== undefined),
  )
}

/** `value` is already quoted; `comment` stands above a name that was not there. Every other byte stays. */
export interface Assignment {
  readonly name: string
  readonly value: string
  readonly comment: string
}

export function setDotenv(text: string, assignment: Assignment): string {
  const found = findEntries(text).filter(({ name }) => name === assignment.name)
  if (found.length > 1) throw repeated(assignment.name)
  const [entry] = found
  if (entry !== undefined) return replaceValue(text, entry, assignment.value)
  const eol = lineEnding(text)
  const gap = text === '' || text === BYTE_ORDER_MARK || text.endsWith('\n') ? '' : eol
  return `${text}${gap}# ${assignment.comment}${eol}${assignment.name}=${assignment.value}${eol}`
}

export function replaceValue(text: string, entry: Entry, value: string): string {
  const gap = text.charAt(entry.to) === '#' ? ' ' : ''
  return text.slice(0, entry.from) + value + gap + text.slice(entry.to)
}

/** Takes a name away with its line, and the comment that `setDotenv` put above it. */
export function dropDotenv(text: string, name: string, comment: string): string {
  const entry = findEntries(text).find((each) => each.name === name)
  return entry === undefined ? text : dropLine(text, entry, comment)
}

export function dropLine(text: string, entry: Entry, comment: string): string {
  let from = text.lastIndexOf('\n', entry.from - 1) + 1
  const above = text.lastIndexOf('\n', from - 2) + 1
  if (from > 0 && text.slice(above, from).trim() === `# ${comment}`) from = above
  return text.slice(0, from) + text.slice(Math.min(endOfLine(text, entry.to) + 1, text.length))
}

export function lineEnding(text: string): '\n' | '\r\n' {
  return /^[^\n]*\r\n/.test(text) ? '\r\n' : '\n'
}

export function repeated(name: string): CoffreError {
  return new CoffreError('SECRET_FILE_REFUSED', { facts: { name, expected: 'the name once in the file' } })
}
