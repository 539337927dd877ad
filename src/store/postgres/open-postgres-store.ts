import { sql } from 'kysely'
import { type Clock, toInstant } from '../../model/clock.ts'
import { CoffreError } from '../../model/errors.ts'
import { commitWork } from '../sql/commit-work.ts'
import { migrate } from '../sql/migration/migrate.ts'
import { requireServable } from '../sql/move/move-state.ts'
import { SqlStore } from '../sql/sql-store.ts'
import type { Store } from '../store.ts'
import { toOpenError } from './postgres-errors.ts'
import { openPostgresEngine, type PostgresEngine } from './postgres-engine.ts'

export interface PostgresStoreOptions {
  /** `postgres://user@host/database`. A password may come from PGPASSWORD or .pgpass instead. */
  readonly url: string
  /** From 0 to 1, to spread the moments at which several nodes try again. */
  readonly random: () => number
  /** False: a database without a Coffre is NOT_INITIALISED, and nothing is made in it. True when absent. */
  readonly create?: boolean
  /** For the dates of migrations. */
  readonly clock?: Clock
}

/**
 * Opens, and creates or migrates, the store in a PostgreSQL database. Several processes may have it open at
 * once. Throws STORE_UNAVAILABLE, STORE_DAMAGED, or CONFIG_REFUSED where the server, the user or the schema is
 * none that Coffre can work with.
 */
export async function openPostgresStore(options: PostgresStoreOptions): Promise<Store> {
  const engine = await openPostgresEngine(options.url)
  try {
    if (options.create === false) await requireSchema(engine)
    await migrate(engine, { clock: options.clock ?? (() => toInstant(Date.now())) })
    await commitWork(engine.writer, requireServable)
    await engine.ledger.open()
    return new SqlStore(engine, options.random)
  } catch (error) {
    await engine.close()
    throw toOpenError(error)
  }
}

async function requireSchema(engine: PostgresEngine): Promise<void> {
  const { rows } = await sql<{
    found: string | null
  }>`select to_regclass('migration')::text as found`.execute(engine.reader)
  if (typeof rows[0]?.found !== 'string') throw new CoffreError('NOT_INITIALISED')
}
