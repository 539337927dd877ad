import { execFile } from 'node:child_process'
import { readdir, stat } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import type { ErrorFacts } from '../../../model/errors.ts'

export type ToolName = 'pg_dump' | 'pg_dumpall' | 'pg_restore' | 'psql'

export interface Tool {
  readonly path: string
  /** As it says itself, such as `15.18`. */
  readonly version: string
  readonly major: number
}

export interface ToolSearch {
  readonly environment: NodeJS.ProcessEnv
  /** Looked through before any other folder. */
  readonly folder?: string | undefined
}

/** What is missing, for the facts of an error. */
export type NoTool = ErrorFacts & { readonly reason: string }

const VERSION_WAIT_MS = 10_000
/** Where packages of several versions side by side put them; `*` is one folder. */
const PLACES = [
  ['/usr/lib/postgresql', 'bin'],
  ['/usr', 'bin', /^pgsql-\d+$/],
  ['/opt/homebrew/opt', 'bin', /^(postgresql@\d+|libpq)$/],
] as const

/**
 * Of the server's own version, or else of the next newer one: an older program refuses a newer server. Answers what to
 * say where there is none.
 */
export async function findTool(name: ToolName, atLeast: number, search: ToolSearch): Promise<Tool | NoTool> {
  const found: Tool[] = []
  for (const folder of await foldersOf(search)) {
    const tool = await readTool(join(folder, name), search)
    if (tool !== undefined) found.push(tool)
    if (tool?.major === atLeast) break
  }
  const fitting = found.filter(({ major }) => major >= atLeast).toSorted((a, b) => a.major - b.major)
  return fitting[0] ?? missing(name, atLeast, found)
}

export function isTool(answer: Tool | NoTool): answer is Tool {
  return !('reason' in answer)
}

function missing(name: ToolName, atLeast: number, found: readonly Tool[]): NoTool {
  const newest = Math.max(0, ...found.map(({ major }) => major))
  const reason =
    newest === 0 ? `there is no ${name} on this machine` : `${name} is older than what it has to work with`
  return {
    reason,
    needed: atLeast,
    ...(newest === 0 ? {} : { found: newest }),
    install: `apt-get install postgresql-client-${atLeast}`,
  }
}

async function foldersOf({ environment, folder }: ToolSearch): Promise<readonly string[]> {
  const versioned: string[] = []
  for (const [above, below, pattern = /^\d+$/] of PLACES) {
    const names = await readdir(above).catch(() => [])
    versioned.push(...names.filter((name) => pattern.test(name)).map((name) => join(above, name, below)))
  }
  const onPath = (environment['PATH'] ?? '').split(delimiter).filter((each) => each !== '')
  return [...(folder === undefined ? [] : [folder]), ...versioned, ...onPath]
}

async function readTool(path: string, { environment }: ToolSearch): Promise<Tool | undefined> {
  const found = await stat(path).catch(() => undefined)
  if (found?.isFile() !== true) return undefined
  const env = { PATH: environment['PATH'], HOME: environment['HOME'], LC_ALL: 'C' }
  const answer = await promisify(execFile)(path, ['--version'], { env, timeout: VERSION_WAIT_MS }).catch(
    () => undefined,
  )
  const version = / \(PostgreSQL\) (\d+(?:\.\d+)*)/.exec(answer?.stdout ?? '')?.[1]
  return version === undefined ? undefined : { path, version, major: Number.parseInt(version, 10) }
}
