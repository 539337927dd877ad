import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { Readable, Writable } from 'node:stream'
import type { TestContext } from 'node:test'
import type { Scope } from '../temporary.ts'
import { runCli } from '../../src/cli/run-cli.ts'

export const MAIN = resolve(import.meta.dirname, '../../src/cli/main.ts')
/** Halves the start of each process; keyed by Node itself to the content of every file. */
export const COMPILE_CACHE = join(tmpdir(), `coffre-test-compile-cache-${process.getuid?.() ?? 0}`)

export interface Finished {
  readonly code: number | null
  readonly out: string
  readonly bytes: Buffer
  readonly error: string
}

export interface RunOptions {
  readonly input?: string | Uint8Array
  readonly environment?: Readonly<Record<string, string>>
}

/** A folder of its own with the real command line in it; nothing of the caller's environment comes through. */
export class CoffreProcess {
  readonly folder: string
  readonly environment: Record<string, string> = {}

  constructor(t: Scope) {
    this.folder = mkdtempSync(join(tmpdir(), 'coffre-cli-'))
    t.after(() => rmSync(this.folder, { recursive: true, force: true }))
  }

  get dataDir(): string {
    return join(this.folder, 'coffre-data')
  }

  baseEnvironment(): Record<string, string> {
    const path = process.env['PATH'] ?? ''
    return { PATH: path, HOME: this.folder, NODE_COMPILE_CACHE: COMPILE_CACHE, ...this.environment }
  }

  async run(args: readonly string[], options: RunOptions = {}): Promise<Finished> {
    const child = spawn(process.execPath, [MAIN, ...args], {
      cwd: this.folder,
      env: {
        PATH: process.env['PATH'] ?? '',
        HOME: this.folder,
        ...this.environment,
        ...options.environment,
      },
    })
    const out: Buffer[] = []
    const error: Buffer[] = []
    child.stdout.on('data', (piece: Buffer) => out.push(piece))
    child.stderr.on('data', (piece: Buffer) => error.push(piece))
    // A command that reads no input may end before it was given any.
    child.stdin.on('error', () => undefined)
    child.stdin.end(options.input ?? '')
    const code = await new Promise<number | null>((done) => child.on('close', done))
    const bytes = Buffer.concat(out)
    return { code, bytes, out: bytes.toString(), error: Buffer.concat(error).toString() }
  }

  /** Without a process, and so much faster. Files are named by absolute path. */
  async runHere(args: readonly string[], options: RunOptions = {}): Promise<Finished> {
    const stdin = Readable.from([Buffer.from(options.input ?? '')])
    const [stdout, stderr] = [new Collector(), new Collector()]
    const places = { COFFRE_DATA_DIR: this.dataDir, COFFRE_PROJECT_DIR: this.folder, HOME: this.folder }
    const environment = { ...places, ...this.environment, ...options.environment }
    const code = await runCli(args, { stdin, stdout, stderr, environment })
    const bytes = stdout.bytes()
    return { code, bytes, out: bytes.toString(), error: stderr.bytes().toString() }
  }

  /** What a test stands on and does not look at. */
  async prepare(...lines: readonly string[]): Promise<void> {
    for (const line of lines) {
      const { code, error } = await this.runHere(line.split(' '))
      if (code !== 0) throw new Error(`coffre ${line} ended with ${code}: ${error}`)
    }
  }

  path(name: string): string {
    return join(this.folder, name)
  }

  /** Runs a command that must succeed; `line` has no quoting. */
  async ok(line: string, options: RunOptions = {}): Promise<Finished> {
    const finished = await this.run(line.split(' '), options)
    if (finished.code !== 0) {
      throw new Error(`coffre ${line} ended with ${finished.code}: ${finished.error}${finished.out}`)
    }
    return finished
  }

  async json(line: string, options: RunOptions = {}): Promise<Record<string, unknown>> {
    const { out } = await this.ok(`${line} --json`, options)
    return JSON.parse(out) as Record<string, unknown>
  }

  /** Every file below the folder with the SHA-256 of its bytes. */
  snapshot(): Readonly<Record<string, string>> {
    const files = readdirSync(this.folder, { recursive: true, withFileTypes: true }).filter((entry) =>
      entry.isFile(),
    )
    return Object.fromEntries(
      files.map((entry) => {
        const path = join(entry.parentPath, entry.name)
        return [path, createHash('sha256').update(readFileSync(path)).digest('hex')]
      }),
    )
  }
}

/** The same without a process of its own, for tests of many commands. Files are named by absolute path. */
export class CoffreLine extends CoffreProcess {
  override run(args: readonly string[], options: RunOptions = {}): Promise<Finished> {
    return this.runHere(args, options)
  }
}

class Collector extends Writable {
  readonly #pieces: Buffer[] = []

  override _write(piece: Buffer, _encoding: string, done: () => void): void {
    this.#pieces.push(piece)
    done()
  }

  bytes(): Buffer {
    return Buffer.concat(this.#pieces)
  }
}

export interface ServerProcess {
  readonly url: string
  stop(): Promise<number | null>
}

/** `coffre serve` on a free port, stopped when the test ends. */
export async function startServer(
  t: TestContext,
  cli: CoffreProcess,
  args: readonly string[] = [],
): Promise<ServerProcess> {
  const child = spawn(
    process.execPath,
    [MAIN, 'serve', '--json', '--port', '0', '--log-level', 'silent', ...args],
    {
      cwd: cli.folder,
      env: cli.baseEnvironment(),
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  const closed = new Promise<number | null>((done) => child.on('close', done))
  const stop = () => {
    child.kill('SIGTERM')
    return closed
  }
  t.after(stop)
  const errors: Buffer[] = []
  child.stderr.on('data', (piece: Buffer) => errors.push(piece))
  const line = await new Promise<string>((done, fail) => {
    child.stdout.once('data', (piece: Buffer) => done(piece.toString()))
    child.once('close', (code) =>
      fail(new Error(`serve ended with ${code}: ${Buffer.concat(errors).toString()}`)),
    )
  })
  const { url } = JSON.parse(line) as { url: string }
  return { url, stop }
}
