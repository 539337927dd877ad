import { crc32 } from 'node:zlib'
import { CompiledQuery } from 'kysely'
import type { Clock } from '../../../model/clock.ts'
import { CoffreError } from '../../../model/errors.ts'
import type { SqlEngine } from '../engine.ts'
import { commitWork } from '../commit-work.ts'
import type { Database } from '../schema.ts'
import { MIGRATIONS, type Migration } from './migrations.ts'

/** What is applied, and when. `migrations` is another list in tests only. */
export interface MigrateOptions {
  readonly clock: Clock
  readonly migrations?: readonly Migration[]
}

/**
 * Brings the schema to the newest migration, one transaction each. Throws CONFIG_REFUSED when a newer
 * Coffre has written this store, and STORE_DAMAGED when an applied migration is not the one we know.
 */
export async function migrate(engine: SqlEngine, options: MigrateOptions): Promise<void> {
  const { clock, migrations = MIGRATIONS } = options
  const applied = await commitWork(engine.writer, (db) => readApplied(db, engine))
  checkApplied(applied, { migrations, engine })
  for (const migration of migrations.slice(applied.length)) {
    const { number, name } = migration
    await commitWork(engine.writer, async (db) => {
      for (const statement of migration.statements(engine.words))
        await db.executeQuery(CompiledQuery.raw(statement))
      const row = { number, name, checksum: checksumOf(migration, engine), applied_at: clock() }
      await db.insertInto('migration').values(row).execute()
    })
  }
}

interface Applied {
  readonly number: number
  readonly checksum: number
}

async function readApplied(db: Database, engine: SqlEngine): Promise<readonly Applied[]> {
  const { integer, text, tableEnd } = engine.words
  await db.executeQuery(
    CompiledQuery.raw(`create table if not exists migration (
      number ${integer} primary key not null check (number >= 1),
      name ${text} not null,
      checksum ${integer} not null,
      applied_at ${integer} not null
    )${tableEnd}`),
  )
  return await db.selectFrom('migration').select(['number', 'checksum']).orderBy('number').execute()
}

interface Known {
  readonly migrations: readonly Migration[]
  readonly engine: SqlEngine
}

function checkApplied(applied: readonly Applied[], known: Known): void {
  const newest = applied.at(-1)?.number ?? 0
  if (newest > known.migrations.length) {
    const facts = { at: 'store', schema: newest, understood: known.migrations.length }
    throw new CoffreError('CONFIG_REFUSED', { facts })
  }
  for (const [position, row] of applied.entries()) {
    const migration = known.migrations[position]
    const same = migration?.number === row.number && checksumOf(migration, known.engine) === row.checksum
    if (!same) throw new CoffreError('STORE_DAMAGED', { facts: { table: 'migration', row: row.number } })
  }
}

/** CRC-32: it shows an edited migration, and needs to resist nobody. */
function checksumOf(migration: Migration, engine: SqlEngine): number {
  return crc32(migration.statements(engine.words).join(';\n'))
}
