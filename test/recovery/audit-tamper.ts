import assert from 'node:assert/strict'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { openAuditLog, openCore } from '../../src/app.ts'
import { parseTenantId } from '../../src/model/ids.ts'
import { CallerCoffre } from '../../src/service/caller-coffre.ts'
import { localCaller, systemCaller } from '../../src/service/caller.ts'
import { look } from './audit-flip.ts'

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

export interface LogChoice {
  readonly records: number
  /** Records from one checkpoint to the next; 10 when absent. */
  readonly every?: number
}

/** A third of its records belong to another tenant than the default one. */
export async function makeSignedLog(place: TamperPlace, choice: LogChoice): Promise<number> {
  const { records, every = 10 } = choice
  const { core } = await openCore({ ...place, createIfMissing: true })
  const coffre = new CallerCoffre(core, localCaller())
  const other = new CallerCoffre(core, systemCaller('test', parseTenantId('other')))
  await coffre.keys.create({ name: 'orders' })
  const { ciphertext } = await coffre.encrypt({ key: 'orders', plaintext: 'x' })
  let size = 0
  do {
    await (size % 3 === 0 ? other.random({}) : coffre.decrypt({ ciphertext }))
    if (size % every === 0) await coffre.audit.writeCheckpoint()
    size = (await core.status()).auditSize ?? 0
  } while (size < records)
  await core.close()
  return size
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
    if (!found.shown || found.firstBadIndex !== index) missed.push(`${name}: ${found.firstBadIndex}`)
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
