import type { DatabaseSync, SQLInputValue } from 'node:sqlite'
import { setTimeout } from 'node:timers/promises'
import {
  CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely'
import { CoffreError } from '../../model/errors.ts'
import { isSyncFailure, primaryCode, SQLITE_BUSY, toStoreError } from './sqlite-errors.ts'
import { StatementCache } from './statement-cache.ts'

/** A commit takes about half a millisecond, most of it the disk's. */
const LOCK_RETRY_MS = 1
/** Longer than any queue of healthy writers; the audit log gives up on its callers before that. */
const MAX_LOCK_WAIT_MS = 5_000

/** Kysely on one node:sqlite connection, which the driver closes when it is destroyed. */
export function sqliteDialect(database: DatabaseSync): Dialect {
  return {
    createDriver: () => new SqliteDriver(database),
    createQueryCompiler: () => new SqliteQueryCompiler(),
    createAdapter: () => new SqliteAdapter(),
    createIntrospector: (db) => new SqliteIntrospector(db),
  }
}

class SqliteDriver implements Driver {
  readonly #database: DatabaseSync
  readonly #connection: SqliteConnection

  constructor(database: DatabaseSync) {
    this.#database = database
    this.#connection = new SqliteConnection(database)
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<DatabaseConnection> {
    return this.#connection
  }

  /**
   * IMMEDIATE takes the write lock now: a transaction that reads first never fails when it writes. Where another
   * process has it, this one waits without holding up its event loop, as SQLite's own busy handler would.
   */
  async beginTransaction(): Promise<void> {
    this.#connection.leaveTransaction()
    const giveUpAt = performance.now() + MAX_LOCK_WAIT_MS
    while (!this.#connection.tryBegin()) {
      if (performance.now() > giveUpAt) {
        throw new CoffreError('STORE_UNAVAILABLE', { facts: { reason: 'locked by another process' } })
      }
      await setTimeout(LOCK_RETRY_MS)
    }
  }

  async commitTransaction(): Promise<void> {
    this.#connection.execute(CompiledQuery.raw('commit'))
  }

  async rollbackTransaction(): Promise<void> {
    this.#connection.leaveTransaction()
  }

  async releaseConnection(): Promise<void> {}

  async destroy(): Promise<void> {
    if (this.#database.isOpen) this.#database.close()
  }
}

class SqliteConnection implements DatabaseConnection {
  readonly #database: DatabaseSync
  readonly #statements: StatementCache
  /** SQLite may have rolled back by itself at this error; what came after it would commit alone. */
  #failure: unknown
  /** A sync has failed, and nothing is written before everything committed is known to be on the disk. */
  #isUnsynced = false

  constructor(database: DatabaseSync) {
    this.#database = database
    this.#statements = new StatementCache(database)
  }

  async executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    return this.execute(query)
  }

  execute<Row>(query: CompiledQuery): QueryResult<Row> {
    if (this.#failure !== undefined) throw this.#failure
    const inTransaction = this.#isInTransaction
    try {
      return this.#run(query)
    } catch (cause) {
      const error = toStoreError(cause)
      if (inTransaction) this.#failure = error
      if (isSyncFailure(cause)) this.#isUnsynced = true
      throw error
    }
  }

  /** False while another process holds the write lock. */
  tryBegin(): boolean {
    try {
      if (this.#isUnsynced) this.#syncEverything()
      this.#database.exec('begin immediate')
      return true
    } catch (cause) {
      if (primaryCode(cause) === SQLITE_BUSY) return false
      throw toStoreError(cause)
    }
  }

  /**
   * The kernel reports a lost page once and may then take it for clean, so trying again would prove nothing. Copying
   * the log into the database writes and syncs every page anew, and the log begins from nothing.
   */
  #syncEverything(): void {
    const result = this.#database.prepare('pragma wal_checkpoint(truncate)').get()
    if (result?.['busy'] !== 0)
      throw new CoffreError('STORE_UNAVAILABLE', { facts: { reason: 'a sync failed' } })
    this.#isUnsynced = false
  }

  leaveTransaction(): void {
    this.#failure = undefined
    if (this.#isInTransaction) this.execute(CompiledQuery.raw('rollback'))
  }

  get #isInTransaction(): boolean {
    return this.#database.isOpen && this.#database.isTransaction
  }

  // Kysely asks for it; the store reads pages and streams nothing.
  // oxlint-disable-next-line require-yield
  async *streamQuery<Row>(): AsyncIterableIterator<QueryResult<Row>> {
    throw new Error('unreachable: this store does not stream')
  }

  #run<Row>(query: CompiledQuery): QueryResult<Row> {
    const { statement, answersRows } = this.#statements.prepare(query.sql)
    const parameters = query.parameters.map(toParameter)
    if (answersRows) {
      // The schema's types say what the rows hold; every value is parsed before it leaves the store.
      return { rows: statement.all(...parameters) as Row[] }
    }
    const { changes } = statement.run(...parameters)
    return { rows: [], numAffectedRows: BigInt(changes) }
  }
}

function toParameter(value: unknown): SQLInputValue {
  if (value === null || typeof value === 'string' || typeof value === 'number') return value
  if (value instanceof Uint8Array) return value
  throw new TypeError('unreachable: the schema has text, numbers, bytes and NULL')
}
