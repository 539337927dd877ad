import type { DatabaseSync, SQLInputValue } from 'node:sqlite'
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
import { toStoreError } from './sqlite-errors.ts'
import { StatementCache } from './statement-cache.ts'

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

  /** IMMEDIATE takes the write lock now: a transaction that reads first never fails when it writes. */
  async beginTransaction(): Promise<void> {
    this.#connection.leaveTransaction()
    this.#connection.execute(CompiledQuery.raw('begin immediate'))
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
      throw error
    }
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
