import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, watch, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, test, type TestContext } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { sqliteSource } from '../../../src/store/source/sqlite/sqlite-source.ts'
import { sqliteTarget } from '../../../src/store/source/sqlite/sqlite-target.ts'
import { failsWith, makeFolder } from '../../temporary.ts'

const { signal } = new AbortController()
const TOTAL = 100_000

/** Transfers between accounts, in processes of their own; each one commit. */
const LOAD = `
  const { DatabaseSync } = require('node:sqlite')
  const database = new DatabaseSync(process.argv[1], { timeout: 30000 })
  const move = database.prepare('update account set balance = balance + ? where id = ?')
  const note = database.prepare('insert into note (text) values (?)')
  setInterval(() => {
    database.exec('begin immediate')
    move.run(-5, 1 + Math.floor(Math.random() * 1000))
    note.run('x'.repeat(3000))
    move.run(5, 1 + Math.floor(Math.random() * 1000))
    database.exec('commit')
    process.stdout.write('.')
  }, 1)`

function makeBank(folder: string, mode: 'wal' | 'delete' = 'wal'): string {
  const path = join(folder, 'bank.db')
  const database = new DatabaseSync(path)
  database.exec(`pragma journal_mode = ${mode}; create table account (id integer primary key, balance integer not null);
    create table note (id integer primary key, text text not null);
    with recursive n(i) as (select 1 union all select i + 1 from n where i < 1000)
    insert into account select i, ${TOTAL / 1_000} from n`)
  database.close()
  return path
}

function startLoad(
  t: TestContext,
  path: string,
): { readonly child: ChildProcess; readonly commits: () => number } {
  const child = spawn(process.execPath, ['-e', LOAD, path], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => child.kill('SIGKILL'))
  let commits = 0
  child.stdout.on('data', (dots: Buffer) => (commits += dots.length))
  return { child, commits: () => commits }
}

function readBank(path: string): {
  readonly total: unknown
  readonly notes: unknown
  readonly check: unknown
} {
  const database = new DatabaseSync(path)
  try {
    return {
      total: database.prepare('select sum(balance) as n from account').get()?.['n'],
      notes: database.prepare('select count(*) as n from note').get()?.['n'],
      check: database.prepare('pragma integrity_check').get()?.['integrity_check'],
    }
  } finally {
    database.close()
  }
}

async function copy(from: string, to: string, id = 'a1'): Promise<void> {
  const source = sqliteSource({ path: from })
  const target = sqliteTarget({ path: to, id })
  await target.prepare(await source.describe())
  const written = await target.receive(source.read(signal), signal)
  await target.commit()
  assert.deepEqual(written, source.counts())
}

describe('an SQLite database that is backed up', () => {
  for (const mode of ['wal', 'delete'] as const) {
    test(`comes back to the byte, with journal ${mode}`, async (t) => {
      const folder = makeFolder(t)
      const path = makeBank(folder, mode)
      await copy(path, join(folder, 'copy.db'))
      assert.ok(readFileSync(path).equals(readFileSync(join(folder, 'copy.db'))))
      assert.deepEqual(readdirSync(folder).toSorted(), ['bank.db', 'copy.db'])
    })
  }

  test('is of one moment while two processes write, and holds none of them up', async (t) => {
    const folder = makeFolder(t)
    const path = makeBank(folder)
    const loads = [startLoad(t, path), startLoad(t, path)]
    const commits = (): number => loads.reduce((sum, load) => sum + load.commits(), 0)
    while (commits() < 20) await setTimeout(5)
    let duringReads = 0
    for (let round = 0; round < 10; round += 1) {
      const before = commits()
      const source = sqliteSource({ path })
      const pieces: Uint8Array[] = []
      for await (const piece of source.read(signal)) {
        pieces.push(piece)
        if (pieces.length % 8 === 1) await setTimeout(10)
      }
      duringReads += commits() - before
      const copied = join(folder, `copy-${round}.db`)
      writeFileSync(copied, Buffer.concat(pieces))
      const bank = readBank(copied)
      assert.deepEqual([bank.total, bank.check], [TOTAL, 'ok'])
      assert.ok(Number(bank.notes) >= before - 2, 'an older moment than the one that was asked for')
    }
    for (const { child } of loads) child.kill('SIGKILL')
    assert.ok(duringReads > 0, 'nobody wrote')
    assert.deepEqual([readBank(path).total, readBank(path).check], [TOTAL, 'ok'])
  })

  test('is never on the disk beside itself', async (t) => {
    const folder = makeFolder(t)
    const path = makeBank(folder)
    const names = new Set<string>()
    const watcher = watch(folder, (_event, name) => names.add(String(name)))
    t.after(() => watcher.close())
    for await (const _piece of sqliteSource({ path }).read(signal)) await setTimeout(5)
    // Events come in their order, so with this one all before it are there.
    writeFileSync(join(folder, 'after'), '')
    while (!names.has('after')) await setTimeout(5)
    names.delete('after')
    assert.deepEqual(
      [...names].filter((name) => !/^bank\.db(-wal|-shm)?$/.test(name)),
      [],
    )
  })

  test('is refused when it is none, and when somebody has it for himself', async (t) => {
    const folder = makeFolder(t)
    writeFileSync(join(folder, 'text'), 'no database, but longer than a header has to be '.repeat(50))
    const path = makeBank(folder, 'delete')
    const holder = new DatabaseSync(path)
    holder.exec('begin exclusive')
    t.after(() => holder.close())
    for (const wrong of [join(folder, 'text'), join(folder, 'none'), path]) {
      const reading = Array.fromAsync(sqliteSource({ path: wrong }).read(signal))
      await assert.rejects(reading, failsWith('BACKUP_SOURCE_FAILED'))
    }
    assert.equal(existsSync(join(folder, 'none')), false)
  })
})

describe('an SQLite database that is restored', () => {
  test('takes the place of another only when asked, and keeps it with its log', async (t) => {
    const folder = makeFolder(t)
    const path = makeBank(folder)
    const source = sqliteSource({ path })
    const facts = await source.describe()
    const pieces = await Array.fromAsync(source.read(signal))
    // Killed, it leaves a log that nobody has copied.
    const { child, commits } = startLoad(t, path)
    while (commits() < 5) await setTimeout(5)
    const gone = once(child, 'exit')
    const inUse = sqliteTarget({ path, id: 'a1', replace: true })
    await assert.rejects(inUse.prepare(facts), failsWith('RESTORE_REFUSED'))
    child.kill('SIGKILL')
    await gone
    await assert.rejects(sqliteTarget({ path, id: 'a1' }).prepare(facts), failsWith('RESTORE_REFUSED'))
    const target = sqliteTarget({ path, id: 'a1', replace: true })
    await target.prepare(facts)
    await target.receive(ofAll(pieces), signal)
    await target.commit()
    assert.deepEqual(readdirSync(folder).toSorted(), ['bank.db', 'bank.db.before_a1'])
    assert.deepEqual(readBank(path), { total: TOTAL, notes: 0, check: 'ok' })
    assert.ok(Number(readBank(`${path}.before_a1`).notes) >= 5)
  })

  test('is refused when SQLite finds it damaged, and the target is as it was', async (t) => {
    const folder = makeFolder(t)
    const path = makeBank(folder)
    const bytes = Buffer.concat(await Array.fromAsync(sqliteSource({ path }).read(signal)))
    const flipped = Buffer.from(bytes)
    flipped.fill(0xff, 4_096, 4_200)
    const was = readFileSync(path)
    for (const content of [Buffer.from('no database'), bytes.subarray(0, 8_192), flipped]) {
      const target = sqliteTarget({ path, id: 'a1', replace: true })
      await target.prepare({})
      await assert.rejects(target.receive(ofAll([content]), signal), failsWith('BACKUP_CONTENT_REFUSED'))
      await target.abandon()
    }
    assert.deepEqual(readdirSync(folder), ['bank.db'])
    assert.ok(readFileSync(path).equals(was))
  })

  test('may take the place of a damaged one', async (t) => {
    const folder = makeFolder(t)
    const path = makeBank(folder)
    const pieces = await Array.fromAsync(sqliteSource({ path }).read(signal))
    writeFileSync(path, 'what is left of it')
    const target = sqliteTarget({ path, id: 'a1', replace: true })
    await target.prepare({})
    await target.receive(ofAll(pieces), signal)
    await target.commit()
    assert.equal(readBank(path).total, TOTAL)
  })
})

async function* ofAll(pieces: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* pieces
}
