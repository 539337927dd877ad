import { sql } from 'kysely'
import type { Clock } from '../../model/clock.ts'
import { migrate } from '../sql/migration/migrate.ts'
import { readMove } from '../sql/move/move-state.ts'
import { type MoveProgress, moveStore, requireEmpty } from '../sql/move/move-store.ts'
import { countRows, type MovedTable } from '../sql/move/move-tables.ts'
import type { Database } from '../sql/schema.ts'
import { SqlStore } from '../sql/sql-store.ts'
import { openSqliteEngine } from '../sqlite/sqlite-engine.ts'
import type { Store } from '../store.ts'
import { openPostgresEngine, type PostgresEngine } from './postgres-engine.ts'
import { toOpenError } from './postgres-errors.ts'

/** What each side keeps for itself. */
const OWN_TABLES = new Set(['migration', 'migration_support', 'store_move', 'commit_ledger', 'job'])

export interface MoveOptions {
  /** Of an embedded Coffre, which nobody has open. */
  readonly folder: string
  readonly url: string
  readonly clock: Clock
  /** A name for a new move. */
  readonly move: string
  /** Looks at both sides and changes nothing. */
  readonly dryRun: boolean
  readonly tell: (progress: MoveProgress) => void
  readonly verifyAudit: (store: Store) => Promise<boolean>
}

export interface Moved {
  readonly rows: number
  readonly target: string
}

/** Throws STORE_IN_USE, STORE_MOVED, CONFIG_REFUSED for a target that holds something else, and what stores throw. */
export async function moveToPostgres(options: MoveOptions): Promise<Moved> {
  const { folder, url, clock, move, dryRun, tell, verifyAudit } = options
  const source = await openSqliteEngine(folder)
  try {
    await migrate(source, { clock })
    const tables = await listTables(source.reader)
    const target = await openPostgresEngine(url)
    try {
      const names = { source: 'an embedded Coffre', target: nameOf(url) }
      if (dryRun) return { rows: await planMove(target, source.reader, tables), target: names.target }
      await migrate(target, { clock })
      const verifyTarget = () => verifyAudit(new SqlStore(target))
      const parts = { source, target, tables, move, names, tell, verifyTarget }
      return { rows: (await moveStore(parts)).rows, target: names.target }
    } catch (error) {
      throw toOpenError(error)
    } finally {
      await target.close()
    }
  } finally {
    await source.close()
  }
}

async function planMove(
  target: PostgresEngine,
  source: Database,
  tables: readonly MovedTable[],
): Promise<number> {
  const { rows } = await sql<{
    found: string | null
  }>`select to_regclass('store_move')::text as found`.execute(target.reader)
  if (typeof rows[0]?.found === 'string')
    await requireEmpty({ target, tables }, await readMove(target.reader))
  let total = 0
  for (const table of tables) total += await countRows(source, table)
  return total
}

/** By the order of their creation, in which a table follows those that it refers to. */
async function listTables(db: Database): Promise<readonly MovedTable[]> {
  const { rows } = await sql<{ name: string }>`select name from sqlite_schema
    where type = 'table' and name not like 'sqlite_%' order by rowid`.execute(db)
  const moved: MovedTable[] = []
  for (const { name } of rows.filter((row) => !OWN_TABLES.has(row.name))) {
    const columns = await sql<{
      name: string
      pk: number
    }>`select name, pk from pragma_table_info(${name})`.execute(db)
    const key = columns.rows.filter(({ pk }) => pk > 0).toSorted((left, right) => left.pk - right.pk)
    moved.push({
      name,
      columns: columns.rows.map((column) => column.name),
      key: key.map((column) => column.name),
    })
  }
  return moved
}

/** Host and database, for people. */
function nameOf(url: string): string {
  const { host, pathname } = new URL(url)
  return `${host}${pathname}`
}
