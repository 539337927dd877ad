import { AsyncLocalStorage } from 'node:async_hooks'
import { setTimeout } from 'node:timers/promises'
import { CoffreError } from '../../model/errors.ts'
import type { Store, StoreTransaction } from '../store.ts'
import { commitWork } from './commit-work.ts'
import type { SqlEngine } from './engine.ts'
import { SerialQueue } from './serial-queue.ts'
import { SqlReader } from './sql-reader.ts'
import { SqlTransaction } from './sql-transaction.ts'

/** A transaction that had to give way five times meets something that will not pass by itself. */
const MAX_ATTEMPTS = 5
const FIRST_PAUSE_MS = 5

interface Scope {
  open: boolean
}

/** The contract over any SQL database that has an engine. docs/design/store.md tells how it keeps it. */
export class SqlStore extends SqlReader implements Store {
  readonly #engine: SqlEngine
  readonly #random: () => number
  readonly #queue = new SerialQueue()
  readonly #scope = new AsyncLocalStorage<Scope>()
  readonly #listeners = new Set<() => void>()
  #stopWatching: (() => void) | undefined
  #tracesRemain = false
  #closing: Promise<void> | undefined

  /** `random`, from 0 to 1, spreads the moments at which several nodes try again. */
  constructor(engine: SqlEngine, random: () => number = () => 1) {
    super(engine.reader)
    this.#engine = engine
    this.#random = random
  }

  async transaction<Result>(work: (tx: StoreTransaction) => Promise<Result>): Promise<Result> {
    // It would wait for itself in the queue.
    if (this.#scope.getStore()?.open === true) throw new Error('unreachable: a transaction inside another')
    if (this.#closing !== undefined)
      throw new CoffreError('STORE_UNAVAILABLE', { facts: { reason: 'closed' } })
    return await this.#queue.run(() => this.#runAgain(work))
  }

  watchChanges(listener: () => void): () => void {
    this.#listeners.add(listener)
    this.#stopWatching ??= this.#engine.watch(this.#tellListeners)
    return () => this.#listeners.delete(listener)
  }

  close(): Promise<void> {
    this.#stopWatching?.()
    this.#closing ??= this.#queue.run(() => this.#engine.close())
    return this.#closing
  }

  async #runAgain<Result>(work: (tx: StoreTransaction) => Promise<Result>): Promise<Result> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#run(work)
      } catch (error) {
        if (attempt === MAX_ATTEMPTS || !this.#engine.mayRunAgain(error)) throw error
        await setTimeout(this.#random() * FIRST_PAUSE_MS * 2 ** attempt)
      }
    }
  }

  async #run<Result>(work: (tx: StoreTransaction) => Promise<Result>): Promise<Result> {
    const scope = { open: true }
    let hasChanged = false
    try {
      const result = await commitWork(this.#engine.writer, async (db) => {
        const tx = new SqlTransaction(db, this.#engine)
        const answer = await this.#scope.run(scope, () => work(tx))
        this.#tracesRemain ||= tx.hasErased
        hasChanged = tx.hasChanged
        return answer
      })
      if (hasChanged) this.#tellListeners()
      return result
    } finally {
      scope.open = false
      if (this.#tracesRemain) this.#tracesRemain = !this.#engine.eraseTraces()
    }
  }

  readonly #tellListeners = (): void => {
    for (const listener of this.#listeners) listener()
  }
}
