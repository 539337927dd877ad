import { toInstant } from '../../model/clock.ts'
import { toWrapped } from '../../model/wrapped.ts'
import type { SealSlot } from '../store.ts'
import type { Database } from './schema.ts'
import { parseStored } from './stored-row.ts'

export async function listSealSlots(db: Database): Promise<readonly SealSlot[]> {
  const rows = await db.selectFrom('seal_slot').selectAll().orderBy('created_at').orderBy('id').execute()
  return rows.map(({ id, provider, wrapped, created_at }) =>
    parseStored('seal_slot', () => ({
      id,
      provider,
      wrapped: toWrapped(wrapped),
      createdAt: toInstant(created_at),
    })),
  )
}

export async function insertSealSlot(db: Database, slot: SealSlot): Promise<void> {
  const { id, provider, wrapped, createdAt } = slot
  await db.insertInto('seal_slot').values({ id, provider, wrapped, created_at: createdAt }).execute()
}
