import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { CoffreError } from '../../../src/model/errors.ts'
import type {
  BackupSource,
  RestoreTarget,
  SourceCounts,
  SourceFacts,
} from '../../../src/store/backup-source.ts'
import { globalsTarget } from '../../../src/store/source/postgres/globals-target.ts'
import { globalsSource, postgresSource } from '../../../src/store/source/postgres/postgres-source.ts'
import { postgresTarget } from '../../../src/store/source/postgres/postgres-target.ts'
import { POSTGRES_15, POSTGRES_18, PostgresServer, startPostgres } from '../../postgres-server.ts'
import { failsWith } from '../../temporary.ts'

const { signal } = new AbortController()
const TABLES = `
  create schema shop;
  create table shop.account (id serial primary key, name text not null unique, balance bigint not null);
  create table shop.transfer (id bigserial primary key, from_id int references shop.account, at timestamptz default now(), note text);
  create index on shop.transfer (at);
  create view shop.rich as select * from shop.account where balance > 100;
  insert into shop.account (name, balance) select 'user ' || n, 100 from generate_series(1, 200) n;
  insert into shop.transfer (from_id, note) select 1 + n % 200, repeat(md5(n::text), 20) from generate_series(1, 2000) n;
`

async function copy(
  source: BackupSource,
  target: RestoreTarget,
): Promise<{ readonly facts: SourceFacts; readonly read: SourceCounts; readonly written: SourceCounts }> {
  const facts = await source.describe()
  await target.prepare(facts)
  const written = await target.receive(source.read(signal), signal)
  await target.commit()
  return { facts, read: source.counts(), written }
}

async function dumpOf(
  source: BackupSource,
): Promise<{ readonly facts: SourceFacts; readonly bytes: Buffer }> {
  const facts = await source.describe()
  return { facts, bytes: Buffer.concat(await Array.fromAsync(source.read(signal))) }
}

async function* piecesOf(bytes: Buffer): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 10_000) yield bytes.subarray(at, at + 10_000)
}

function refusedFor(code: CoffreError['code'], reason: RegExp): (error: unknown) => true {
  return (error) => {
    failsWith(code)(error)
    assert.ok(error instanceof CoffreError)
    assert.match(String(error.facts['reason']), reason)
    return true
  }
}

describe('a PostgreSQL database that is backed up', { skip: POSTGRES_15.skip }, () => {
  const server = new PostgresServer({ release: POSTGRES_15 })
  before(() => server.start())
  after(() => server.remove())

  async function makeShop(): Promise<string> {
    const url = await server.makeDatabase()
    await run(url, TABLES)
    return url
  }

  async function run(url: string, sql: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
    const client = await server.connect(url)
    try {
      return (await client.query<Record<string, unknown>>(sql)).rows
    } finally {
      await client.end()
    }
  }

  /** A sum: text of megabytes in an assertion takes minutes to compare. Each dump has a random word in two lines. */
  function sumOf(url: string): string {
    const text = server.dump(url).replace(/^\\(un)?restrict .*$/gm, '')
    assert.match(text, /PostgreSQL database dump complete/)
    return createHash('sha256').update(text).digest('hex')
  }

  async function listDatabases(): Promise<readonly string[]> {
    const rows = await run(
      server.url('postgres'),
      'select datname from pg_database where not datistemplate order by 1',
    )
    return rows.map(({ datname }) => String(datname))
  }

  for (const format of ['custom', 'plain'] as const) {
    test(`comes back as it was, ${format}`, async () => {
      const url = await makeShop()
      const was = sumOf(url)
      const dumped = await dumpOf(postgresSource({ url, format, measure: true }))
      await run(server.url('postgres'), `drop database ${new URL(url).pathname.slice(1)}`)
      const target = postgresTarget({ url, id: 'a1', runsScript: true })
      await target.prepare(dumped.facts)
      await target.receive(piecesOf(dumped.bytes), signal)
      assert.equal((await listDatabases()).includes(new URL(url).pathname.slice(1)), false)
      await target.commit()
      assert.equal(sumOf(url), was)
    })
  }

  test('is of one moment, whatever is written meanwhile', async () => {
    const url = await makeShop()
    let isOver = false
    let transfers = 0
    const load = async (): Promise<void> => {
      const client = await server.connect(url)
      while (!isOver) {
        const [from, to] = [1 + (transfers % 200), 1 + ((transfers * 7) % 200)]
        await client.query(`begin; update shop.account set balance = balance - 5 where id = ${from};
          insert into shop.transfer (from_id, note) values (${from}, 'under load');
          update shop.account set balance = balance + 5 where id = ${to}; commit`)
        transfers += 1
        await setTimeout(2)
      }
      await client.end()
    }
    const loads = load()
    try {
      for (let round = 0; round < 3; round += 1) {
        const into = server.url(`moment_${round}`)
        const source = postgresSource({ url, measure: true })
        const { read, written } = await copy(source, postgresTarget({ url: into, id: 'a1', measure: true }))
        assert.deepEqual(written, read)
        const [row] = await run(into, 'select sum(balance)::int as total from shop.account')
        assert.equal(row?.['total'], 20_000)
      }
    } finally {
      isOver = true
      await loads
    }
    assert.ok(transfers > 20, `only ${transfers} transfers`)
  })

  test('shows its password in the arguments of no process', async () => {
    const url = await makeShop()
    const { password } = new URL(url)
    const source = postgresSource({ url })
    await source.describe()
    const seen = new Set<string>()
    const sample = (): void => {
      for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
        const line = readArguments(pid)
        assert.equal(line.includes(password), false)
        for (const name of ['pg_dump', 'pg_restore']) if (line.includes(name)) seen.add(name)
      }
    }
    const sampled = async function* (): AsyncGenerator<Uint8Array> {
      for await (const piece of source.read(signal)) {
        sample()
        yield piece
        sample()
      }
    }
    const target = postgresTarget({ url: server.url('sampled'), id: 'a1' })
    await target.prepare(await source.describe())
    await target.receive(sampled(), signal)
    await target.abandon()
    assert.deepEqual([...seen].toSorted(), ['pg_dump', 'pg_restore'])
  })

  test('is refused with a reason: password, server, database', async () => {
    const url = await server.makeDatabase()
    const wrong = new URL(url)
    wrong.password = 'not-it'
    const nowhere = new URL(url)
    nowhere.port = '1'
    const none = server.url('no_such_database')
    const cases = [
      [wrong.href, /password/],
      [nowhere.href, /ECONNREFUSED/],
      [none, /no such database/],
      ['mysql://root@127.0.0.1/x', /postgres:\/\//],
    ] as const
    for (const [bad, reason] of cases) {
      await assert.rejects(
        postgresSource({ url: bad }).describe(),
        refusedFor('BACKUP_SOURCE_FAILED', reason),
      )
    }
  })

  test('is no backup when a table may not be read', async () => {
    const url = await makeShop()
    await run(url, `create role reader login password 'reader'`)
    const asReader = new URL(url)
    asReader.username = 'reader'
    asReader.password = 'reader'
    const reading = Array.fromAsync(postgresSource({ url: asReader.href }).read(signal))
    await assert.rejects(reading, refusedFor('BACKUP_SOURCE_FAILED', /permission denied/))
  })

  test('is no backup when pg_dump is killed', async () => {
    const url = await makeShop()
    let killed = 0
    const reading = async (): Promise<void> => {
      for await (const _piece of postgresSource({ url }).read(signal)) {
        for (const pid of ownDumps()) {
          process.kill(pid, 'SIGKILL')
          killed += 1
        }
      }
    }
    await assert.rejects(reading(), failsWith('BACKUP_SOURCE_FAILED'))
    assert.ok(killed > 0)
  })

  test('leaves no pg_dump behind when it is stopped', async () => {
    const url = await makeShop()
    const stop = new AbortController()
    const reading = async (): Promise<void> => {
      for await (const _piece of postgresSource({ url }).read(stop.signal)) stop.abort()
    }
    await assert.rejects(reading(), { name: 'AbortError' })
    for await (const _piece of postgresSource({ url }).read(signal)) break
    assert.deepEqual(ownDumps(), [])
  })

  test('takes the place of another only when asked, and keeps it', async () => {
    const url = await makeShop()
    const name = new URL(url).pathname.slice(1)
    const { facts, bytes } = await dumpOf(postgresSource({ url }))
    await run(url, 'drop table shop.transfer')
    const changed = sumOf(url)
    await assert.rejects(
      postgresTarget({ url, id: 'a1' }).prepare(facts),
      refusedFor('RESTORE_REFUSED', /not empty/),
    )
    const client = await server.connect(url)
    const unforced = postgresTarget({ url, id: 'a1', replace: true })
    await assert.rejects(unforced.prepare(facts), refusedFor('RESTORE_REFUSED', /connected/))
    const target = postgresTarget({ url, id: 'a1', replace: true, force: true })
    await target.prepare(facts)
    await target.receive(piecesOf(bytes), signal)
    assert.equal(sumOf(url), changed)
    assert.deepEqual(await target.commit(), { database: name, before: `${name}_before_a1` })
    await assert.rejects(client.query('select 1'))
    assert.equal((await run(url, 'select count(*)::int as n from shop.transfer'))[0]?.['n'], 2000)
    assert.equal(sumOf(server.url(`${name}_before_a1`)), changed)
    const again = postgresTarget({ url, id: 'a2', replace: true, dropBefore: true })
    await again.prepare(facts)
    await again.receive(piecesOf(bytes), signal)
    await again.commit()
    assert.equal((await listDatabases()).includes(`${name}_before_a2`), false)
  })

  test('that is damaged leaves everything as it was', async () => {
    const url = await makeShop()
    const { facts, bytes } = await dumpOf(postgresSource({ url }))
    const databases = await listDatabases()
    const into = server.url('damaged')
    const broken = [
      [Buffer.from('not an archive'), 'BACKUP_CONTENT_REFUSED'],
      [Buffer.alloc(0), 'BACKUP_CONTENT_REFUSED'],
      [bytes.subarray(0, bytes.length >> 1), 'RESTORE_FAILED'],
    ] as const
    for (const [content, code] of broken) {
      const target = postgresTarget({ url: into, id: 'a1' })
      await target.prepare(facts)
      await assert.rejects(target.receive(piecesOf(content), signal), failsWith(code))
      await target.abandon()
      await target.abandon()
    }
    assert.deepEqual(await listDatabases(), databases)
  })

  test('gives one table, into a database of its own only', async () => {
    const url = await makeShop()
    const { facts, bytes } = await dumpOf(postgresSource({ url }))
    const table = 'shop.account'
    const whole = postgresTarget({ url, id: 'a1', replace: true, table })
    await assert.rejects(whole.prepare(facts), refusedFor('RESTORE_REFUSED', /one table/))
    const into = server.url('one_table')
    await run(server.url('postgres'), 'create database one_table')
    const target = postgresTarget({ url: into, id: 'a1', table })
    await target.prepare(facts)
    await target.receive(piecesOf(bytes), signal)
    await target.commit()
    assert.equal((await run(into, 'select count(*)::int as n from shop.account'))[0]?.['n'], 200)
    assert.equal((await run(into, `select to_regclass('shop.transfer') as found`))[0]?.['found'], null)
  })

  test('as a script is run only when asked', async () => {
    const { facts } = await dumpOf(postgresSource({ url: await makeShop(), format: 'plain' }))
    const target = postgresTarget({ url: server.url('script'), id: 'a1' })
    await assert.rejects(target.prepare(facts), refusedFor('RESTORE_REFUSED', /script/))
  })

  test('has roles of its server apart, without their passwords', async (t) => {
    await run(
      server.url('postgres'),
      `create role "Of ""us" login password 'hidden'; create role team; grant team to "Of ""us"`,
    )
    const source = globalsSource({ url: server.url('postgres') })
    const { facts, bytes } = await dumpOf(source)
    assert.doesNotMatch(bytes.toString(), /SCRAM|hidden/)
    const other = await startPostgres(t, { release: POSTGRES_15 })
    const target = globalsTarget({ url: other.url('postgres') })
    await target.prepare(facts)
    await target.receive(piecesOf(bytes), signal)
    await target.commit()
    const client = await other.connect('postgres')
    const { rows } =
      await client.query(`select r.rolname from pg_auth_members m join pg_roles r on r.oid = m.member
      join pg_roles g on g.oid = m.roleid where g.rolname = 'team'`)
    await client.end()
    assert.deepEqual(rows, [{ rolname: 'Of "us' }])
    await assert.rejects(target.prepare(facts), refusedFor('RESTORE_REFUSED', /roles on this server/))
  })
})

describe('a PostgreSQL database of a newer server', { skip: POSTGRES_15.skip || POSTGRES_18.skip }, () => {
  test('is refused with the command that installs what is missing', async (t) => {
    const server = await startPostgres(t, { release: POSTGRES_18 })
    const url = await server.makeDatabase()
    await assert.rejects(postgresSource({ url }).describe(), (error) => {
      assert.ok(error instanceof CoffreError)
      assert.equal(error.code, 'BACKUP_SOURCE_FAILED')
      assert.equal(error.facts['install'], 'apt-get install postgresql-client-18')
      return true
    })
    const facts = { format: 'custom', serverMajor: 19, clientMajor: 19 }
    await assert.rejects(
      postgresTarget({ url, id: 'a1' }).prepare(facts),
      refusedFor('RESTORE_REFUSED', /older/),
    )
  })
})

function readArguments(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    // It has ended.
    return ''
  }
}

/** Children of this process alone: others run tests as well. */
function ownDumps(): readonly number[] {
  const children = readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8').trim().split(' ')
  return children.filter((pid) => pid !== '' && readArguments(pid).includes('pg_dump')).map(Number)
}
