import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { setImmediate } from 'node:timers/promises'
import { Kysely } from 'kysely'
import type { CheckpointCopy } from '../../src/audit/checkpoint/checkpoint-copy.ts'
import type { AuditVerification } from '../../src/model/audit.ts'
import { LogReader } from '../../src/audit/log-reader.ts'
import { SqlReader } from '../../src/store/sql/sql-reader.ts'
import { sqliteDialect } from '../../src/store/sqlite/sqlite-driver.ts'
import type { Store, StoreTransaction } from '../../src/store/store.ts'
import type { TamperPlace, Tally } from './audit-tamper.ts'

type Row = Readonly<Record<string, SQLInputValue>>

interface Table {
  readonly table: string
  readonly key: readonly string[]
  /** The first record that must be named for a wrong row; absent where a finding is enough. */
  readonly index?: (row: Row) => number
}

const TABLES: readonly Table[] = [
  // A record that the next one vouches for is named itself; a moved one by the place that it left.
  { table: 'audit_record', key: ['idx'], index: ({ idx }) => Number(idx) },
  // The first record under the hash.
  { table: 'audit_node', key: ['level', 'idx'], index: ({ level, idx }) => Number(idx) * 2 ** Number(level) },
  { table: 'audit_head', key: ['id'] },
  { table: 'audit_checkpoint', key: ['size'] },
]

const INTEGER_BITS = 64
const FLIPS_PER_TURN = 1_000

export interface ColumnTally extends Tally {
  readonly column: string
  /** Flips that gave a row the key of another, which it replaced. The first of the two places is named. */
  readonly replaced: number
  /** Rows that have no bits here: NULL. */
  readonly empty: number
}

export interface FlipChoice {
  /** Bits apart; 1 is every bit. */
  readonly step: number
  readonly tables?: readonly string[]
}

/**
 * Flips bits of every column of the audit tables, one at a time, and verifies after each. The database is a copy in
 * memory behind the product's own reader, so that a flip costs its verification and nothing else.
 */
export async function flipDatabase(place: TamperPlace, choice: FlipChoice): Promise<readonly ColumnTally[]> {
  const database = copyToMemory(join(place.dataDir, 'coffre.db'))
  const text = readFileSync(place.checkpointFile, 'utf8')
  const log = new LogReader(
    readingStore(database),
    copyOf(() => text),
  )
  const tallies: ColumnTally[] = []
  try {
    for (const table of TABLES) {
      if (choice.tables?.includes(table.table) === false) continue
      tallies.push(...(await new TableFlips(database, log, table).flipAll(choice.step)))
    }
  } finally {
    database.close()
  }
  return tallies
}

/** Flips bits of the copy outside the database, `step` bits apart. */
export async function flipCopy(place: TamperPlace, step: number): Promise<Tally> {
  const database = copyToMemory(join(place.dataDir, 'coffre.db'))
  const good = readFileSync(place.checkpointFile)
  let text = good.toString('utf8')
  const log = new LogReader(
    readingStore(database),
    copyOf(() => text),
  )
  const missed: string[] = []
  let tried = 0
  assert.equal((await look(log)).shown, false)
  for (let bit = 0; bit < good.length * 8; bit += step) {
    text = flipByte(Buffer.from(good), bit).toString('utf8')
    if (!(await look(log)).shown) missed.push(`copy bit ${bit}`)
    tried += 1
    if (tried % FLIPS_PER_TURN === 0) await setImmediate()
  }
  database.close()
  return { tried, missed }
}

/** A copy that is read as the file is, without a file: bytes that are not UTF-8 become U+FFFD. */
function copyOf(text: () => string): CheckpointCopy {
  const write = async () => assert.fail('nothing here writes')
  return { place: 'memory', read: async () => text(), write }
}

/** A database in memory has no write-ahead log, and its header may not ask for one. */
function copyToMemory(path: string): DatabaseSync {
  const bytes = readFileSync(path)
  bytes.fill(1, 18, 20)
  const database = new DatabaseSync(':memory:')
  database.deserialize(bytes)
  // What a fault of the disk can do, SQL may do here too.
  database.exec('pragma ignore_check_constraints = on')
  return database
}

/** `verifyLog` reads, and asks for a transaction only in order to see one moment. */
function readingStore(database: DatabaseSync): Store {
  const reader = new SqlReader(new Kysely({ dialect: sqliteDialect(database) }))
  const transaction: Store['transaction'] = (work) => work(reader as SqlReader & StoreTransaction)
  return Object.assign(reader, { transaction }) as SqlReader & Store
}

class TableFlips {
  readonly #database: DatabaseSync
  readonly #log: LogReader
  readonly #table: Table
  readonly #rows: readonly Row[]
  #flips = 0

  constructor(database: DatabaseSync, log: LogReader, table: Table) {
    this.#database = database
    this.#log = log
    this.#table = table
    this.#rows = database
      .prepare(`select * from ${table.table} order by ${table.key.join(', ')}`)
      .all() as readonly Row[]
    assert.ok(this.#rows.length > 0, `${table.table} is empty`)
  }

  async flipAll(step: number): Promise<readonly ColumnTally[]> {
    const { table } = this.#table
    this.#database.exec(`create temp table kept as select * from ${table}`)
    const tallies: ColumnTally[] = []
    for (const column of Object.keys(this.#rows[0] ?? {})) tallies.push(await this.#flipColumn(column, step))
    this.#database.exec('drop table kept')
    return tallies
  }

  async #flipColumn(column: string, step: number): Promise<ColumnTally> {
    const missed: string[] = []
    let [tried, replaced, empty] = [0, 0, 0]
    for (const row of this.#rows) {
      const value = row[column] ?? null
      if (value === null) empty += 1
      for (let bit = tried % step; bit < countBits(value); bit += step) {
        const flipped = { ...row, [column]: flipBit(value, bit) }
        const found = await this.#verifyWith(row, flipped, column)
        const other = this.#findOther(row, flipped)
        if (other !== undefined) replaced += 1
        if (!this.#isRight(found, [row, ...(other === undefined ? [] : [other])]))
          missed.push(`${this.#name(row)} ${column} bit ${bit}: ${found.firstBadIndex} ${found.reason}`)
        tried += 1
        this.#flips += 1
        if (this.#flips % FLIPS_PER_TURN === 0) await setImmediate()
      }
    }
    return { column: `${this.#table.table}.${column}`, tried, missed, replaced, empty }
  }

  async #verifyWith(row: Row, flipped: Row, column: string): Promise<Found> {
    const { table, key } = this.#table
    const where = key.map((name) => `${name} = ?`).join(' and ')
    const value = typeof row[column] === 'string' ? 'cast(? as text)' : '?'
    const values = [flipped[column] ?? null, ...key.map((name) => row[name] ?? null)]
    this.#database
      .prepare(`update or replace ${table} set ${column} = ${value} where ${where}`)
      .run(...values)
    const found = await look(this.#log)
    this.#database.exec(`delete from ${table}; insert into ${table} select * from kept`)
    return found
  }

  /** The row whose key the flipped one has taken. */
  #findOther(row: Row, flipped: Row): Row | undefined {
    const name = this.#name(flipped)
    return this.#rows.find((each) => each !== row && this.#name(each) === name)
  }

  #isRight(found: Found, wrong: readonly Row[]): boolean {
    const { index } = this.#table
    return found.shown && (index === undefined || found.firstBadIndex === Math.min(...wrong.map(index)))
  }

  #name(row: Row): string {
    return this.#table.key.map((name) => Number(row[name])).join('/')
  }
}

export interface Found extends Partial<AuditVerification> {
  /** Whether a verification showed anything at all. */
  readonly shown: boolean
}

export async function look(log: Pick<LogReader, 'verify'>): Promise<Found> {
  try {
    const verification = await log.verify()
    return { ...verification, shown: !verification.valid || verification.findings.length > 0 }
  } catch {
    return { shown: true }
  }
}

function countBits(value: SQLInputValue): number {
  if (value === null) return 0
  if (typeof value === 'string') return Buffer.byteLength(value) * 8
  return ArrayBuffer.isView(value) ? value.byteLength * 8 : INTEGER_BITS
}

function flipBit(value: SQLInputValue, bit: number): bigint | Uint8Array {
  if (typeof value === 'number') return BigInt.asIntN(INTEGER_BITS, BigInt(value) ^ (1n << BigInt(bit)))
  assert.ok(typeof value === 'string' || value instanceof Uint8Array)
  return flipByte(Buffer.from(value), bit)
}

function flipByte(bytes: Buffer, bit: number): Buffer {
  bytes[bit >> 3] = bytes.readUInt8(bit >> 3) ^ (1 << (bit & 7))
  return bytes
}
