import { CompiledQuery } from 'kysely'
import { CoffreError } from '../../model/errors.ts'
import { parseTenantId, type TenantId } from '../../model/ids.ts'
import type { AuditHead, StoredAuditRecord, TenantRecordsQuery } from '../store.ts'
import type { AuditRecordTable, Database } from './schema.ts'
import { parseStored, toCount } from './stored-row.ts'

/** SHA-256 of nothing: the root hash of a tree without leaves (RFC 6962, section 2.1). */
const EMPTY_ROOT_HASH = Uint8Array.from(
  Buffer.from('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', 'hex'),
)
const HASH_BYTES = 32
/** Four parameters each: far below SQLite's 32,766 and PostgreSQL's 65,535 in one statement. */
const MAX_ROWS_PER_INSERT = 256

export async function readAuditHead(db: Database): Promise<AuditHead> {
  const [row, second] = await db.selectFrom('audit_head').selectAll().limit(2).execute()
  if (row === undefined) return { size: 0, rootHash: EMPTY_ROOT_HASH.slice(), frontier: new Uint8Array(0) }
  return parseStored('audit_head', () => {
    if (row.id !== 1 || second !== undefined) throw new RangeError('not the one head')
    const size = toCount(row.size)
    if (row.frontier.length !== HASH_BYTES * countOnes(size))
      throw new RangeError('not the frontier of this size')
    return { size, rootHash: row.root_hash, frontier: row.frontier }
  })
}

export async function readAuditRecords(
  db: Database,
  from: number,
  limit: number,
): Promise<readonly StoredAuditRecord[]> {
  const rows = await db
    .selectFrom('audit_record')
    .selectAll()
    .where('idx', '>=', from)
    .orderBy('idx')
    .limit(limit)
    .execute()
  return rows.map(toRecord)
}

export async function readAuditRecordsOf(
  db: Database,
  tenant: TenantId,
  { from, limit }: TenantRecordsQuery,
): Promise<readonly StoredAuditRecord[]> {
  const ofTenant = db.selectFrom('audit_record').selectAll().where('tenant', '=', tenant).limit(limit)
  if (from !== undefined) {
    return (await ofTenant.where('idx', '>=', from).orderBy('idx').execute()).map(toRecord)
  }
  return (await ofTenant.orderBy('idx', 'desc').execute()).map(toRecord).toReversed()
}

function toRecord(row: AuditRecordTable): StoredAuditRecord {
  const record = { index: row.idx, body: row.body, leafHash: row.leaf_hash }
  const { tenant } = row
  return tenant === null
    ? record
    : { ...record, tenant: parseStored('audit_record', () => parseTenantId(tenant)) }
}

export async function appendAudit(
  db: Database,
  records: readonly StoredAuditRecord[],
  head: AuditHead,
): Promise<void> {
  const first = records[0]
  if (first === undefined) throw new Error('unreachable: an append has records')
  const continues = records.every((record, position) => record.index === first.index + position)
  if (!continues || head.size !== first.index + records.length) throw new CoffreError('CONFLICT')
  await replaceHead(db, first.index, head)
  await insertRecords(db, records)
}

/** The head's row is the fence: it moves only from the size at which `records` begin. */
async function replaceHead(db: Database, oldSize: number, head: AuditHead): Promise<void> {
  const row = { size: head.size, root_hash: head.rootHash, frontier: head.frontier }
  if (oldSize === 0) {
    const inserted = await db
      .insertInto('audit_head')
      .values({ id: 1, ...row })
      .onConflict((conflict) => conflict.column('id').doNothing())
      .executeTakeFirst()
    if (inserted.numInsertedOrUpdatedRows !== 1n) throw new CoffreError('CONFLICT')
    return
  }
  const updated = await db.updateTable('audit_head').set(row).where('size', '=', oldSize).executeTakeFirst()
  if (updated.numUpdatedRows !== 1n) throw new CoffreError('CONFLICT')
}

/**
 * Rows go in by powers of two, so that nine prepared statements serve every length; compiling an INSERT of
 * 256 rows for each append would cost more than SQLite's work on it.
 */
async function insertRecords(db: Database, records: readonly StoredAuditRecord[]): Promise<void> {
  let done = 0
  for (let rows = MAX_ROWS_PER_INSERT; rows >= 1; rows /= 2) {
    while (records.length - done >= rows) {
      const chunk = records.slice(done, done + rows)
      const parameters = chunk.flatMap((record) => [
        record.index,
        record.body,
        record.leafHash,
        record.tenant ?? null,
      ])
      await db.executeQuery(CompiledQuery.raw(insertStatement(db, rows), parameters))
      done += rows
    }
  }
}

/** By dialect and number of rows; at most nine each. */
const insertStatements = new WeakMap<object, Map<number, string>>()

function insertStatement(db: Database, rows: number): string {
  const adapter = db.getExecutor().adapter
  const known = insertStatements.get(adapter) ?? new Map<number, string>()
  insertStatements.set(adapter, known)
  const sql = known.get(rows) ?? compileInsert(db, rows)
  known.set(rows, sql)
  return sql
}

function compileInsert(db: Database, rows: number): string {
  const placeholder = { idx: 0, body: '', leaf_hash: EMPTY_ROOT_HASH, tenant: null }
  return db
    .insertInto('audit_record')
    .values(Array.from({ length: rows }, () => placeholder))
    .compile().sql
}

function countOnes(size: number): number {
  let ones = 0
  for (let rest = size; rest > 0; rest = Math.floor(rest / 2)) ones += rest % 2
  return ones
}
