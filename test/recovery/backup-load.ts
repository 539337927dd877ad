import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { copyFileSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout } from 'node:timers/promises'
import type pg from 'pg'
import { openCoffre } from '../../src/app.ts'
import {
  type Backups,
  type BackupSource,
  coffreFolderSource,
  coffreFolderTarget,
  newRestoreId,
  openBackups,
  postgresSource,
  postgresTarget,
  restoreBackup,
  type RestoreTarget,
  sqliteSource,
  sqliteTarget,
} from '../../src/app-backup.ts'
import { xWingPublicKey } from '../../src/crypto/x-wing.ts'
import { KeyMaterial } from '../../src/crypto/key-material.ts'
import type { Coffre } from '../../src/model/coffre.ts'
import { POSTGRES_15, PostgresServer } from '../postgres-server.ts'
import type { Scope } from '../temporary.ts'

const SEED = new KeyMaterial(Buffer.alloc(32, 9))
const ACCOUNTS = 200
const EACH = 1_000
const WRITERS = 3
/** Of the ciphertexts of earlier rounds, every so many are decrypted again. */
const SAMPLE = 7

/** What one kind of source shows: something that writes, and what must be true of any one moment of it. */
interface Bank {
  readonly source: () => BackupSource
  readonly target: (round: number) => RestoreTarget
  /** Commits, or acknowledged ciphertexts, so far. */
  readonly written: () => number
  /** Looks at what was restored, holding at least `least` and at most `most` of what was written; throws. */
  readonly check: (round: number, bounds: { readonly least: number; readonly most: number }) => Promise<void>
  readonly stop: () => Promise<void>
}

export interface LoadOptions {
  readonly folder: string
  readonly count: number
}

export interface LoadResult {
  readonly backups: number
  /** How much was written while backups were read. */
  readonly during: number
  readonly written: number
}

export const BANKS = { postgres: openPostgres, sqlite: openSqlite, coffre: openBusyCoffre } as const

/** Backs a source up under write load, restores each backup and looks whether it is one moment of it. */
export async function backUpUnderLoad(
  scope: Scope,
  kind: keyof typeof BANKS,
  { folder, count }: LoadOptions,
): Promise<LoadResult> {
  mkdirSync(join(folder, 'target'), { mode: 0o700 })
  const coffre = await openCoffre({ dataDir: join(folder, 'coffre'), createIfMissing: true })
  const backups = await openBackups({
    target: join(folder, 'target'),
    seenFile: join(folder, 'seen'),
    coffre,
  })
  const bank = await BANKS[kind](scope, folder)
  let during = 0
  try {
    for (let round = 1; round <= count; round += 1) {
      const least = bank.written()
      await backUp(backups, coffre, bank.source())
      const most = bank.written()
      during += most - least
      await restoreBackup(backups, { series: 'load' }, bank.target(round), { recoveryKey: SEED })
      await bank.check(round, { least, most })
      await backups.prune(coffre, { series: 'load', retention: { last: 1 } })
    }
    return { backups: count, during, written: bank.written() }
  } finally {
    await bank.stop()
    await backups.close()
    await coffre.close()
  }
}

function backUp(backups: Backups, coffre: Coffre, source: BackupSource) {
  const recipients = { key: 'backup', recovery: [xWingPublicKey(SEED)] }
  return backups.create(source, coffre, { series: 'load', recipients })
}

/** A table of accounts whose sum never changes, and of transfers that explain each balance. */
const TABLES = `
  create table account (id integer primary key, balance bigint not null);
  create table transfer (id integer primary key, source integer not null, destination integer not null, amount bigint not null)`
const UNEXPLAINED = `select count(*) as count from account where balance <> ${EACH}
  + (select coalesce(sum(amount), 0) from transfer where destination = account.id)
  - (select coalesce(sum(amount), 0) from transfer where source = account.id)`
const TOTALS = `select (select sum(balance) from account) as total, (select count(*) from transfer) as transfers`

async function openPostgres(scope: Scope): Promise<Bank> {
  const server = new PostgresServer({ release: POSTGRES_15 })
  scope.after(() => server.remove())
  await server.start()
  const url = await server.makeDatabase()
  const setup = await server.connect(url)
  await setup.query(`${TABLES.replace('id integer primary key, source', 'id serial primary key, source')};
    insert into account select id, ${EACH} from generate_series(1, ${ACCOUNTS}) id`)
  await setup.end()
  const load = { written: 0, isOver: false }
  const clients = await Promise.all(Array.from({ length: WRITERS }, () => server.connect(url)))
  const writers = clients.map((client) => transferUntilOver(client, load))
  const urlOf = (round: number) => server.url(`restored_${round}`)
  return {
    source: () => postgresSource({ url }),
    target: (round) => postgresTarget({ url: urlOf(round), id: newRestoreId() }),
    written: () => load.written,
    check: async (round, bounds) => {
      const client = await server.connect(urlOf(round))
      const [unexplained, totals] = [await client.query(UNEXPLAINED), await client.query(TOTALS)]
      await client.end()
      requireConsistent({ ...unexplained.rows[0], ...totals.rows[0] }, bounds)
      const maintenance = await server.connect('postgres')
      await maintenance.query(`drop database restored_${round}`)
      await maintenance.end()
    },
    stop: async () => {
      load.isOver = true
      await Promise.all(writers)
      await Promise.all(clients.map((client) => client.end()))
    },
  }
}

async function transferUntilOver(
  client: pg.Client,
  load: { written: number; isOver: boolean },
): Promise<void> {
  for (let turn = 0; !load.isOver; turn += 1) {
    // In one order, so that no two wait for each other.
    const [source, destination] = [
      1 + (turn % (ACCOUNTS / 2)),
      1 + ACCOUNTS / 2 + ((turn * 7) % (ACCOUNTS / 2)),
    ]
    await client.query('begin')
    await client.query('update account set balance = balance - $2 where id = $1', [source, 3])
    await client.query('insert into transfer (source, destination, amount) values ($1, $2, 3)', [
      source,
      destination,
    ])
    await client.query('update account set balance = balance + $2 where id = $1', [destination, 3])
    await client.query('commit')
    load.written += 1
  }
}

/** As the other, in a process of its own; it tells each commit. */
const SQLITE_LOAD = `
  const { DatabaseSync } = require('node:sqlite')
  const database = new DatabaseSync(process.argv[1], { timeout: 60000 })
  const move = database.prepare('update account set balance = balance + ? where id = ?')
  const note = database.prepare('insert into transfer (source, destination, amount) values (?, ?, 3)')
  setInterval(() => {
    const [source, destination] = [1, 2].map(() => 1 + Math.floor(Math.random() * ${ACCOUNTS}))
    database.exec('begin immediate')
    move.run(-3, source)
    note.run(source, destination)
    move.run(3, destination)
    database.exec('commit')
    process.stdout.write('.')
  }, 2)`

async function openSqlite(scope: Scope, folder: string): Promise<Bank> {
  const path = join(folder, 'bank.db')
  const database = new DatabaseSync(path)
  database.exec(`pragma journal_mode = wal; ${TABLES};
    with recursive n(i) as (select 1 union all select i + 1 from n where i < ${ACCOUNTS})
    insert into account select i, ${EACH} from n`)
  database.close()
  const child = spawn(process.execPath, ['-e', SQLITE_LOAD, path], { stdio: ['ignore', 'pipe', 'inherit'] })
  scope.after(() => void child.kill('SIGKILL'))
  let written = 0
  child.stdout.on('data', (dots: Buffer) => (written += dots.length))
  while (written === 0) await setTimeout(10)
  const pathOf = (round: number) => join(folder, `restored-${round}.db`)
  return {
    source: () => sqliteSource({ path }),
    target: (round) => sqliteTarget({ path: pathOf(round), id: newRestoreId() }),
    written: () => written,
    check: async (round, { least }) => {
      const restored = new DatabaseSync(pathOf(round))
      const found = { ...restored.prepare(UNEXPLAINED).get(), ...restored.prepare(TOTALS).get() }
      restored.close()
      rmSync(pathOf(round))
      // What the child has told is at most what it has done.
      requireConsistent(found, { least, most: Number.POSITIVE_INFINITY })
    },
    stop: async () => void child.kill('SIGKILL'),
  }
}

function requireConsistent(
  found: Readonly<Record<string, unknown>>,
  { least, most }: { readonly least: number; readonly most: number },
): void {
  assert.equal(Number(found['total']), ACCOUNTS * EACH, 'the sum of all balances')
  assert.equal(Number(found['count']), 0, 'balances that no transfer explains')
  const transfers = Number(found['transfers'])
  assert.ok(transfers >= least, `${transfers} transfers, and ${least} were done before the backup`)
  // A commit may be done and its answer under way: one for each writer.
  assert.ok(transfers <= most + WRITERS, `${transfers} transfers, and ${most} were done after it`)
}

/** Encrypts, and rotates every few ciphertexts, until it is told to stop. */
async function openBusyCoffre(_scope: Scope, folder: string): Promise<Bank> {
  const dataDir = join(folder, 'busy')
  const coffre = await openCoffre({ dataDir, createIfMissing: true })
  await coffre.keys.create({ name: 'busy' })
  const ciphertexts: string[] = []
  let isOver = false
  const work = (async () => {
    while (!isOver) {
      const plaintext = `value ${ciphertexts.length}`
      ciphertexts.push((await coffre.encrypt({ key: 'busy', plaintext })).ciphertext)
      if (ciphertexts.length % 5 === 0) await coffre.keys.rotate('busy')
      await setTimeout(5)
    }
  })()
  while (ciphertexts.length === 0) await setTimeout(5)
  const folderOf = (round: number) => join(folder, `restored-${round}`)
  let checked = 0
  return {
    source: () => coffreFolderSource(dataDir),
    target: (round) => coffreFolderTarget({ folder: folderOf(round), id: newRestoreId() }),
    written: () => ciphertexts.length,
    check: async (round, { least }) => {
      copyFileSync(join(dataDir, 'seal.key'), join(folderOf(round), 'seal.key'))
      const restored = await openCoffre({ dataDir: folderOf(round) })
      for (let at = 0; at < least; at += at < checked ? SAMPLE : 1) {
        const { plaintext } = await restored.decrypt({ ciphertext: ciphertexts[at] ?? '' })
        assert.equal(Buffer.from(plaintext).toString(), `value ${at}`)
      }
      checked = least
      assert.equal((await restored.audit.verify()).valid, true)
      await restored.close()
      rmSync(folderOf(round), { recursive: true })
    },
    stop: async () => {
      isOver = true
      await work
      await coffre.close()
    },
  }
}
