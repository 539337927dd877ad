import { type ChildProcess, type ChildProcessByStdio, spawn } from 'node:child_process'
import { basename } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { printable, ProgramFailure } from './reasons.ts'

/** One run of a program. */
export interface Program {
  readonly path: string
  /** Everybody on the machine can read them. */
  readonly args: readonly string[]
  readonly environment: NodeJS.ProcessEnv
}

const MAX_SAID_BYTES = 16 * 1024
/** After being asked to end; then it is ended. */
const GRACE_MS = 5_000

/** What it writes. Throws ProgramFailure at the end of one that failed. */
export async function* readProgram(program: Program, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const child = spawn(program.path, program.args, {
    env: program.environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const run = new Run(program, child, signal)
  try {
    for await (const piece of child.stdout) {
      signal.throwIfAborted()
      yield toBytes(piece)
    }
    await run.end()
  } finally {
    await run.stop()
  }
}

/** Gives it everything. It may stop reading before the end and still succeed. Throws ProgramFailure. */
export async function feedProgram(
  program: Program,
  pieces: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<void> {
  const child = spawn(program.path, program.args, {
    env: program.environment,
    stdio: ['pipe', 'ignore', 'pipe'],
  })
  const run = new Run(program, child, signal)
  try {
    await writePieces(child, pieces, signal)
    await run.end()
  } finally {
    await run.stop()
  }
}

async function writePieces(
  child: ChildProcessByStdio<Writable, null, Readable>,
  pieces: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<void> {
  const { stdin } = child
  const isClosed = Promise.withResolvers<void>()
  // EPIPE: it has ended, and its exit code says why.
  stdin.on('error', () => isClosed.resolve())
  stdin.on('close', () => isClosed.resolve())
  for await (const piece of pieces) {
    signal.throwIfAborted()
    if (stdin.destroyed) break
    // Until it is gone: the piece is only lent.
    await Promise.race([new Promise<void>((done) => stdin.write(piece, () => done())), isClosed.promise])
  }
  stdin.end()
}

function toBytes(piece: unknown): Uint8Array {
  if (piece instanceof Uint8Array) return piece
  throw new Error('unreachable: a pipe without an encoding gives bytes')
}

/** Watches one process to its end. */
class Run {
  readonly #program: Program
  readonly #child: ChildProcess
  readonly #signal: AbortSignal
  readonly #closed: Promise<void>
  readonly #kill = (): void => {
    this.#child.kill('SIGTERM')
    setTimeout(() => this.#child.kill('SIGKILL'), GRACE_MS).unref()
  }
  #said = ''
  #startError: unknown

  constructor(program: Program, child: ChildProcess, signal: AbortSignal) {
    this.#program = program
    this.#child = child
    this.#signal = signal
    child.on('error', (error) => (this.#startError = error))
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      // The beginning says what is wrong, and the end what came of it.
      if (this.#said.length < MAX_SAID_BYTES) this.#said += text
    })
    this.#closed = new Promise((resolve) => child.once('close', () => resolve()))
    signal.addEventListener('abort', this.#kill, { once: true })
  }

  /** Waits for a good end. */
  async end(): Promise<void> {
    await this.#closed
    this.#signal.throwIfAborted()
    const { exitCode, signalCode } = this.#child
    if (exitCode === 0) return
    const program = basename(this.#program.path)
    if (this.#startError !== undefined)
      throw new ProgramFailure({ reason: 'the program does not start', program })
    throw new ProgramFailure({
      reason: this.#lastWords() || 'the program failed',
      program,
      exit: exitCode ?? signalCode ?? 'unknown',
    })
  }

  async stop(): Promise<void> {
    this.#signal.removeEventListener('abort', this.#kill)
    if (this.#child.exitCode === null && this.#child.signalCode === null && this.#child.pid !== undefined)
      this.#kill()
    await this.#closed
  }

  /** The line that names an error and what it adds to it, or else the last line. */
  #lastWords(): string {
    const lines = this.#said.split('\n').filter((line) => line.trim() !== '')
    const at = lines.findIndex((line) => /\b(error|fatal|panic)\b/i.test(line))
    const words = (at === -1 ? lines.slice(-1) : lines.slice(at, at + 2)).join(' ')
    const password = this.#program.environment['PGPASSWORD'] ?? ''
    // No program of PostgreSQL shows one; this holds for the next version too.
    return printable(password === '' ? words : words.replaceAll(password, '***'))
  }
}
