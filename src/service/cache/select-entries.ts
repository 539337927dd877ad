import { findCacheName, parseCacheType, parseDate, parsePdl } from '../../model/cache-name.ts'
import type { CacheSelection } from '../../model/cache.ts'
import type { OpenedSource } from './source-entries.ts'
import type { SourceKey } from './source-keys.ts'
import { walkSources } from './source-walk.ts'
import type { UserCacheParts } from './user-cache-parts.ts'
import { type JudgedEntry, type UserSpace, userPrefix } from './user-entries.ts'

type IsMeant = (name: string) => boolean

/** An entry of format 2. */
export interface OwnEntry {
  /** Behind the prefix of the user. */
  readonly local: string
  /** As the application gave it. */
  readonly name: string
  readonly stored: Uint8Array
  /** However old it is. */
  readonly judged: JudgedEntry
}

/** An entry of format 1 that opens. */
export interface SourceEntry {
  readonly name: string
  readonly stored: Uint8Array
  readonly opened: OpenedSource
}

/** Throws INVALID_REQUEST for what is no meter, type or day. */
export function meantBy({ pdl, type, from, to }: CacheSelection): IsMeant {
  if (pdl !== undefined) parsePdl(pdl)
  if (type !== undefined) parseCacheType(type)
  if (from !== undefined) parseDate(from)
  if (to !== undefined) parseDate(to)
  return (text) => {
    const name = findCacheName(text)
    if (name === undefined) return false
    if ((pdl !== undefined && name.pdl !== pdl) || (type !== undefined && name.type !== type)) return false
    if (from === undefined && to === undefined) return true
    return name.date !== undefined && name.date >= (from ?? name.date) && name.date <= (to ?? name.date)
  }
}

/** Pages of a user's entries. One with a hashed name that does not open has no name to be meant by. */
export async function* selectOwn(
  { store, entries }: UserCacheParts,
  space: UserSpace,
  isMeant: IsMeant,
): AsyncGenerator<readonly OwnEntry[]> {
  for await (const locals of entries.list(space.user)) {
    const values = await store.getMany(locals.map((local) => userPrefix(space.user) + local))
    yield locals.flatMap((local, index) => {
      const stored = values[index]
      if (stored === undefined) return []
      const judged = entries.judge(space, local, stored, 0)
      const name = nameOf(local, judged)
      return name !== undefined && isMeant(name) ? [{ local, name, stored, judged }] : []
    })
  }
}

/** A name in the clear is known although somebody changed the entry; a hashed one is inside it. */
function nameOf(local: string, judged: JudgedEntry): string | undefined {
  if (local.startsWith('e:')) return local.slice(2)
  return typeof judged === 'object' ? judged.name : undefined
}

/** Pages of the entries of format 1 that this key opens. */
export async function* selectSource(
  { store, sources }: UserCacheParts,
  source: SourceKey,
  isMeant: IsMeant,
): AsyncGenerator<readonly SourceEntry[]> {
  for await (const page of walkSources(store, [source])) {
    yield page.flatMap(({ name, stored }) => {
      if (!isMeant(name)) return []
      const opened = sources.open(source, stored, undefined)
      return typeof opened === 'object' ? [{ name, stored, opened }] : []
    })
  }
}
