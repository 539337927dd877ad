import { type FoundFile, readPlace, textOf } from './file-place.ts'
import type { Edit } from './change.ts'
import { refused } from './folder.ts'
import type { Workspace } from './workspace.ts'
import { lineEnding } from '../file/dotenv-text.ts'
import { type ProgramEnd, runProgram } from '../run/run-program.ts'

const MAX_MILLISECONDS = 10_000
export const GIT_IGNORE = '.gitignore'

export interface GitState {
  readonly path: string
  readonly isIgnored: boolean
  readonly isTracked: boolean
}

/** How git sees these paths; `undefined` outside of a git tree, or without git. */
export async function askGit(
  folder: string,
  paths: readonly string[],
): Promise<readonly GitState[] | undefined> {
  const inside = await git(folder, ['rev-parse', '--is-inside-work-tree'])
  if (inside.output.toString().trim() !== 'true') return undefined
  const states: GitState[] = []
  for (const path of paths) {
    const ignored = await git(folder, ['check-ignore', '-q', '--no-index', '--', path])
    const tracked = await git(folder, ['ls-files', '--error-unmatch', '--', `:(literal)${path}`])
    states.push({ path, isIgnored: ignored.code === 0, isTracked: tracked.code === 0 })
  }
  return states
}

export function git(folder: string, args: readonly string[]): Promise<ProgramEnd> {
  // Nothing that the repository configures runs for a question.
  const own = ['-c', 'core.fsmonitor=false', '--no-pager']
  return runProgram({ command: 'git', args: [...own, ...args], folder, maxMilliseconds: MAX_MILLISECONDS })
}

/** The edit of .gitignore that keeps `paths` out of git; `undefined` where there is nothing to add. */
export async function ignoreEdit(workspace: Workspace, paths: readonly string[]): Promise<Edit | undefined> {
  const states = await askGit(workspace.root.path, paths)
  if (states === undefined) return undefined
  const tracked = states.find(({ isTracked }) => isTracked)
  if (tracked !== undefined) {
    // Ignoring changes nothing for a file that git has already.
    throw refused({ file: tracked.path, expected: 'a file that git does not track: git rm --cached FILE' })
  }
  const open = states.filter(({ isIgnored }) => !isIgnored)
  if (open.length === 0) return undefined
  const place = await workspace.place(GIT_IGNORE)
  const found = await readPlace(place)
  const text = found === undefined ? '' : textOf(place, found.bytes)
  return { path: GIT_IGNORE, found, content: Buffer.from(addLines(text, open)), mode: modeOf(found) }
}

function addLines(text: string, states: readonly GitState[]): string {
  const eol = lineEnding(text)
  const gap = text === '' || text.endsWith('\n') ? '' : eol
  return text + gap + states.map(({ path }) => `/${path}${eol}`).join('')
}

function modeOf(found: FoundFile | undefined): number {
  return found?.mode ?? 0o644
}
