import cluster, { type Worker } from 'node:cluster'
import { setTimeout } from 'node:timers/promises'
import { CoffreError } from '../../model/errors.ts'
import {
  fromPlainError,
  isToParent,
  type Question,
  type RootMessage,
  type StartMessage,
  type ToWorker,
  toPlainError,
} from './messages.ts'

/** Past this a worker that does not finish its requests is ended. */
const MAX_STOP_MS = 15_000
/** A worker that dies sooner than this after its start was not brought down by one odd request. */
const HEALTHY_AFTER_MS = 10_000
const MAX_RESTART_DELAY_MS = 5_000
const FIRST_RESTART_DELAY_MS = 100

export interface WorkerGroupParts {
  /** The script of a worker, beside the one that runs. */
  readonly script: string
  readonly count: number
  /** What each worker is started with, now: the root key may have changed since the last one. */
  readonly start: () => StartMessage
  readonly root: () => RootMessage
  readonly answer: (question: Question) => Promise<unknown>
  readonly onLost: (lost: { readonly pid: number; readonly reason: string }) => void
}

/**
 * Processes that serve one address together. This one, their parent, serves nothing itself: it holds the data
 * folder, starts workers again that die, and answers what only it can know.
 */
export class WorkerGroup {
  readonly #parts: WorkerGroupParts
  readonly #workers = new Set<Worker>()
  #failuresInARow = 0
  #isStopping = false

  constructor(parts: WorkerGroupParts) {
    this.#parts = parts
  }

  /** Resolves with the address once every worker listens. Throws what the first worker that failed says. */
  async start(): Promise<string> {
    if (!cluster.isPrimary) throw new CoffreError('CONFIG_REFUSED', { facts: { at: 'workers' } })
    cluster.setupPrimary({ exec: this.#parts.script, args: [] })
    // The first one alone: a port that is taken, or one that the kernel chooses, is then known to all.
    const url = await this.#fork()
    await Promise.all(Array.from({ length: this.#parts.count - 1 }, () => this.#fork()))
    return url
  }

  /** Tells every worker what the parent's root key is now. */
  tellRoot(): void {
    for (const worker of this.#workers) send(worker, this.#parts.root())
  }

  /** Workers finish the requests that they have. */
  async stop(): Promise<void> {
    this.#isStopping = true
    await Promise.all([...this.#workers].map(stopWorker))
  }

  #fork(): Promise<string> {
    const worker = cluster.fork()
    const startedAt = performance.now()
    this.#workers.add(worker)
    worker.on('exit', (code, signal) => {
      this.#workers.delete(worker)
      if (this.#isStopping || listening.url === undefined) return
      this.#parts.onLost({ pid: worker.process.pid ?? 0, reason: signal ?? `exit code ${code}` })
      const lived = performance.now() - startedAt
      this.#failuresInARow = lived > HEALTHY_AFTER_MS ? 0 : this.#failuresInARow + 1
      void this.#restart()
    })
    const listening: { url?: string } = {}
    const started = this.#listenTo(worker, (url) => {
      listening.url = url
    })
    send(worker, this.#parts.start())
    return started
  }

  #listenTo(worker: Worker, onListening: (url: string) => void): Promise<string> {
    return new Promise((resolve, reject) => {
      worker.once('exit', () => reject(new CoffreError('INTERNAL')))
      worker.on('message', (message: unknown) => {
        if (!isToParent(message)) return
        if (message.kind === 'failed') reject(fromPlainError(message.error))
        if (message.kind === 'ask') void this.#answer(worker, message.id, message.question)
        if (message.kind !== 'listening') return
        onListening(message.url)
        resolve(message.url)
      })
    })
  }

  /** A worker that cannot start again is tried again, ever more slowly: the others serve meanwhile. */
  async #restart(): Promise<void> {
    for (;;) {
      const delay = this.#failuresInARow === 0 ? 0 : FIRST_RESTART_DELAY_MS * 2 ** (this.#failuresInARow - 1)
      await setTimeout(Math.min(delay, MAX_RESTART_DELAY_MS))
      if (this.#isStopping) return
      try {
        await this.#fork()
        return
      } catch {
        this.#failuresInARow += 1
      }
    }
  }

  async #answer(worker: Worker, id: number, question: Question): Promise<void> {
    try {
      send(worker, { kind: 'answer', id, value: await this.#parts.answer(question) })
    } catch (error) {
      send(worker, { kind: 'answer', id, error: toPlainError(error) })
    }
  }
}

/** A worker that is gone meanwhile hears nothing and needs nothing. */
function send(worker: Worker, message: ToWorker): void {
  if (worker.isConnected()) worker.send(message, undefined, () => undefined)
}

async function stopWorker(worker: Worker): Promise<void> {
  const gone = new Promise<void>((resolve) => {
    if (worker.isDead()) resolve()
    else worker.once('exit', () => resolve())
  })
  send(worker, { kind: 'stop' })
  const giveUp = new AbortController()
  const late = setTimeout(MAX_STOP_MS, 'late' as const, { signal: giveUp.signal }).catch(() => undefined)
  if ((await Promise.race([gone, late])) === 'late') worker.process.kill('SIGKILL')
  giveUp.abort()
  await gone
}
