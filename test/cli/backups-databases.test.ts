import assert from 'node:assert/strict'
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { describe, test, type TestContext } from 'node:test'
import { POSTGRES_15, startPostgres } from '../postgres-server.ts'
import { CoffreLine } from './coffre-process.ts'

/** A Coffre, a target, and the public half of a recovery key. */
async function prepare(t: TestContext) {
  const cli = new CoffreLine(t)
  mkdirSync(cli.path('target'), { mode: 0o700 })
  cli.environment['COFFRE_BACKUP_TARGET'] = cli.path('target')
  await cli.ok('init')
  await cli.ok(
    `backup recovery-key --out ${cli.path('sheet.txt')} --public-out ${cli.path('recovery.pub')} -y`,
  )
  return cli
}

describe('coffre backup of a database', () => {
  test('brings PostgreSQL back under its own name, and keeps what was there', {
    skip: POSTGRES_15.skip,
  }, async (t) => {
    const cli = await prepare(t)
    const server = await startPostgres(t, { release: POSTGRES_15 })
    const url = await server.makeDatabase()
    const query = async (sql: string) => {
      const client = await server.connect(url)
      return client
        .query(sql)
        .then(({ rows }) => rows)
        .finally(() => client.end())
    }
    await query("create table note as select g as id, 'héé ' || g as text from generate_series(1, 500) g")
    cli.environment['COFFRE_BACKUP_DATABASE_URL'] = url
    const made = await cli.json('backup create shop --postgres env')
    assert.equal(made['source'], 'postgres')
    assert.ok(!JSON.stringify(made).includes(new URL(url).password))
    await query('delete from note')
    const refused = await cli.run(['backup', 'restore', 'shop', '--into', 'env'])
    assert.deepEqual([refused.code === 0, /--replace/.test(refused.error)], [false, true])
    await cli.ok('backup restore shop --into env --rehearse --replace')
    assert.deepEqual(await query('select count(*)::int as count from note'), [{ count: 0 }])
    await cli.ok('backup restore shop --into env --replace')
    assert.deepEqual(await query('select count(*)::int as count from note'), [{ count: 500 }])
    const shown = await cli.run(['backup', 'create', 'shop', '--postgres', url])
    assert.deepEqual([shown.code, /without a password/.test(shown.error)], [78, true])
  })

  test('brings SQLite back while others write to it', async (t) => {
    const cli = await prepare(t)
    const database = new DatabaseSync(cli.path('app.db'))
    t.after(() => database.close())
    database.exec("pragma journal_mode = wal; create table note (text); insert into note values ('kept')")
    await cli.ok(`backup create app --sqlite ${cli.path('app.db')}`)
    database.exec("insert into note values ('later')")
    await cli.ok(`backup restore app --into ${cli.path('again.db')}`)
    const again = new DatabaseSync(cli.path('again.db'))
    t.after(() => again.close())
    assert.deepEqual(
      { ...again.prepare('select group_concat(text) as all_notes from note').get() },
      { all_notes: 'kept' },
    )
  })

  test('rebuilds a Coffre from its own store, which another key must open', async (t) => {
    const cli = await prepare(t)
    await cli.ok('key create invoices')
    writeFileSync(cli.path('plain'), 'a secret')
    const sealed = await cli.ok(`encrypt invoices --in ${cli.path('plain')}`)
    writeFileSync(cli.path('sealed'), sealed.out)
    const alone = await cli.run(['backup', 'create', 'own', '--store'])
    assert.deepEqual([alone.code, /recovery key or a passphrase/.test(alone.error)], [78, true])
    await cli.ok(`backup create own --store --recovery ${cli.path('recovery.pub')}`)
    await cli.ok(`backup restore own --into ${cli.path('rebuilt')}`)
    copyFileSync(`${cli.dataDir}/seal.key`, cli.path('rebuilt/seal.key'))
    const { out } = await cli.ok(`decrypt --in ${cli.path('sealed')} --data-dir ${cli.path('rebuilt')}`)
    assert.equal(out.trim(), readFileSync(cli.path('plain'), 'utf8'))
  })
})
