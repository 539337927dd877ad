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

interface Parts {
  readonly engine: SqlEngine
  readonly clock: Clock
  readonly migrations: readonly Migration[]
}

/**
 * Brings the schema to the newest migration, one transaction each; several nodes may do so at once. Throws
 * CONFIG_REFUSED when a newer Coffre has written this store and says that this one is too old for it, and
 * STORE_DAMAGED when an applied migration is not the one we know.
 */
export async function migrate(engine: SqlEngine, options: MigrateOptions): Promise<void> {
  const parts = { engine, clock: options.clock, migrations: options.migrations ?? MIGRATIONS }
  while (await commitWork(engine.writer, (db) => applyNext(db, parts)));
}

/** Answers whether there may be another. What is applied is read again each time: another node may be faster. */
async function applyNext(db: Database, parts: Parts): Promise<boolean> {
  const { engine, clock, migrations } = parts
  const applied = await readApplied(db, engine)
  checkApplied(applied, parts)
  const migration = migrations[applied.length]
  if (migration === undefined) return false
  for (const statement of migration.statements(engine.words))
    await db.executeQuery(CompiledQuery.raw(statement))
  const { number, name, runsFrom } = migration
  const row = { number, name, checksum: checksumOf(migration, engine), applied_at: clock() }
  await db.insertInto('migration').values(row).execute()
  await db
    .insertInto('migration_support')
    .values({ number, runs_from: runsFrom ?? number })
    .execute()
  return true
}

interface Applied {
  readonly number: number
  readonly checksum: number
  /** NULL in stores that were written before it was kept. */
  readonly runs_from: number | null
}

async function readApplied(db: Database, engine: SqlEngine): Promise<readonly Applied[]> {
  const { integer, text, tableEnd } = engine.words
  const tables = [
    `create table if not exists migration (
      number ${integer} primary key not null check (number >= 1),
      name ${text} not null,
      checksum ${integer} not null,
      applied_at ${integer} not null
    )${tableEnd}`,
    `create table if not exists migration_support (
      number ${integer} primary key not null,
      runs_from ${integer} not null
    )${tableEnd}`,
  ]
  for (const table of tables) await db.executeQuery(CompiledQuery.raw(table))
  return await db
    .selectFrom('migration')
    .leftJoin('migration_support', 'migration_support.number', 'migration.number')
    .select(['migration.number', 'migration.checksum', 'migration_support.runs_from'])
    .orderBy('migration.number')
    .execute()
}

function checkApplied(applied: readonly Applied[], { migrations, engine }: Parts): void {
  const newer = applied.slice(migrations.length)
  // Additive steps let the version before go on; each row says how far back.
  const needed = Math.max(0, ...newer.map((row) => row.runs_from ?? row.number))
  if (needed > migrations.length) {
    const facts = { at: 'store', schema: applied.length, understood: migrations.length }
    throw new CoffreError('CONFIG_REFUSED', { facts })
  }
  for (const [position, migration] of migrations.slice(0, applied.length).entries()) {
    const row = applied[position]
    const same = row?.number === migration.number && row.checksum === checksumOf(migration, engine)
    if (!same)
      throw new CoffreError('STORE_DAMAGED', { facts: { table: 'migration', row: migration.number } })
  }
}

/** CRC-32: it shows an edited migration, and needs to resist nobody. */
function checksumOf(migration: Migration, engine: SqlEngine): number {
  return crc32(migration.statements(engine.words).join(';\n'))
}
