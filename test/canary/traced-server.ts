import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Canaries } from './canary.ts'

const CHILD = resolve(import.meta.dirname, '../http/logging-server.ts')
/** Where the first token and the seal key are on purpose (docs/en/security.md). */
const SECRET_FILES = new Set(['first-token', 'seal.key'])

export interface TracedServer {
  readonly child: ChildProcess
  readonly url: string
  readonly log: () => string
}

/** A server in a process of its own that logs everything it ever logs. */
export async function startTraced(
  folder: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<TracedServer> {
  const env = { ...process.env, ...environment }
  const child = spawn(process.execPath, [CHILD, folder], { stdio: ['pipe', 'pipe', 'pipe'], env })
  let log = ''
  child.stderr.on('data', (piece: Buffer) => (log += piece.toString()))
  const [first] = (await once(child.stdout, 'data')) as [Buffer]
  child.stdout.on('data', (piece: Buffer) => (log += piece.toString()))
  return { child, url: first.toString().trim(), log: () => log }
}

export async function stop(child: ChildProcess): Promise<void> {
  const gone = once(child, 'exit')
  child.stdin?.end()
  await gone
}

/** What every user of the machine sees of every process. */
export function listProcesses(): string {
  const { stdout, error } = spawnSync('ps', ['axww', '-o', 'args'], { encoding: 'utf8' })
  if (error !== undefined) throw error
  return stdout
}

/** Every file of the data folder, the write-ahead log included. */
export function checkFiles(folder: string, canaries: Canaries): void {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
  for (const file of files) {
    if (!file.isFile() || SECRET_FILES.has(file.name)) continue
    canaries.requireNone(file.name, readFileSync(join(file.parentPath, file.name)))
  }
}
