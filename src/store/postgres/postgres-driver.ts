import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryResult,
} from 'kysely'
import type { Pool, PoolClient, QueryResult as Answer } from 'pg'
import { CoffreError } from '../../model/errors.ts'
import type { CommitLedger } from './commit-ledger.ts'
import { endsConnection, toStoreError } from './postgres-errors.ts'
import { TAKE_WRITER_LOCK } from './writer-lock.ts'

/** Transactions exclude each other by the lock, so each statement may and should see the newest commit. */
const BEGIN = `begin isolation level read committed read write; ${TAKE_WRITER_LOCK}`

/** Kysely on a pool, which the driver ends when it is destroyed. Without a ledger it only reads. */
export function postgresDialect(pool: Pool, ledger?: CommitLedger): Dialect {
  return {
    createDriver: () => new PostgresDriver(pool, ledger),
    createQueryCompiler: () => new PostgresQueryCompiler(),
    createAdapter: () => new PostgresAdapter(),
    createIntrospector: (db) => new PostgresIntrospector(db),
  }
}

class PostgresDriver implements Driver {
  readonly #pool: Pool
  readonly #ledger: CommitLedger | undefined

  constructor(pool: Pool, ledger: CommitLedger | undefined) {
    this.#pool = pool
    this.#ledger = ledger
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<PostgresConnection> {
    return new PostgresConnection(await connect(this.#pool))
  }

  async beginTransaction(connection: PostgresConnection): Promise<void> {
    if (this.#ledger === undefined) throw new Error('unreachable: this connection only reads')
    await connection.begin(() => connect(this.#pool))
  }

  async commitTransaction(connection: PostgresConnection): Promise<void> {
    if (this.#ledger !== undefined) await connection.commit(this.#ledger)
  }

  async rollbackTransaction(connection: PostgresConnection): Promise<void> {
    await connection.rollback()
  }

  async releaseConnection(connection: PostgresConnection): Promise<void> {
    connection.release()
  }

  async destroy(): Promise<void> {
    if (!this.#pool.ended) await this.#pool.end()
  }
}

async function connect(pool: Pool): Promise<PoolClient> {
  if (pool.ending) throw new CoffreError('STORE_UNAVAILABLE', { facts: { reason: 'closed' } })
  try {
    return await pool.connect()
  } catch (error) {
    throw toStoreError(error)
  }
}

class PostgresConnection implements DatabaseConnection {
  #client: PoolClient
  #isBroken = false
  #inTransaction = false
  #hasWritten = false
  /** The server ignores what follows a failed statement; its first error is the one to report. */
  #failure: CoffreError | undefined

  constructor(client: PoolClient) {
    this.#client = client
  }

  async executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    if (this.#failure !== undefined) throw this.#failure
    // Unnamed: a named statement would keep the columns of before another node's migration.
    const answer = await this.#ask(query.sql, query.parameters)
    const affected = BigInt(answer.rowCount ?? 0)
    if (answer.command !== 'SELECT') this.#hasWritten ||= affected > 0n || answer.rowCount === null
    // The schema's types say what the rows hold; every value is parsed before it leaves the store.
    return { rows: answer.rows as Row[], numAffectedRows: affected }
  }

  // Kysely asks for it; the store reads pages and streams nothing.
  // oxlint-disable-next-line require-yield
  async *streamQuery<Row>(): AsyncIterableIterator<QueryResult<Row>> {
    throw new Error('unreachable: this store does not stream')
  }

  /** A connection that was lost while it was idle is found out here, and nothing has been written yet. */
  async begin(reconnect: () => Promise<PoolClient>): Promise<void> {
    try {
      await this.#ask(BEGIN)
    } catch (error) {
      if (!this.#isBroken) throw error
      this.release()
      this.#client = await reconnect()
      this.#isBroken = false
      await this.#ask(BEGIN)
    }
    this.#failure = undefined
    this.#hasWritten = false
    this.#inTransaction = true
  }

  async commit(ledger: CommitLedger): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure
    const entry = this.#hasWritten ? ledger.nextEntry() : undefined
    try {
      const last = await this.#ask(entry === undefined ? 'commit' : `${entry.statement}; commit`)
      // The server answers COMMIT with ROLLBACK where the transaction had failed.
      if (last.command !== 'COMMIT')
        throw new CoffreError('STORE_UNAVAILABLE', { facts: { reason: 'rolled back' } })
    } catch (error) {
      if (!this.#isBroken || entry === undefined) throw error
      if (!(await entry.isCommitted())) throw error
    }
    this.#inTransaction = false
  }

  /** Never throws: a transaction that cannot be rolled back ends with its connection. */
  async rollback(): Promise<void> {
    const wasOpen = this.#inTransaction
    this.#inTransaction = false
    this.#failure = undefined
    if (this.#isBroken || !wasOpen) return
    await this.#ask('rollback').catch(() => {
      this.#isBroken = true
    })
  }

  /** A transaction that did not end by itself ends here, with the connection. */
  release(): void {
    this.#client.release(this.#isBroken || this.#inTransaction)
    this.#inTransaction = false
  }

  /** The last answer where `text` holds several statements. */
  async #ask(text: string, parameters: readonly unknown[] = []): Promise<Answer> {
    try {
      const answer: Answer | Answer[] =
        parameters.length === 0
          ? await this.#client.query(text)
          : await this.#client.query(text, [...parameters])
      const last = Array.isArray(answer) ? answer.at(-1) : answer
      if (last === undefined) throw new Error('unreachable: every statement is answered')
      return last
    } catch (cause) {
      this.#isBroken ||= endsConnection(cause) && !(cause instanceof CoffreError)
      const error = toStoreError(cause)
      if (this.#inTransaction) this.#failure ??= error
      throw error
    }
  }
}
