/** One import or re-export, as written. */
export interface Import {
  readonly specifier: string
  readonly line: number
  /** True for `import type` and `export type`. */
  readonly typeOnly: boolean
}

export interface Block {
  readonly line: number
  readonly lines: number
}

const BEFORE_REGEX = /(^|[(,=:[!&|?{};+\-*%<>~^\n]|\b(return|typeof|case|in|of|do|else|void|await|yield))\s*$/
const CONTROL_WORD = /\b(if|for|while|switch|catch|with)$/
const LOOK_BACK_CHARACTERS = 60

/**
 * The code of a TypeScript file: comments and the insides of strings, templates and regular expressions
 * are spaces; quotes, newlines and every offset stay. Code inside `${…}` stays too.
 */
export function blankText(source: string): string {
  const output = source.split('')
  const templateDepths: number[] = []
  let depth = 0
  let at = 0
  const blank = (end: number): void => {
    for (; at < end; at += 1) if (output[at] !== '\n') output[at] = ' '
  }
  const blankTemplate = (): void => {
    const end = templateEnd(source, at)
    blank(end)
    if (source[end] === '$') templateDepths.push(depth++)
    at = end + (source[end] === '$' ? 2 : 1)
  }
  while (at < source.length) {
    const character = source[at]
    if (source.startsWith('//', at)) blank(endOf(source, '\n', at))
    else if (source.startsWith('/*', at)) blank(endOf(source, '*/', at + 2) + 2)
    else if (character === "'" || character === '"') blankQuoted()
    else if (character === '`') {
      at += 1
      blankTemplate()
    } else if (character === '}' && templateDepths.at(-1) === depth - 1) {
      depth = templateDepths.pop() ?? 0
      at += 1
      blankTemplate()
    } else if (character === '/' && startsRegex(output, at)) blank(regexEnd(source, at))
    else {
      if (character === '{') depth += 1
      if (character === '}') depth -= 1
      at += 1
    }
  }
  return output.join('')

  function blankQuoted(): void {
    const quote = source[at] ?? ''
    at += 1
    blank(quotedEnd(source, at, quote))
    at += 1
  }
}

function endOf(source: string, mark: string, from: number): number {
  const found = source.indexOf(mark, from)
  return found === -1 ? source.length : found
}

function quotedEnd(source: string, from: number, quote: string): number {
  let at = from
  while (at < source.length && source[at] !== quote && source[at] !== '\n') at += source[at] === '\\' ? 2 : 1
  return Math.min(at, source.length)
}

function templateEnd(source: string, from: number): number {
  let at = from
  while (at < source.length && source[at] !== '`' && !source.startsWith('${', at)) {
    at += source[at] === '\\' ? 2 : 1
  }
  return Math.min(at, source.length)
}

function startsRegex(output: readonly string[], at: number): boolean {
  return BEFORE_REGEX.test(output.slice(Math.max(0, at - LOOK_BACK_CHARACTERS), at).join(''))
}

function regexEnd(source: string, from: number): number {
  let at = from + 1
  let inClass = false
  while (at < source.length && source[at] !== '\n' && (inClass || source[at] !== '/')) {
    if (source[at] === '[') inClass = true
    if (source[at] === ']') inClass = false
    at += source[at] === '\\' ? 2 : 1
  }
  return Math.min(at + 1, source.length)
}

/** Every `import`, `export … from` and `import('…')` with a literal specifier. */
export function findImports(source: string): Import[] {
  const code = blankText(source)
  const forms = [
    /\b(?:import|export)\b(?<type>\s+type\b)?[^;'"`]*?\bfrom\s*(?<quote>['"])/g,
    /\bimport\s*(?<quote>['"])/g,
    /\bimport\s*\(\s*(?<quote>['"`])/g,
  ]
  return forms.flatMap((form) =>
    [...code.matchAll(form)].map((match) => {
      const start = match.index + match[0].length
      const specifier = source.slice(start, code.indexOf(match.groups?.['quote'] ?? "'", start))
      return { specifier, line: lineAt(code, start), typeOnly: match.groups?.['type'] !== undefined }
    }),
  )
}

/** The bodies of functions, methods and arrow functions with braces. */
export function findFunctions(source: string): Block[] {
  const code = blankText(source)
  const opened: number[] = []
  const found: Block[] = []
  for (let at = 0; at < code.length; at += 1) {
    if (code[at] === '{') opened.push(at)
    if (code[at] !== '}') continue
    const start = opened.pop()
    if (start === undefined || !opensFunction(code, start)) continue
    const line = lineAt(code, start)
    found.push({ line, lines: lineAt(code, at) - line + 1 })
  }
  return found
}

function opensFunction(code: string, brace: number): boolean {
  const before = code.slice(Math.max(0, brace - 2000), brace).trimEnd()
  if (before.endsWith('=>')) return true
  const parameters = before.match(/\)(\s*:\s*[^=;(){}]*[^=;(){}:?\s])?$/)
  if (parameters?.index === undefined) return returnsObject(before)
  return !CONTROL_WORD.test(before.slice(0, openingParenthesis(before, parameters.index)).trimEnd())
}

/** True after a return type such as `): { a: string }`. */
function returnsObject(before: string): boolean {
  return /\)\s*:\s*(Promise<|Readonly<)?\{[^{}]*\}[>[\]]*$/.test(before)
}

function openingParenthesis(code: string, closing: number): number {
  let depth = 0
  for (let at = closing; at >= 0; at -= 1) {
    if (code[at] === ')') depth += 1
    if (code[at] === '(') depth -= 1
    if (depth === 0) return at
  }
  return 0
}

export function lineAt(text: string, offset: number): number {
  let line = 1
  for (let at = text.indexOf('\n'); at !== -1 && at < offset; at = text.indexOf('\n', at + 1)) line += 1
  return line
}
