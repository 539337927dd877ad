import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { initCoffre, openAuditLog, openCoffre, type OpenedAuditLog } from '../../src/app.ts'

/** A log of at least so many records, closed, with its checkpoints in the database and in a file. */
export interface TamperPlace {
  readonly dataDir: string
  readonly checkpointFile: string
}

export interface Tally {
  /** Changes tried, and those that nothing showed. */
  readonly tried: number
  readonly missed: readonly string[]
}

export async function makeSignedLog(place: TamperPlace, records: number): Promise<number> {
  await initCoffre({ ...place, createIfMissing: true })
  const coffre = await openCoffre(place)
  await coffre.keys.create({ name: 'orders' })
  const { ciphertext } = await coffre.encrypt({ key: 'orders', plaintext: 'x' })
  let size = 0
  do {
    await coffre.decrypt({ ciphertext })
    if (size % 10 === 0) await coffre.audit.writeCheckpoint()
    size = (await coffre.operator.status()).auditSize ?? 0
  } while (size < records)
  await coffre.close()
  return size
}

/** Whether a verification shows anything at all, and the index that it names. */
async function look(
  log: OpenedAuditLog,
): Promise<{ readonly shown: boolean; readonly index: number | undefined }> {
  try {
    const { valid, firstBadIndex, findings } = await log.verify()
    return { shown: !valid || findings.length > 0, index: firstBadIndex }
  } catch {
    return { shown: true, index: undefined }
  }
}

type Cell = { readonly table: string; readonly column: string; readonly rowid: number; readonly at: number }

const TABLES: readonly {
  readonly table: string
  readonly columns: readonly string[]
  readonly order: string
}[] = [
  { table: 'audit_record', columns: ['idx', 'body', 'leaf_hash', 'tenant'], order: 'idx' },
  { table: 'audit_head', columns: ['id', 'size', 'root_hash', 'frontier'], order: 'id' },
  { table: 'audit_checkpoint', columns: ['size', 'note'], order: 'size' },
]

/** Flips bits of every column of the audit tables, `step` bits apart, one at a time, and puts each back. */
export async function flipDatabase(
  place: TamperPlace,
  step: number,
  tell: (text: string) => void,
): Promise<Tally> {
  const log = await openAuditLog(place)
  const database = new DatabaseSync(join(place.dataDir, 'coffre.db'))
  database.exec('pragma ignore_check_constraints = on; pragma foreign_keys = off; pragma synchronous = off')
  const missed: string[] = []
  let tried = 0
  for (const { table, columns, order } of TABLES) {
    const before = tried
    for (const [at, row] of database.prepare(`select * from ${table} order by ${order}`).all().entries()) {
      for (const column of columns) {
        const value = row[column]
        if (value === null || value === undefined) continue
        const bits = bitsOf(value)
        for (let bit = tried % step; bit < bits; bit += step) {
          const cell = { table, column, rowid: Number(row[order]), at }
          if (!(await flipOne({ database, log, order }, cell, value, bit)))
            missed.push(`${table}.${column} ${at} bit ${bit}`)
          tried += 1
        }
      }
    }
    tell(`${table}: ${tried - before} bits`)
  }
  database.close()
  await log.close()
  return { tried, missed }
}

interface Flip {
  readonly database: DatabaseSync
  readonly log: OpenedAuditLog
  readonly order: string
}

async function flipOne(flip: Flip, cell: Cell, value: unknown, bit: number): Promise<boolean> {
  const { database, log, order } = flip
  const { table, column, rowid, at } = cell
  const changed = flipBit(value, bit)
  const isKey = column === order
  const expression = typeof value === 'string' ? 'cast(? as text)' : '?'
  try {
    database.prepare(`update ${table} set ${column} = ${expression} where ${order} = ?`).run(changed, rowid)
  } catch {
    // The place is taken by another row, or strict tables refuse it: the database itself says no.
    return true
  }
  const { shown, index } = await look(log)
  const key = isKey ? changed : rowid
  database
    .prepare(`update ${table} set ${column} = ? where ${order} = ?`)
    .run(toSql(value), key as number | bigint)
  if (table !== 'audit_record') return shown
  // A record that the previous one vouches for is named itself; a moved one by the place that it left.
  return shown && index === at
}

function bitsOf(value: unknown): number {
  if (typeof value === 'number') return 63
  return (typeof value === 'string' ? Buffer.byteLength(value) : (value as Uint8Array).length) * 8
}

function toSql(value: unknown): string | number | Uint8Array {
  if (typeof value === 'string' || typeof value === 'number' || value instanceof Uint8Array) return value
  throw new TypeError('not a value of the audit tables')
}

function flipBit(value: unknown, bit: number): bigint | Uint8Array {
  if (typeof value === 'number') return BigInt.asIntN(64, BigInt(value) ^ (1n << BigInt(bit)))
  const bytes = Buffer.from(typeof value === 'string' ? Buffer.from(value) : (value as Uint8Array))
  bytes[bit >> 3] = bytes.readUInt8(bit >> 3) ^ (1 << (bit & 7))
  return bytes
}

/** Flips bits of the copy outside the database, `step` bits apart. */
export async function flipCopy(place: TamperPlace, step: number): Promise<Tally> {
  const log = await openAuditLog(place)
  const good = readFileSync(place.checkpointFile)
  const missed: string[] = []
  let tried = 0
  for (let bit = 0; bit < good.length * 8; bit += step) {
    writeFileSync(place.checkpointFile, flipBit(good, bit) as Uint8Array)
    if (!(await look(log)).shown) missed.push(`copy bit ${bit}`)
    tried += 1
  }
  writeFileSync(place.checkpointFile, good)
  await log.close()
  return { tried, missed }
}

/** Every deletion, neighbouring and far swap, duplicate, cut tail and insertion of records. */
export async function moveRecords(place: TamperPlace, size: number): Promise<Tally> {
  const log = await openAuditLog(place)
  const database = new DatabaseSync(join(place.dataDir, 'coffre.db'))
  database.exec('pragma ignore_check_constraints = on; pragma synchronous = off')
  database.exec('create table kept as select * from audit_record')
  const missed: string[] = []
  let tried = 0
  const attempt = async (name: string, index: number, sql: string) => {
    database.exec(sql)
    const found = await look(log)
    if (!found.shown || found.index !== index) missed.push(`${name}: ${found.index}`)
    tried += 1
    database.exec('delete from audit_record; insert into audit_record select * from kept')
  }
  const swap = (one: number, other: number) =>
    `update audit_record set idx = -9 where idx = ${one}; update audit_record set idx = ${one} where idx = ${other};
     update audit_record set idx = ${other} where idx = -9`
  for (let at = 0; at < size; at += 1) {
    await attempt(`delete ${at}`, at, `delete from audit_record where idx = ${at}`)
    await attempt(`cut from ${at}`, at, `delete from audit_record where idx >= ${at}`)
    const other = (at + 1) % size
    await attempt(`swap ${at} ${other}`, Math.min(at, other), swap(at, other))
    const far = (at + Math.floor(size / 2)) % size
    await attempt(`swap ${at} ${far}`, Math.min(at, far), swap(at, far))
    await attempt(
      `duplicate ${at}`,
      size,
      `insert into audit_record select ${size} + idx, body, leaf_hash, tenant from kept where idx = ${at}`.replace(
        `${size} + idx`,
        String(size),
      ),
    )
    const copied = (at + 1) % size
    await attempt(
      `overwrite ${copied} with ${at}`,
      copied,
      `update audit_record set (body, leaf_hash, tenant) =
        (select body, leaf_hash, tenant from kept where idx = ${at}) where idx = ${copied}`,
    )
    await attempt(
      `insert at ${at}`,
      at,
      `update audit_record set idx = -idx - 2 where idx >= ${at}; update audit_record set idx = -idx - 1 where idx < 0;
       insert into audit_record select ${at}, '{}', zeroblob(32), null`,
    )
  }
  database.exec('drop table kept')
  database.close()
  await log.close()
  return { tried, missed }
}

/** So many verifications of logs that nobody touched. Answers the false alarms. */
export async function verifyClean(places: AsyncIterable<TamperPlace>): Promise<Tally> {
  const missed: string[] = []
  let tried = 0
  for await (const place of places) {
    const log = await openAuditLog(place)
    const { valid, findings } = await log.verify()
    if (!valid || findings.length > 0) missed.push(`clean log ${tried}`)
    tried += 1
    await log.close()
  }
  return { tried, missed }
}

export function requireNone(tally: Tally): void {
  assert.deepEqual(tally.missed.slice(0, 20), [])
  assert.ok(tally.tried > 0)
}
