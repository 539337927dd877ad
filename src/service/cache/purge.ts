import type { CachePurge, CacheSelection } from '../../model/cache.ts'
import { meantBy, selectOwn, selectSource } from './select-entries.ts'
import type { SourceKey } from './source-keys.ts'
import type { UserCacheParts } from './user-cache-parts.ts'
import type { UserSpace } from './user-entries.ts'

/** Whose entries, of which formats. */
export interface EntriesOf {
  readonly user: string
  readonly space: UserSpace | undefined
  readonly source: SourceKey | undefined
}

interface Meant {
  readonly isMeant: (name: string) => boolean
  readonly dryRun: boolean
}

/** By the index, and by a scan for what it lost. Throws CACHE_UNAVAILABLE: half a purge must not look like one. */
export async function purge(
  parts: UserCacheParts,
  { user, space, source }: EntriesOf,
  { selection, dryRun }: { readonly selection: CacheSelection; readonly dryRun: boolean },
): Promise<CachePurge> {
  const meant = { isMeant: meantBy(selection), dryRun }
  const names = [
    ...(space === undefined ? [] : await purgeOwn(parts, space, meant)),
    ...(source === undefined ? [] : await purgeSource(parts, source, meant)),
  ]
  if (!dryRun && names.length > 0) {
    await parts.keys.record(user, { action: 'cache.purge', detail: { entries: names.length } })
  }
  return { dryRun, names: names.toSorted() }
}

async function purgeOwn(
  parts: UserCacheParts,
  space: UserSpace,
  { isMeant, dryRun }: Meant,
): Promise<readonly string[]> {
  const purged: string[] = []
  for await (const page of selectOwn(parts, space, isMeant)) {
    const locals = page.map(({ local }) => local)
    if (!dryRun && locals.length > 0) await parts.entries.delete(space, locals)
    purged.push(...page.map(({ name }) => name))
  }
  return purged
}

async function purgeSource(
  parts: UserCacheParts,
  source: SourceKey,
  { isMeant, dryRun }: Meant,
): Promise<readonly string[]> {
  const purged: string[] = []
  for await (const page of selectSource(parts, source, isMeant)) {
    const names = page.map(({ name }) => name)
    if (!dryRun && names.length > 0) {
      await parts.store.delete(names)
      await parts.store.removeFromSet(source.index, names)
    }
    purged.push(...names)
  }
  return purged
}
