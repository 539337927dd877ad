import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { describe, test, type TestContext } from 'node:test'
import { POSTGRES_15, startPostgres } from '../postgres-server.ts'
import { CoffreLine } from './coffre-process.ts'

interface Report {
  readonly drill: { readonly outcome: string; readonly checks: readonly string[] }
  readonly counts: Readonly<Record<string, number>>
  readonly differences: readonly { readonly name: string; readonly against: string }[]
}

/** A Coffre, a target, the public half of a recovery key, and a folder for drills. */
async function prepare(t: TestContext) {
  const cli = new CoffreLine(t)
  for (const name of ['target', 'scratch']) mkdirSync(cli.path(name), { mode: 0o700 })
  cli.environment['COFFRE_BACKUP_TARGET'] = cli.path('target')
  await cli.ok('init')
  await cli.ok(
    `backup recovery-key --out ${cli.path('sheet.txt')} --public-out ${cli.path('recovery.pub')} -y`,
  )
  const scratch = `--scratch ${cli.path('scratch')}`
  const drill = async (line: string, code = 0) => {
    const done = await cli.run([...`backup drill ${line}`.split(' '), '--json'])
    assert.equal(done.code, code, done.error)
    return JSON.parse(done.out) as unknown as Report
  }
  const due = async (series: string) => (await cli.run(['backup', 'drills', series, '--json'])).out
  return { cli, scratch, drill, due: async (series: string) => JSON.parse(await due(series)) }
}

describe('coffre backup drill', () => {
  test('restores SQLite beside everything, compares table by table, and leaves nothing but a proof', async (t) => {
    const { cli, scratch, drill, due } = await prepare(t)
    const path = cli.path('app.db')
    const database = new DatabaseSync(path)
    t.after(() => database.close())
    database.exec(`pragma journal_mode = wal; create table note (id integer primary key, text, x real, b blob);
      create table "odd ""name" (a); insert into "odd ""name" values (null), (9007199254740993);
      insert into note (text, x, b) values ('héé', 1.5, x'00ff'), (null, null, zeroblob(10))`)
    await cli.ok(`backup create app --measure --sqlite ${path}`)
    assert.deepEqual((await due('app'))['due'], 'never')
    const report = await drill(`app ${scratch} --against-source ${path}`)
    assert.deepEqual(report.drill.checks, ['digest', 'tables', 'counts', 'source'])
    assert.deepEqual([report.counts['tables'], report.counts['rows']], [2, 4])
    assert.deepEqual(readdirSync(cli.path('scratch')), [])
    const listed = await due('app')
    assert.deepEqual([listed['due'], listed['drills'].length], [undefined, 1])
    const shown = await cli.ok('backup drills app')
    assert.match(shown.out, /^1 +20\S+ +\d+\.\d +passed +digest, tables, counts, source +key backup 1$/m)
    const { out } = await cli.ok('audit list --last 6')
    assert.equal(out.match(/ backup\.drill +ok /g)?.length, 2)
    // The same number of rows, so that only their content tells.
    database.exec("update note set text = 'hee' where id = 1")
    const changed = await drill(`app ${scratch} --against-source ${path}`, 1)
    assert.equal(changed.drill.outcome, 'differs')
    assert.deepEqual(
      changed.differences.map(({ name, against }) => [name, against]),
      [['note', 'source']],
    )
    const told = await cli.run(['backup', 'drill', 'app', ...scratch.split(' '), '--against-source', path])
    assert.match(told.out, /^note +the source as it is now +2 \(/m)
  })

  test('is due again once other keys open the backups', async (t) => {
    const { cli, scratch, drill, due } = await prepare(t)
    writeFileSync(cli.path('dump.sql'), 'select 1;\n')
    const recovery = `--recovery ${cli.path('recovery.pub')}`
    await cli.ok(`backup create nightly --in ${cli.path('dump.sql')} ${recovery}`)
    await drill(`nightly ${scratch} --if-due`)
    assert.match(
      (await cli.run(['backup', 'drill', 'nightly', '--if-due'])).error,
      /No drill of nightly is due/,
    )
    await cli.ok('key rotate backup')
    assert.equal((await due('nightly'))['due'], 'keys-changed')
    await drill(`nightly ${scratch} --if-due`)
    await cli.ok(`backup rekey nightly 1 ${recovery}`)
    assert.equal((await due('nightly'))['due'], 'rekeyed')
    await drill(`nightly ${scratch} --if-due`)
    await cli.ok(`backup create nightly --in ${cli.path('dump.sql')}`)
    assert.equal((await due('nightly'))['due'], 'keys-changed')
    const told = await cli.run(['backup', 'drills', 'nightly'])
    assert.deepEqual([told.code, /A drill is due: other keys open backups/.test(told.error)], [1, true])
  })

  test('that fails is recorded, and proofs of strangers do not count', async (t) => {
    const { cli, scratch, drill, due } = await prepare(t)
    writeFileSync(cli.path('dump.sql'), 'select 1;\n'.repeat(1_000))
    await cli.ok(`backup create nightly --compression none --in ${cli.path('dump.sql')}`)
    const folder = cli.path('target/nightly')
    const body = readdirSync(folder).find((name) => name.endsWith('.body')) ?? ''
    const bytes = statSync(`${folder}/${body}`).size
    const good = await drill(`nightly ${scratch}`)
    assert.equal(good.drill.outcome, 'passed')
    const proof = readdirSync(folder).find((name) => name.endsWith('.drill')) ?? ''
    writeFileSync(
      `${folder}/${proof.replace(/[0-9a-f]{12}\.drill/, 'ffffffffffff.drill')}`,
      'coffre/backup-drill/v1\n',
    )
    const planted = await due('nightly')
    assert.deepEqual([planted['untrusted'], planted['due']], [1, undefined])
    writeFileSync(`${folder}/${body}`, Buffer.alloc(bytes))
    const failed = await cli.run(['backup', 'drill', 'nightly', ...scratch.split(' ')])
    assert.equal(failed.code, 3, failed.error)
    const after = await due('nightly')
    assert.deepEqual([after['due'], after['drills'][0].code], ['failed', 'BACKUP_DAMAGED'])
    assert.deepEqual(readdirSync(cli.path('scratch')), [])
  })

  test('of files and of the Coffre itself proves that they are whole, and that it opens', async (t) => {
    const { cli, scratch, drill } = await prepare(t)
    mkdirSync(cli.path('site/images'), { recursive: true })
    writeFileSync(cli.path('site/index.html'), '<h1>hello</h1>')
    await cli.ok(`backup create site --files ${cli.path('site')}`)
    const files = await drill(`site ${scratch} --against-source ${cli.path('site')}`)
    assert.deepEqual(files.drill.checks, ['digest', 'counts', 'source'])
    writeFileSync(cli.path('site/index.html'), '<h1>HELLO</h1>')
    const later = await drill(`site ${scratch} --against-source ${cli.path('site')}`, 1)
    assert.deepEqual(
      later.differences.map(({ name }) => name),
      ['*'],
    )
    await cli.ok(`backup create own --store --measure --recovery ${cli.path('recovery.pub')}`)
    const own = await drill(`own ${scratch}`)
    assert.deepEqual(own.drill.checks, ['digest', 'tables', 'counts', 'audit-log', 'unsealed'])
    assert.deepEqual(readdirSync(cli.path('scratch')), [])
  })

  test('of PostgreSQL restores into a database of its own, and sweeps only what it made', {
    skip: POSTGRES_15.skip,
  }, async (t) => {
    const { cli, drill } = await prepare(t)
    const server = await startPostgres(t, { release: POSTGRES_15 })
    const url = await server.makeDatabase()
    cli.environment['COFFRE_BACKUP_DATABASE_URL'] = url
    const client = await server.connect(url)
    t.after(() => client.end())
    await client.query(`create role shop; create table note (id int, text text); alter table note owner to shop;
      insert into note select g, 'héé ' || g from generate_series(1, 500) g; create schema s; create table s.empty ()`)
    await cli.ok('backup create shop --measure --postgres env')
    const report = await drill('shop --scratch env --against-source env')
    assert.deepEqual(report.drill.checks, ['digest', 'tables', 'counts', 'source'])
    assert.deepEqual([report.counts['tables'], report.counts['rows']], [2, 500])
    const databases = async () =>
      (
        await client.query<{ datname: string }>(
          "select datname from pg_database where datname ~ 'drill|restore' order by 1",
        )
      ).rows.map(({ datname }) => datname)
    assert.deepEqual(await databases(), [])
    await client.query("insert into note values (501, 'later')")
    const later = await drill('shop --scratch env --against-source env', 1)
    assert.deepEqual(
      later.differences.map(({ name, against }) => [name, against]),
      [['public.note', 'source']],
    )
    // Left by killed ones: one of ours, one of ours that is young, one in use, and others' with our names.
    const mark = (name: string, at: string) =>
      client
        .query(`create database ${name}; `)
        .then(() => client.query(`comment on database ${name} is 'coffre quarantine v1 ${at}'`))
    await mark('coffre_drill_aa', '2026-01-01T00:00:00Z')
    await mark('coffre_drill_bb', '2099-01-01T00:00:00Z')
    await mark('shop_restore_cc', '2026-01-01T00:00:00Z')
    await client.query('create database theirs_restore_dd')
    const inUse = await server.connect('shop_restore_cc')
    t.after(() => inUse.end())
    const swept = await cli.json('backup sweep --scratch env')
    assert.deepEqual(swept['removed'], ['coffre_drill_aa'])
    assert.deepEqual(swept['unmarked'], ['theirs_restore_dd'])
    assert.deepEqual(await databases(), ['coffre_drill_bb', 'shop_restore_cc', 'theirs_restore_dd'])
    // What was restored for good has no mark.
    await cli.ok('backup restore shop --into env --replace --force')
    const again = await server.connect(url)
    t.after(() => again.end())
    const { rows } = await again.query(
      "select shobj_description(oid, 'pg_database') as mark from pg_database where datname = current_database()",
    )
    assert.deepEqual(rows, [{ mark: null }])
  })

  test('sweeps the folders of killed drills, and of nobody else', async (t) => {
    const { cli } = await prepare(t)
    const old = new Date('2026-01-01')
    for (const name of ['coffre-drill-killed', 'coffre-drill-theirs', 'coffre-drill-longer-name']) {
      mkdirSync(cli.path(`scratch/${name}`))
      if (name !== 'coffre-drill-theirs') writeFileSync(cli.path(`scratch/${name}/drill.lock`), '')
      utimesSync(cli.path(`scratch/${name}`), old, old)
    }
    const held = new DatabaseSync(cli.path('scratch/coffre-drill-killed/drill.lock'))
    held.exec('pragma journal_mode = memory; begin exclusive')
    assert.deepEqual((await cli.json(`backup sweep --scratch ${cli.path('scratch')}`))['removed'], [])
    held.close()
    const swept = await cli.json(`backup sweep --scratch ${cli.path('scratch')}`)
    assert.deepEqual(swept['removed'], [cli.path('scratch/coffre-drill-killed')])
    assert.deepEqual(swept['unmarked'], [cli.path('scratch/coffre-drill-theirs')])
    rmSync(cli.path('scratch/coffre-drill-theirs'), { recursive: true })
  })
})
