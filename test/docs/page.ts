import { globSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

export const ROOT = resolve(import.meta.dirname, '../..')

/** A fenced block. Its info string is a language and at most one directive: `sh no-run: installs`. */
export interface Block {
  readonly language: string
  /** Empty, `no-run`, `server`, `server-stopped`, `same-folder`; an unknown one fails the page. */
  readonly directive: string
  /** What stands after the colon: why a block is not run. */
  readonly reason: string
  readonly code: string
  /** Of the opening fence, from 1. */
  readonly line: number
}

export interface Page {
  /** From the root of the repository, with `/`. */
  readonly path: string
  readonly blocks: readonly Block[]
  readonly headings: readonly Heading[]
  /** The text without its fenced blocks, for links and inline code. */
  readonly prose: string
}

export interface Heading {
  readonly level: number
  readonly text: string
}

const FENCE = /^(?<fence>`{3,})(?<info>[^`]*)$/
const INFO = /^(?<language>[a-z]*)(?: (?<directive>[a-z-]+)(?:: (?<reason>.+))?)?$/

/** Every page whose blocks are run. */
export function findGuides(): Page[] {
  return readPages(['README*.md', 'docs/{en,fr,runbook}/*.md'])
}

/** Every page of the repository. */
export function findAllPages(): Page[] {
  return readPages(['*.md', '{docs,src,changelog,bench,examples}/**/*.md'])
}

function readPages(patterns: string[]): Page[] {
  const paths = globSync(patterns, { cwd: ROOT }).map((path) => path.replaceAll('\\', '/'))
  return paths.toSorted().map(readPage)
}

export function readPage(path: string): Page {
  return parsePage(path, readFileSync(join(ROOT, path), 'utf8'))
}

export function parsePage(path: string, text: string): Page {
  const blocks: Block[] = []
  const prose: string[] = []
  let open: { fence: string; info: string; line: number; code: string[] } | undefined
  for (const [index, line] of text.split('\n').entries()) {
    const found = FENCE.exec(line)?.groups
    if (open === undefined && found !== undefined) {
      open = { fence: found['fence'] ?? '', info: found['info'] ?? '', line: index + 1, code: [] }
    } else if (open === undefined) prose.push(line)
    else if (line.trimEnd() !== open.fence) open.code.push(line)
    else {
      blocks.push(toBlock(path, open))
      open = undefined
    }
  }
  if (open !== undefined) throw new Error(`${path}:${open.line}: the block does not end`)
  return { path, blocks, headings: prose.flatMap(readHeading), prose: prose.join('\n') }
}

function toBlock(path: string, open: { info: string; line: number; code: string[] }): Block {
  const info = INFO.exec(open.info.trim())?.groups
  if (info === undefined) throw new Error(`${path}:${open.line}: cannot read the info string ${open.info}`)
  const { language = '', directive = '', reason = '' } = info
  return { language, directive, reason, code: `${open.code.join('\n')}\n`, line: open.line }
}

function readHeading(line: string): Heading[] {
  const found = /^(#{1,6}) (.+)$/.exec(line)
  return found === null ? [] : [{ level: (found[1] ?? '').length, text: found[2] ?? '' }]
}
