import { parse } from '@decimalturn/toml-patch'
import { CoffreError } from '../../../model/errors.ts'
import { type Assignment, dropLine, type Entry, lineEnding, repeated, replaceValue } from './dotenv-text.ts'

const BYTE_ORDER_MARK = '\ufeff'
const KEY = /^(?:(?<bare>[A-Za-z0-9_-]+)|"(?<basic>[^"\\\n]*)"|'(?<literal>[^'\n]*)'|[^=\n]+?)[ \t]*=[ \t]*/
const QUOTES = ['"""', "'''", '"', "'"] as const

export interface TomlEntry extends Entry {
  /** The header of its table with the number of that header where it repeats; empty before the first. */
  readonly table: string
}

export interface TomlScan {
  readonly entries: readonly TomlEntry[]
  /** Where the first table begins, or the end of the text. */
  readonly firstTable: number
}

/** The assignments of a text that is known to be TOML: this only finds where things stand. */
export function scanToml(text: string): TomlScan {
  const entries: TomlEntry[] = []
  const headers = new Map<string, number>()
  let [at, table, firstTable] = [text.startsWith(BYTE_ORDER_MARK) ? 1 : 0, '', text.length]
  for (;;) {
    at += /^[ \t\r\n]*/.exec(text.slice(at))?.[0].length ?? 0
    const next = text.charAt(at)
    if (next === '') return { entries, firstTable }
    const lineEnd = endOfLine(text, at)
    if (next === '[') {
      firstTable = Math.min(firstTable, at)
      const header = text.slice(at, lineEnd).replace(/[ \t]*(?:#.*)?\r?$/, '')
      const count = (headers.get(header) ?? 0) + 1
      headers.set(header, count)
      table = count === 1 ? header : `${header}#${count}`
    } else if (next !== '#') {
      const entry = readEntry(text, at)
      entries.push({ ...entry, table })
      at = endOfLine(text, entry.to)
      continue
    }
    at = lineEnd
  }
}

function readEntry(text: string, at: number): Entry {
  const found = KEY.exec(text.slice(at, endOfLine(text, at)))
  if (found === null) throw notToml()
  const from = at + found[0].length
  const { bare, basic, literal } = found.groups ?? {}
  const name = bare ?? basic ?? literal ?? found[0].replace(/[ \t]*=[ \t]*$/, '')
  return { name, from, to: endOfValue(text, from) }
}

function topLevel(text: string): TomlScan {
  const { entries, firstTable } = scanToml(text)
  return { entries: entries.filter(({ table }) => table === ''), firstTable }
}

function endOfValue(text: string, from: number): number {
  let depth = 0
  let at = from
  while (at < text.length) {
    const quote = QUOTES.find((each) => text.startsWith(each, at))
    const character = text.charAt(at)
    if (quote !== undefined) at = endOfString(text, at, quote)
    else if (character === '#' && depth > 0) at = endOfLine(text, at)
    else if (depth === 0 && (character === '#' || character === '\n' || character === '\r')) break
    else {
      if (character === '[' || character === '{') depth += 1
      if (character === ']' || character === '}') depth -= 1
      at += 1
    }
  }
  return from + text.slice(from, at).trimEnd().length
}

function endOfString(text: string, from: number, quote: (typeof QUOTES)[number]): number {
  for (let at = from + quote.length; at < text.length; at += 1) {
    if (quote.startsWith('"') && text.charAt(at) === '\\') at += 1
    else if (text.startsWith(quote, at)) {
      // A multi-line string may end with one or two quotes of its own before the closing three.
      let end = at + quote.length
      while (quote.length === 3 && text.charAt(end) === quote.charAt(0) && end < at + 5) end += 1
      return end
    }
  }
  throw notToml()
}

function endOfLine(text: string, at: number): number {
  const found = text.indexOf('\n', at)
  return found < 0 ? text.length : found
}

/** Everything that the file says. Throws SECRET_FILE_REFUSED where it is no TOML. */
export function readToml(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = parse(text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text)
    return typeof value === 'object' && value !== null ? { ...value } : {}
  } catch {
    throw notToml()
  }
}

export function setToml(text: string, assignment: Assignment): string {
  readToml(text)
  const { entries, firstTable } = topLevel(text)
  const found = entries.filter(({ name }) => name === assignment.name)
  if (found.length > 1) throw repeated(assignment.name)
  const [entry] = found
  if (entry !== undefined) return replaceValue(text, entry, assignment.value)
  const eol = lineEnding(text)
  const line = `# ${assignment.comment}${eol}${assignment.name} = ${assignment.value}${eol}`
  const last = entries.at(-1)
  if (last !== undefined) return insertAfterLine(text, last.to, line, eol)
  // Without a table the file has only comments, and the new line goes below them.
  if (firstTable === text.length) return insertAfterLine(text, text.length, line, eol)
  const start = text.startsWith(BYTE_ORDER_MARK) ? 1 : 0
  return `${text.slice(0, start)}${line}${eol}${text.slice(start)}`
}

export function dropToml(text: string, name: string, comment: string): string {
  const entry = topLevel(text).entries.find((each) => each.name === name)
  return entry === undefined ? text : dropLine(text, entry, comment)
}

function insertAfterLine(text: string, at: number, line: string, eol: string): string {
  const end = endOfLine(text, at)
  if (end < text.length) return text.slice(0, end + 1) + line + text.slice(end + 1)
  const gap = text === '' || text === BYTE_ORDER_MARK || text.endsWith('\n') ? '' : eol
  return text + gap + line
}

function notToml(): CoffreError {
  return new CoffreError('SECRET_FILE_REFUSED', { facts: { expected: 'TOML 1.0' } })
}
