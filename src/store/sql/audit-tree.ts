import type { StoredAuditNode, StoredCheckpoint } from '../store.ts'
import type { Database } from './schema.ts'
import { parseStored, toCount } from './stored-row.ts'

/** Four parameters each at most: far below SQLite's 32,766 and PostgreSQL's 65,535 in one statement. */
const MAX_ROWS_PER_INSERT = 256

export async function readAuditLeaves(
  db: Database,
  from: number,
  limit: number,
): Promise<readonly StoredAuditNode[]> {
  const rows = await db
    .selectFrom('audit_record')
    .select(['idx', 'leaf_hash'])
    .where('idx', '>=', from)
    .orderBy('idx')
    .limit(limit)
    .execute()
  return rows.map((row) => ({ level: 0, index: row.idx, hash: row.leaf_hash }))
}

export interface NodeRange {
  readonly level: number
  readonly from: number
  readonly limit: number
}

export async function readAuditNodes(db: Database, range: NodeRange): Promise<readonly StoredAuditNode[]> {
  const rows = await db
    .selectFrom('audit_node')
    .select(['idx', 'hash'])
    .where('level', '=', range.level)
    .where('idx', '>=', range.from)
    .orderBy('idx')
    .limit(range.limit)
    .execute()
  return rows.map((row) => ({ level: range.level, index: row.idx, hash: row.hash }))
}

export async function countAuditNodes(db: Database): Promise<number> {
  const row = await db
    .selectFrom('audit_node')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow()
  return toCount(Number(row.count))
}

/** Two processes may complete the same subtree; it is the same hash. */
export async function insertAuditNodes(db: Database, nodes: readonly StoredAuditNode[]): Promise<void> {
  for (let done = 0; done < nodes.length; done += MAX_ROWS_PER_INSERT) {
    const rows = nodes.slice(done, done + MAX_ROWS_PER_INSERT)
    await db
      .insertInto('audit_node')
      .values(rows.map(({ level, index, hash }) => ({ level, idx: index, hash })))
      .onConflict((conflict) => conflict.columns(['level', 'idx']).doNothing())
      .execute()
  }
}

export async function readCheckpoints(db: Database, limit: number): Promise<readonly StoredCheckpoint[]> {
  const rows = await db
    .selectFrom('audit_checkpoint')
    .selectAll()
    .orderBy('size', 'desc')
    .limit(limit)
    .execute()
  return rows.map((row) =>
    parseStored('audit_checkpoint', () => ({ size: toCount(row.size), note: row.note })),
  )
}

export async function findCheckpoint(db: Database, size: number): Promise<StoredCheckpoint | undefined> {
  const row = await db.selectFrom('audit_checkpoint').selectAll().where('size', '=', size).executeTakeFirst()
  return row === undefined ? undefined : { size: row.size, note: row.note }
}

/** Another signature at the same size says the same, so the later one stays. */
export async function insertCheckpoint(db: Database, checkpoint: StoredCheckpoint): Promise<void> {
  const { size, note } = checkpoint
  await db
    .insertInto('audit_checkpoint')
    .values({ size, note })
    .onConflict((conflict) => conflict.column('size').doUpdateSet({ note }))
    .execute()
}

/** Keeps the `keep` largest. */
export async function pruneCheckpoints(db: Database, keep: number): Promise<void> {
  const last = await db
    .selectFrom('audit_checkpoint')
    .select('size')
    .orderBy('size', 'desc')
    .limit(1)
    .offset(keep)
    .executeTakeFirst()
  if (last !== undefined) await db.deleteFrom('audit_checkpoint').where('size', '<=', last.size).execute()
}

export async function forgetCheckpoints(db: Database): Promise<void> {
  await db.deleteFrom('audit_checkpoint').execute()
  await db.deleteFrom('audit_node').execute()
}
