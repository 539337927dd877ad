import { toInstant } from '../../model/clock.ts'
import { CoffreError } from '../../model/errors.ts'
import { type RootGeneration, rootOf, toWrapped, type Wrapped } from '../../model/wrapped.ts'
import type { StoredRootLink } from '../store.ts'
import type { Database } from './schema.ts'
import { parseStored, toCount } from './stored-row.ts'

export async function listRootLinks(db: Database): Promise<readonly StoredRootLink[]> {
  const rows = await db.selectFrom('root_link').selectAll().orderBy('from_root').orderBy('to_root').execute()
  return rows.map((row) =>
    parseStored('root_link', () => ({
      from: toCount(row.from_root),
      to: toCount(row.to_root),
      wrapped: toWrapped(row.wrapped),
      createdAt: toInstant(row.created_at),
    })),
  )
}

export async function insertRootLink(db: Database, link: StoredRootLink): Promise<void> {
  const { from, to, wrapped, createdAt } = link
  const row = { from_root: from, to_root: to, wrapped, created_at: createdAt }
  await db.insertInto('root_link').values(row).execute()
}

/** Links and slots that only lead to generations below `generation`. */
export async function deleteRootsBefore(db: Database, generation: RootGeneration): Promise<void> {
  await db.deleteFrom('seal_slot').where('root', '<', generation).execute()
  await db
    .deleteFrom('root_link')
    .where((eb) => eb.or([eb('from_root', '<', generation), eb('to_root', '<', generation)]))
    .execute()
}

/** The newest root key that has a slot; 1 before there is any. */
async function readRootGeneration(db: Database): Promise<RootGeneration> {
  const row = await db
    .selectFrom('seal_slot')
    .select((eb) => eb.fn.max('root').as('root'))
    .executeTakeFirst()
  return toCount(Number(row?.root ?? 1))
}

/**
 * New material goes under the newest root key only: what a slower process wraps under the one before could come
 * after the sweep that looked for it. Throws CONFLICT with the fact `part: 'root'`; the caller follows the link
 * and wraps again.
 */
export async function requireNewestRoot(db: Database, wrapped: Iterable<Wrapped>): Promise<void> {
  const generations = new Set(Array.from(wrapped, rootOf))
  if (generations.size === 0) return
  const newest = await readRootGeneration(db)
  if ([...generations].some((each) => each < newest)) {
    throw new CoffreError('CONFLICT', { facts: { part: 'root' } })
  }
}
