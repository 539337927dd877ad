import assert from 'node:assert/strict'
import { chmodSync, cpSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { openCoffre } from '../../src/app.ts'
import { Fernet } from '../../src/crypto/fernet.ts'
import { examineInstallation } from '../../src/monitor/doctor/installation.ts'
import { judgeDatabase } from '../../src/monitor/doctor/judge-database.ts'
import { toInstant } from '../../src/model/clock.ts'
import { POSTGRES_18, startPostgres } from '../postgres-server.ts'
import { changeStore, makeFolder } from '../temporary.ts'
import { CoffreLine, startServer } from './coffre-process.ts'

interface Report {
  readonly healthy: boolean
  readonly findings: readonly {
    readonly id: string
    readonly state: string
    readonly cause?: string
    readonly next?: string
  }[]
}

async function report(
  cli: CoffreLine,
  ...args: readonly string[]
): Promise<Report & { code: number | null }> {
  const { code, out } = await cli.run(['doctor', '--json', ...args])
  return { code, ...(JSON.parse(out) as Report) }
}

function find({ findings }: Report, id: string) {
  return findings.find((each) => each.id === id)
}

describe('coffre doctor', () => {
  test('finds nothing wrong with a new Coffre but what lies around on purpose', async (t) => {
    const cli = new CoffreLine(t)
    await cli.prepare('init')
    const found = await report(cli)
    assert.equal(found.code, 0)
    assert.deepEqual(
      found.findings.filter(({ state }) => state === 'problem'),
      [],
    )
    assert.equal(find(found, 'first token')?.state, 'warning')
    assert.equal(find(found, 'audit log')?.state, 'ok')
    rmSync(join(cli.dataDir, 'first-token'))
    assert.equal(find(await report(cli), 'first token')?.state, 'ok')
  })

  test('names a mode that lets others in with the command that mends it, and mends it with --fix', async (t) => {
    const cli = new CoffreLine(t)
    await cli.prepare('init')
    const key = join(cli.dataDir, 'seal.key')
    chmodSync(key, 0o644)
    chmodSync(cli.dataDir, 0o755)
    const found = await report(cli)
    assert.deepEqual([found.code, found.healthy], [1, false])
    assert.equal(find(found, 'mode seal.key')?.next, `chmod 600 ${key}`)
    assert.equal(find(found, 'mode data folder')?.state, 'problem')
    assert.equal((await report(cli, '--fix')).code, 0)
    assert.deepEqual([statSync(key).mode & 0o777, statSync(cli.dataDir).mode & 0o777], [0o600, 0o700])
  })

  test('leaves a store that a server holds alone, and says so', async (t) => {
    const cli = new CoffreLine(t)
    await startServer(t, cli)
    const found = await report(cli)
    assert.equal(found.code, 0)
    assert.match(find(found, 'store')?.cause ?? '', /a server holds it/)
  })

  test('finds an absent Coffre, a damaged audit log and a certificate that is none', async (t) => {
    const cli = new CoffreLine(t)
    assert.equal((await report(cli)).code, 1)
    await cli.prepare('init')
    changeStore(cli.dataDir, (database) =>
      database.exec(`update audit_record set body = replace(body, 'init', 'exit') where idx = 0`),
    )
    writeFileSync(cli.path('none.crt'), 'x')
    cli.environment['COFFRE_TLS_CERT'] = cli.path('none.crt')
    const found = await report(cli)
    assert.equal(found.code, 1)
    assert.match(find(found, 'audit log')?.cause ?? '', /record 0/)
    assert.equal(find(found, 'TLS certificate')?.state, 'problem')
  })

  test('finds a last record in the future, and a certificate that ends soon or has ended', async (t) => {
    const dataDir = makeFolder(t)
    const now = toInstant(1_800_000_000_000)
    const examine = (ahead: number, left: number) =>
      examineInstallation({
        dataDir,
        sealKeyFile: join(dataDir, 'seal.key'),
        fix: false,
        now,
        certificate: { notAfter: toInstant(now + left) },
        runtime: { version: '26.10.0', isSupported: true },
        store: { state: 'open', log: { valid: true, findings: [], lastRecordAt: toInstant(now + ahead) } },
      })
    const states = async (ahead: number, left: number) => {
      const findings = await examine(ahead, left)
      return ['clock', 'TLS certificate'].map((id) => findings.find((each) => each.id === id)?.state)
    }
    const day = 86_400_000
    assert.deepEqual(await states(60_000, 22 * day), ['ok', 'ok'])
    assert.deepEqual(await states(61_000, 20 * day), ['problem', 'warning'])
    assert.deepEqual(await states(0, -1), ['ok', 'problem'])
  })

  test('finds a FERNET_SECRET_KEY that is lost, changed or none, and says what to put back', async (t) => {
    const cli = new CoffreLine(t)
    const key = Fernet.generateKey()
    const coffre = await openCoffre({
      dataDir: cli.dataDir,
      createIfMissing: true,
      environment: { FERNET_SECRET_KEY: key },
    })
    await coffre.users.create({ clientId: 'ada' })
    const judged = async (value: string) => {
      cli.environment['FERNET_SECRET_KEY'] = value
      const found = await report(cli)
      assert.ok(
        !JSON.stringify(found).includes(key) && (value === '' || !JSON.stringify(found).includes(value)),
      )
      return { code: found.code, ...find(found, 'FERNET_SECRET_KEY') }
    }
    await coffre.close()
    assert.equal((await judged('')).state, 'ok')
    const again = await openCoffre({ dataDir: cli.dataDir, environment: { FERNET_SECRET_KEY: key } })
    await again.apiKeys.set({ user: 'ada', apiKey: 'sk-0123456789abcdefghijklmnop' })
    await again.close()
    for (const value of ['', Fernet.generateKey()]) {
      const { code, state, cause, next } = await judged(value)
      assert.deepEqual([code, state], [1, 'problem'])
      assert.match(cause ?? '', /put it back/)
      assert.match(next ?? '', /coffre config show/)
    }
    assert.match((await judged('no-key-at-all')).cause ?? '', /coffre fernet keygen/)
    for (const value of [key, `${Fernet.generateKey()},${key}`]) {
      assert.deepEqual([(await judged(value)).code, (await judged(value)).state], [0, 'ok'])
    }
  })

  test('with a file tells why it does not decrypt, and never what is in it', async (t) => {
    const cli = new CoffreLine(t)
    await cli.prepare('init', 'key create k')
    const { out } = await cli.ok('encrypt k --context row=7', { input: 'canary' })
    writeFileSync(cli.path('blob'), out)
    const good = await cli.run(['doctor', cli.path('blob'), '--context', 'row=7', '--json'])
    assert.deepEqual([good.code, (JSON.parse(good.out) as { verdict: string }).verdict], [0, 'decrypts'])
    const wrong = await cli.run(['doctor', '-', '--context', 'row= 7'], { input: out })
    assert.equal(wrong.code, 1)
    assert.match(wrong.out, /verdict: wrong-context/)
    assert.ok(!`${good.out}${wrong.out}`.includes('canary'))
    const bytes = await cli.run(['doctor', '-', '--context', 'row=7', '--json'], {
      input: Buffer.from(out.trim(), 'base64url'),
    })
    assert.equal(bytes.code, 0)
  })
})

describe('coffre doctor on a store', () => {
  test('finds a damaged file, an older or newer schema, and looks into none of them', async (t) => {
    const cli = new CoffreLine(t)
    await cli.prepare('init')
    const good = await report(cli)
    for (const id of ['database file', 'schema', 'audit log', 'audit checkpoint', 'Node.js'])
      assert.equal(find(good, id)?.state, 'ok', id)
    const path = join(cli.dataDir, 'coffre.db')
    const bytes = readFileSync(path)
    const last = 'number = (select max(number) from migration)'
    changeStore(cli.dataDir, (database) => database.exec(`delete from migration where ${last}`))
    const before = cli.snapshot()[path]
    const older = await report(cli)
    assert.deepEqual([older.code, find(older, 'schema')?.state], [0, 'warning'])
    assert.match(find(older, 'schema')?.cause ?? '', /the next start brings it to/)
    assert.equal(find(older, 'audit log'), undefined)
    assert.equal(cli.snapshot()[path], before)
    changeStore(cli.dataDir, (database) => database.exec(`insert into migration values (900, 'later', 1, 1)`))
    const newer = await report(cli)
    assert.match(find(newer, 'schema')?.cause ?? '', /^900, of a newer Coffre/)
    for (const name of ['coffre.db-wal', 'coffre.db-shm']) rmSync(join(cli.dataDir, name), { force: true })
    writeFileSync(path, Buffer.concat([bytes.subarray(0, 8_192), Buffer.alloc(bytes.length - 8_192, 7)]))
    const damaged = await report(cli)
    assert.deepEqual([damaged.code, find(damaged, 'database file')?.state], [1, 'problem'])
    writeFileSync(path, 'no database')
    assert.match(find(await report(cli), 'database file')?.cause ?? '', /no database any more/)
  })

  test('finds a log that is shorter than its checkpoint outside the database, and a copy that is gone', async (t) => {
    const cli = new CoffreLine(t)
    await cli.prepare('init')
    cpSync(join(cli.dataDir, 'coffre.db'), cli.path('old.db'))
    await cli.prepare('key create k', 'audit checkpoint')
    assert.equal(find(await report(cli), 'audit checkpoint')?.state, 'ok')
    cpSync(join(cli.dataDir, 'coffre.db'), cli.path('new.db'))
    const restore = (name: string) => {
      for (const each of ['coffre.db-wal', 'coffre.db-shm']) rmSync(join(cli.dataDir, each), { force: true })
      cpSync(cli.path(name), join(cli.dataDir, 'coffre.db'))
    }
    restore('old.db')
    const back = await report(cli)
    assert.deepEqual([back.code, find(back, 'audit checkpoint')?.state], [1, 'problem'])
    assert.match(find(back, 'audit checkpoint')?.cause ?? '', /rolled back/)
    restore('new.db')
    rmSync(join(cli.dataDir, 'audit-checkpoints'))
    const gone = await report(cli)
    assert.deepEqual([gone.code, find(gone, 'audit checkpoint')?.state], [0, 'warning'])
  })

  test('judges a database by its settings and its clock, and a Node that does not run Coffre', async (t) => {
    const good = {
      major: 18,
      oldestMajor: 14,
      encoding: 'UTF8',
      fsync: 'on',
      fullPageWrites: 'on',
      dataChecksums: 'on',
      synchronousCommit: 'on',
      aheadMilliseconds: 5_000,
    }
    assert.ok(judgeDatabase(good).every(({ state }) => state === 'ok'))
    const judged = (change: Partial<typeof good>) =>
      judgeDatabase({ ...good, ...change }).flatMap(({ id, state }) =>
        state === 'ok' ? [] : [`${state} ${id}`],
      )
    assert.deepEqual(judged({ major: 13 }), ['problem PostgreSQL'])
    assert.deepEqual(judged({ fsync: 'off' }), ['problem PostgreSQL fsync'])
    assert.deepEqual(judged({ fullPageWrites: 'off' }), ['problem PostgreSQL full_page_writes'])
    assert.deepEqual(judged({ encoding: 'SQL_ASCII' }), ['problem PostgreSQL encoding'])
    assert.deepEqual(judged({ dataChecksums: 'off' }), ['warning PostgreSQL data_checksums'])
    assert.deepEqual(judged({ aheadMilliseconds: 5_001 }), ['problem PostgreSQL clock'])
    assert.deepEqual(judged({ aheadMilliseconds: -5_001 }), ['problem PostgreSQL clock'])
    const dataDir = makeFolder(t)
    const [node] = await examineInstallation({
      dataDir,
      sealKeyFile: join(dataDir, 'seal.key'),
      fix: false,
      now: toInstant(1_800_000_000_000),
      runtime: { version: '22.1.0', isSupported: false },
      store: { state: 'absent' },
    })
    assert.deepEqual(
      [node?.id, node?.state, node?.cause],
      ['Node.js', 'problem', '22.1.0 does not run Coffre'],
    )
  })

  test('asks a PostgreSQL server, also one with which Coffre would not work', {
    skip: POSTGRES_18.skip,
  }, async (t) => {
    const sound = await startPostgres(t)
    const cli = new CoffreLine(t)
    cli.environment['COFFRE_DATABASE_URL'] = await sound.makeDatabase()
    assert.equal(find(await report(cli), 'store')?.cause, 'there is no Coffre here')
    await cli.prepare('init')
    const well = await report(cli)
    assert.equal(well.code, 0, JSON.stringify(well))
    for (const id of ['PostgreSQL', 'PostgreSQL clock', 'PostgreSQL data_checksums', 'schema', 'audit log'])
      assert.equal(find(well, id)?.state, 'ok', id)
    const loose = ['fsync=off', 'full_page_writes=off', 'synchronous_commit=off']
    const unsafe = await startPostgres(t, { settings: loose })
    cli.environment['COFFRE_DATABASE_URL'] = await unsafe.makeDatabase()
    const found = await report(cli)
    assert.equal(found.code, 1)
    assert.equal(find(found, 'PostgreSQL fsync')?.state, 'problem')
    assert.equal(find(found, 'PostgreSQL full_page_writes')?.state, 'problem')
    assert.match(find(found, 'PostgreSQL synchronous_commit')?.cause ?? '', /sets it to on/)
    await unsafe.kill()
    assert.equal(find(await report(cli), 'PostgreSQL')?.cause, 'no connection, or none that was let in')
  })
})
