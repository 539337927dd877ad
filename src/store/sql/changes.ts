import { CompiledQuery } from 'kysely'
import type { Change } from '../changes.ts'
import type { Database } from './schema.ts'
import { parseStored, toCount } from './stored-row.ts'

/** A process that is further behind than this drops everything that it holds. */
const KEPT_CHANGES = 10_000

export async function readChangeCount(db: Database): Promise<number> {
  return toSeq(await db.selectFrom('change_head').select('seq').executeTakeFirst())
}

export async function listChanges(db: Database, after: number, limit: number): Promise<readonly Change[]> {
  const rows = await db
    .selectFrom('change_log')
    .selectAll()
    .where('seq', '>', after)
    .orderBy('seq')
    .limit(limit)
    .execute()
  return rows.map(({ seq, kind, id, epoch }) => ({ seq, kind, id, epoch }))
}

/** `announce`: the statement that tells other processes, where the database has one. */
export async function markChange(
  db: Database,
  change: Omit<Change, 'seq'>,
  announce: string | undefined,
): Promise<void> {
  const head = await db
    .updateTable('change_head')
    .set((eb) => ({ seq: eb('seq', '+', 1) }))
    .returning('seq')
    .executeTakeFirst()
  const seq = toSeq(head)
  const { kind, id, epoch } = change
  await db.insertInto('change_log').values({ seq, kind, id, epoch }).execute()
  await db
    .deleteFrom('change_log')
    .where('seq', '<=', seq - KEPT_CHANGES)
    .execute()
  if (announce !== undefined) await db.executeQuery(CompiledQuery.raw(announce))
}

/** A migration wrote the one row. */
function toSeq(head: { readonly seq: number } | undefined): number {
  return parseStored('change_head', () => toCount(head?.seq ?? Number.NaN))
}
