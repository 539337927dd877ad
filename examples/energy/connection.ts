import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Audit } from '../../src/model/audit.ts'
import type { Coffre, Keys } from '../../src/model/coffre.ts'
import { CommandLineCoffre } from './command-line-coffre.ts'
import type { CoffrePackage } from './coffre-package.ts'

export const VIAS = ['library', 'http', 'cli'] as const

export type Via = (typeof VIAS)[number]

/** The part of the one interface that the example needs: embedded, a server, or the command line. */
export interface EnergyCoffre extends Pick<Coffre, 'batch' | 'inspect' | 'close'> {
  readonly keys: Pick<Keys, 'create' | 'get' | 'rotate' | 'rollback' | 'setFloor' | 'destroy'>
  readonly audit: Pick<Audit, 'verify'>
}

export interface Connection {
  readonly coffre: EnergyCoffre
  /** A context names the day of its document; the month where every call starts a process (`--lines`). */
  readonly contextDate: 'day' | 'month'
  close(): Promise<void>
}

export async function connect(via: Via, used: CoffrePackage, folder: string): Promise<Connection> {
  const library = await used.library()
  if (via === 'library') {
    const coffre = await library.openCoffre({ dataDir: join(folder, 'coffre'), createIfMissing: true })
    return { coffre, contextDate: 'day', close: () => coffre.close() }
  }
  const server = (await findServer(library, folder)) ?? (await startServer(used, folder))
  const close = () => stopServer(server)
  if (via === 'cli') {
    return { coffre: new CommandLineCoffre(used.command, server), contextDate: 'month', close }
  }
  const token = readFileSync(server.tokenFile, 'utf8').trim()
  return { coffre: library.connectCoffre(server.url, token), contextDate: 'day', close }
}

export interface Server {
  readonly url: string
  readonly pid: number
  readonly tokenFile: string
}

/** Where the server of a folder is written down, for a run after one that was killed. */
export function serverFile(folder: string): string {
  return join(folder, 'server.json')
}

/** The server of an earlier run outlives it when only that run is killed; it holds the data folder. */
async function findServer(
  library: Awaited<ReturnType<CoffrePackage['library']>>,
  folder: string,
): Promise<Server | undefined> {
  try {
    const server = JSON.parse(readFileSync(serverFile(folder), 'utf8')) as Server
    await library.connectCoffre(server.url).operator.status()
    return server
  } catch {
    return undefined // None was started, or it is gone.
  }
}

async function startServer(used: CoffrePackage, folder: string): Promise<Server> {
  const dataDir = join(folder, 'coffre')
  const options = ['--json', '--port', '0', '--log-level', 'warn', '--data-dir', dataDir]
  const child = spawn(process.execPath, [used.command, 'serve', ...options], {
    stdio: ['ignore', 'pipe', 'inherit'],
    // It outlives an interrupted run, which the next one finds again, and never gets its Ctrl-C twice.
    detached: true,
  })
  const said = JSON.parse(await readFirstLine(child)) as { url: string; firstTokenFile: string }
  child.unref()
  const server = { url: said.url, pid: child.pid ?? 0, tokenFile: said.firstTokenFile }
  writeFileSync(serverFile(folder), JSON.stringify(server))
  return server
}

async function readFirstLine(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error('unreachable: standard output is a pipe')
  const lines = createInterface({ input: child.stdout })
  const closed = once(lines, 'close').then(() => {
    throw new Error('coffre serve ended before it listened')
  })
  const [line] = await Promise.race([once(lines, 'line'), closed])
  closed.catch(() => undefined)
  return String(line)
}

/** Waits until the data folder is free again. */
async function stopServer(server: Server): Promise<void> {
  for (let signal: NodeJS.Signals | 0 = 'SIGTERM'; isRunning(server.pid, signal); signal = 0) {
    await new Promise((done) => setTimeout(done, 20))
  }
}

function isRunning(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal)
  } catch {
    return false
  }
}
