import { AsyncLocalStorage } from 'node:async_hooks'
import { CoffreError } from '../../model/errors.ts'
import type { Store, StoreTransaction } from '../store.ts'
import { commitWork } from './commit-work.ts'
import type { SqlEngine } from './engine.ts'
import { SerialQueue } from './serial-queue.ts'
import { SqlReader } from './sql-reader.ts'
import { SqlTransaction } from './sql-transaction.ts'

interface Scope {
  open: boolean
}

/** The contract over any SQL database that has an engine. docs/design/store.md tells how it keeps it. */
export class SqlStore extends SqlReader implements Store {
  readonly #engine: SqlEngine
  readonly #queue = new SerialQueue()
  readonly #scope = new AsyncLocalStorage<Scope>()
  #tracesRemain = false
  #closing: Promise<void> | undefined

  constructor(engine: SqlEngine) {
    super(engine.reader)
    this.#engine = engine
  }

  async transaction<Result>(work: (tx: StoreTransaction) => Promise<Result>): Promise<Result> {
    // It would wait for itself in the queue.
    if (this.#scope.getStore()?.open === true) throw new Error('unreachable: a transaction inside another')
    if (this.#closing !== undefined)
      throw new CoffreError('STORE_UNAVAILABLE', { facts: { reason: 'closed' } })
    return await this.#queue.run(() => this.#run(work))
  }

  close(): Promise<void> {
    this.#closing ??= this.#queue.run(() => this.#engine.close())
    return this.#closing
  }

  async #run<Result>(work: (tx: StoreTransaction) => Promise<Result>): Promise<Result> {
    const scope = { open: true }
    try {
      return await commitWork(this.#engine.writer, async (db) => {
        const tx = new SqlTransaction(db)
        const result = await this.#scope.run(scope, () => work(tx))
        this.#tracesRemain ||= tx.hasErased
        return result
      })
    } finally {
      scope.open = false
      if (this.#tracesRemain) this.#tracesRemain = !this.#engine.eraseTraces()
    }
  }
}
