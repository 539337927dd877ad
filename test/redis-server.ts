import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Scope } from './temporary.ts'

/** Why its tests cannot run here, or false. */
export const NO_REDIS: string | false = findServer()
  ? false
  : 'redis-server is not installed: apt-get install redis-server redis-tools'

function findServer(): boolean {
  try {
    execFileSync('redis-server', ['--version'], { stdio: 'ignore' })
    execFileSync('redis-cli', ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** A real server on a free port of this machine, in a folder of its own. It ends with the test. */
export async function startRedis(scope: Scope, settings: readonly string[] = []): Promise<RedisServer> {
  const server = new RedisServer(settings)
  scope.after(() => server.remove())
  await server.start()
  return server
}

export class RedisServer {
  readonly #folder = mkdtempSync(join(tmpdir(), 'coffre-redis-'))
  readonly #settings: readonly string[]
  #process: ChildProcess | undefined
  #port = 0

  constructor(settings: readonly string[]) {
    this.#settings = settings
    process.once('exit', this.#killNow)
  }

  get port(): number {
    return this.#port
  }

  get url(): string {
    return `redis://127.0.0.1:${this.#port}/0`
  }

  /** What a command of redis-cli prints. */
  ask(...words: readonly string[]): string {
    return execFileSync('redis-cli', ['-p', String(this.#port), ...words], { encoding: 'utf8' }).trim()
  }

  /** A file that the server wrote, such as `dump.rdb`. */
  read(name: string): Buffer {
    return readFileSync(join(this.#folder, name))
  }

  appendOnlyFiles(): readonly Buffer[] {
    const folder = join(this.#folder, 'appendonlydir')
    return readdirSync(folder).map((name) => readFileSync(join(folder, name)))
  }

  /** Ends the server, puts a dump in the place of its own and starts it on that. */
  async restore(dump: Uint8Array): Promise<void> {
    await this.kill()
    rmSync(join(this.#folder, 'appendonlydir'), { recursive: true, force: true })
    writeFileSync(join(this.#folder, 'dump.rdb'), dump)
    await this.start(['--appendonly', 'no'])
  }

  /** Every command that arrives while `work` runs, one a line. */
  async watch(work: () => Promise<unknown>): Promise<readonly string[]> {
    const monitor = spawn('redis-cli', ['-p', String(this.#port), 'monitor'])
    const lines: string[] = []
    const reader = createInterface({ input: monitor.stdout })
    const isWatching = Promise.withResolvers<void>()
    const isOver = Promise.withResolvers<void>()
    reader.on('line', (line) => {
      if (line === 'OK') isWatching.resolve()
      else if (line.includes('"end of watch"')) isOver.resolve()
      else lines.push(line)
    })
    await isWatching.promise
    await work()
    this.ask('echo', 'end of watch')
    await isOver.promise
    monitor.kill()
    await once(monitor, 'exit')
    return lines
  }

  /** Starts it, or starts it again on the same port. */
  async start(further: readonly string[] = []): Promise<void> {
    this.#port ||= await findFreePort()
    const place = ['--port', String(this.#port), '--bind', '127.0.0.1', '--dir', this.#folder, '--save', '']
    const child = spawn('redis-server', [...place, ...this.#settings, ...further], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    this.#process = child
    const isReady = Promise.withResolvers<boolean>()
    child.once('exit', () => isReady.resolve(false))
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line.includes('Ready to accept connections')) isReady.resolve(true)
    })
    assert.ok(await isReady.promise, 'redis-server does not start')
  }

  /** kill -9. */
  async kill(): Promise<void> {
    const child = this.#process
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    this.#killNow()
    await gone
  }

  async remove(): Promise<void> {
    process.removeListener('exit', this.#killNow)
    await this.kill()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  readonly #killNow = (): void => {
    this.#process?.kill('SIGKILL')
  }
}

export async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  server.close()
  await once(server, 'close')
  return address.port
}
