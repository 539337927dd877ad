import { toInstant } from '../../model/clock.ts'
import { toWrapped } from '../../model/wrapped.ts'
import type { SealSlot } from '../store.ts'
import type { Database } from './schema.ts'
import { parseStored, toCount } from './stored-row.ts'

export async function listSealSlots(db: Database): Promise<readonly SealSlot[]> {
  const rows = await db
    .selectFrom('seal_slot')
    .selectAll()
    .orderBy('root', 'desc')
    .orderBy('created_at')
    .orderBy('id')
    .execute()
  return rows.map(({ id, provider, wrapped, created_at, root }) =>
    parseStored('seal_slot', () => ({
      id,
      provider,
      wrapped: toWrapped(wrapped),
      createdAt: toInstant(created_at),
      root: toCount(root),
    })),
  )
}

export async function insertSealSlot(db: Database, slot: SealSlot): Promise<void> {
  const { id, provider, wrapped, createdAt, root } = slot
  await db.insertInto('seal_slot').values({ id, provider, wrapped, created_at: createdAt, root }).execute()
}

/** Whether it was there. */
export async function deleteSealSlot(db: Database, id: string): Promise<boolean> {
  const deleted = await db.deleteFrom('seal_slot').where('id', '=', id).executeTakeFirst()
  return deleted.numDeletedRows === 1n
}
