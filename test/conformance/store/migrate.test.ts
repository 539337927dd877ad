import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { sql } from 'kysely'
import { hasCode } from '../../../src/model/errors.ts'
import type { SqlEngine } from '../../../src/store/sql/engine.ts'
import { migrate } from '../../../src/store/sql/migration/migrate.ts'
import { MIGRATIONS, type Migration } from '../../../src/store/sql/migration/migrations.ts'
import { openSqliteEngine } from '../../../src/store/sqlite/sqlite-engine.ts'
import { SqlStore } from '../../../src/store/sql/sql-store.ts'
import { NOW, sampleToken } from './sample.ts'

const clock = () => NOW

async function openEngine(t: TestContext): Promise<SqlEngine> {
  const folder = await mkdtemp(join(tmpdir(), 'coffre-store-'))
  const engine = await openSqliteEngine(folder)
  t.after(async () => {
    await engine.close()
    await rm(folder, { recursive: true })
  })
  return engine
}

function migration(number: number, ...statements: readonly string[]): Migration {
  return { number, name: `step ${number}`, statements: () => statements }
}

async function appliedNumbers(engine: SqlEngine): Promise<readonly number[]> {
  const rows = await engine.reader.selectFrom('migration').select('number').orderBy('number').execute()
  return rows.map((row) => row.number)
}

async function tables(engine: SqlEngine): Promise<readonly string[]> {
  const { rows } = await sql<{ name: string }>`select name from sqlite_schema where type = 'table'`.execute(
    engine.reader,
  )
  return rows.map((row) => row.name)
}

describe('migrations', () => {
  test('migrations are numbered from 1 without gaps', () => {
    assert.ok(MIGRATIONS.length > 0)
    assert.deepEqual(
      MIGRATIONS.map((each) => each.number),
      MIGRATIONS.map((_, position) => position + 1),
    )
  })

  test('a second run changes nothing, and a longer list goes on where the last one ended', async (t) => {
    const engine = await openEngine(t)
    const first = migration(1, 'create table a (x integer)')
    await migrate(engine, { clock, migrations: [first] })
    await migrate(engine, { clock, migrations: [first] })
    assert.deepEqual(await appliedNumbers(engine), [1])
    await migrate(engine, { clock, migrations: [first, migration(2, 'create table b (x integer)')] })
    assert.deepEqual(await appliedNumbers(engine), [1, 2])
    assert.deepEqual(await tables(engine), ['migration', 'migration_support', 'a', 'b'])
  })

  test('a migration that fails leaves nothing of itself and keeps those before it', async (t) => {
    const engine = await openEngine(t)
    const first = migration(1, 'create table a (x integer)')
    const broken = migration(2, 'create table b (x integer)', 'insert into nowhere values (1)')
    await assert.rejects(migrate(engine, { clock, migrations: [first, broken] }))
    assert.deepEqual(await appliedNumbers(engine), [1])
    assert.deepEqual(await tables(engine), ['migration', 'migration_support', 'a'])
    await migrate(engine, { clock, migrations: [first, migration(2, 'create table b (x integer)')] })
    assert.deepEqual(await appliedNumbers(engine), [1, 2])
  })

  test('an edited migration is refused, and so is a store that is ahead', async (t) => {
    const engine = await openEngine(t)
    const [first, second] = [
      migration(1, 'create table a (x integer)'),
      migration(2, 'create table b (x integer)'),
    ]
    await migrate(engine, { clock, migrations: [first, second] })
    const edited = migration(1, 'create table a (x integer, y integer)')
    await assert.rejects(migrate(engine, { clock, migrations: [edited, second] }), (error) =>
      hasCode(error, 'STORE_DAMAGED'),
    )
    await assert.rejects(migrate(engine, { clock, migrations: [first] }), (error) =>
      hasCode(error, 'CONFIG_REFUSED'),
    )
  })

  test('the version before goes on with a store whose newer steps allow it, and is refused otherwise', async (t) => {
    const engine = await openEngine(t)
    const number = MIGRATIONS.length + 1
    const next = {
      ...migration(number, 'alter table token add column extra integer'),
      runsFrom: MIGRATIONS.length,
    }
    await migrate(engine, { clock, migrations: [...MIGRATIONS, next] })
    await migrate(engine, { clock })
    assert.equal((await appliedNumbers(engine)).length, number)
    // What it writes and reads does not know the new column.
    const store = new SqlStore(engine)
    const token = sampleToken()
    await store.transaction((tx) => tx.insertToken(token))
    assert.deepEqual(await store.findToken(token.id), token)
    const breaking = migration(number + 1, 'create table later (x integer)')
    await migrate(engine, { clock, migrations: [...MIGRATIONS, next, breaking] })
    await assert.rejects(migrate(engine, { clock }), (error) => hasCode(error, 'CONFIG_REFUSED'))
    await migrate(engine, { clock, migrations: [...MIGRATIONS, next, breaking] })
  })
})
