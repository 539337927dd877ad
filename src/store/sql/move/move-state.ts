import { CoffreError } from '../../../model/errors.ts'
import type { Database } from '../schema.ts'

/** Where a store stands in a move to another database. */
export interface MoveState {
  readonly role: 'source' | 'target'
  readonly state: 'moving' | 'done'
  /** The same text on both sides. */
  readonly move: string
  /** Host and database of the other side. */
  readonly peer: string
}

export async function readMove(db: Database): Promise<MoveState | undefined> {
  const row = await db.selectFrom('store_move').selectAll().executeTakeFirst()
  if (row === undefined) return undefined
  const { move, peer } = row
  const role = row.role === 'source' ? 'source' : 'target'
  return { role, state: row.state === 'done' ? 'done' : 'moving', move, peer }
}

export async function writeMove(db: Database, move: MoveState): Promise<void> {
  await db
    .insertInto('store_move')
    .values({ id: 1, ...move })
    .onConflict((conflict) => conflict.column('id').doUpdateSet(move))
    .execute()
}

/**
 * For whoever wants to work with a store. Throws STORE_MOVED for one that went elsewhere, and STORE_INCOMPLETE for
 * one that is only half here. A source that is opened again before its move was done gives the move up: what was
 * copied is no longer what it holds.
 */
export async function requireServable(db: Database): Promise<void> {
  const found = await readMove(db)
  if (found === undefined) return
  if (found.role === 'target') {
    if (found.state === 'moving') throw new CoffreError('STORE_INCOMPLETE', { facts: { from: found.peer } })
    return
  }
  if (found.state === 'done') throw new CoffreError('STORE_MOVED', { facts: { to: found.peer } })
  await db.deleteFrom('store_move').execute()
}
