import { findCacheName, parseCacheType, parseDate, parsePdl } from '../../model/cache-name.ts'
import type { CachePurge, CacheSelection } from '../../model/cache.ts'
import type { SourceKey } from './source-keys.ts'
import { walkSources } from './source-walk.ts'
import type { UserCacheParts } from './user-cache-parts.ts'
import { type UserSpace, userPrefix } from './user-entries.ts'

interface PurgeJob {
  readonly user: string
  readonly space: UserSpace | undefined
  readonly source: SourceKey | undefined
}

/** By the index, and by a scan for what it lost. Throws CACHE_UNAVAILABLE: half a purge must not look like one. */
export async function purge(
  parts: UserCacheParts,
  job: PurgeJob,
  options: { readonly selection: CacheSelection; readonly dryRun: boolean },
): Promise<CachePurge> {
  const isMeant = selectionOf(options.selection)
  const { dryRun } = options
  const names = [
    ...(job.space === undefined ? [] : await purgeOwn(parts, job.space, { isMeant, dryRun })),
    ...(job.source === undefined ? [] : await purgeSource(parts, job.source, { isMeant, dryRun })),
  ]
  if (!dryRun && names.length > 0) {
    await parts.keys.record(job.user, { action: 'cache.purge', detail: { entries: names.length } })
  }
  return { dryRun, names: names.toSorted() }
}

interface Meant {
  readonly isMeant: (name: string) => boolean
  readonly dryRun: boolean
}

/** Throws INVALID_REQUEST for what is no meter, type or day. */
function selectionOf({ pdl, type, from, to }: CacheSelection): (name: string) => boolean {
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

async function purgeOwn(
  { store, entries }: UserCacheParts,
  space: UserSpace,
  { isMeant, dryRun }: Meant,
): Promise<readonly string[]> {
  const purged: string[] = []
  for await (const locals of entries.list(space.user)) {
    const values = await store.getMany(locals.map((local) => userPrefix(space.user) + local))
    const meant = locals.flatMap((local, index) => {
      const stored = values[index]
      if (stored === undefined) return []
      // A name in the clear is known although somebody changed the entry; a hashed one is inside it.
      const opened = local.startsWith('e:')
        ? { name: local.slice(2) }
        : entries.judge(space, local, stored, 0)
      return typeof opened === 'object' && isMeant(opened.name) ? [{ local, name: opened.name }] : []
    })
    const found = meant.map(({ local }) => local)
    if (!dryRun && found.length > 0) await entries.delete(space, found)
    purged.push(...meant.map(({ name }) => name))
  }
  return purged
}

async function purgeSource(
  { store, sources }: UserCacheParts,
  source: SourceKey,
  { isMeant, dryRun }: Meant,
): Promise<readonly string[]> {
  const purged: string[] = []
  for await (const page of walkSources(store, [source])) {
    const names = page.flatMap(({ name, stored }) =>
      isMeant(name) && typeof sources.open(source, stored, undefined) === 'object' ? [name] : [],
    )
    if (!dryRun && names.length > 0) {
      await store.delete(names)
      await store.removeFromSet(source.index, names)
    }
    purged.push(...names)
  }
  return purged
}
