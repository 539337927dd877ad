import type { EraseReceipt } from '../../model/cache.ts'
import { formatInstant } from '../../model/clock.ts'
import { findCacheName } from '../../model/cache-name.ts'
import { parseState } from './cache-state.ts'
import { type SourceKey, sourceIndexName } from './source-keys.ts'
import { walkSources } from './source-walk.ts'
import type { UserCacheParts } from './user-cache-parts.ts'

/** What a writer of another process adds in the second after is deleted by the next round, and opens for nobody. */
const MAX_ROUNDS = 5

/**
 * Deletes, destroys, then looks again. Interrupted, the data key is still there, and the next call does it all.
 * Throws CACHE_UNAVAILABLE: without the store there is no receipt.
 */
export async function eraseUser(
  parts: UserCacheParts,
  { user, source }: { readonly user: string; readonly source: SourceKey | undefined },
): Promise<EraseReceipt> {
  const stored = await parts.keys.read(user)
  const ids = parseState(stored.state).sources
  let entries = await parts.entries.erase(user)
  const legacyEntries = await eraseSources(parts, ids, source)
  const event = { action: 'cache.erase', detail: { entries, legacyEntries } } as const
  await parts.dataKeys.change(user, event, () => ({}))
  let remaining = await parts.entries.count(user)
  for (let round = 1; remaining > 0 && round <= MAX_ROUNDS; round += 1) {
    entries += await parts.entries.erase(user)
    remaining = await parts.entries.count(user)
  }
  const proof = await parts.keys.prove?.(user, 'cache.erase')
  return {
    user,
    erasedAt: formatInstant(parts.clock()),
    entries,
    legacyEntries,
    remaining,
    keyDestroyed: stored.key !== undefined,
    ...(proof === undefined ? {} : { proof }),
  }
}

/** Entries of format 1: those of the sets that are known to be the user's, and with the secret all that it opens. */
async function eraseSources(
  { store, sources }: UserCacheParts,
  ids: readonly string[],
  source: SourceKey | undefined,
): Promise<number> {
  let deleted = 0
  for (const set of ids.map(sourceIndexName)) {
    for await (const page of store.scanSet(set)) {
      deleted += await store.delete(page.filter((name) => findCacheName(name) !== undefined))
    }
    await store.delete([set])
  }
  if (source === undefined) return deleted
  for await (const page of walkSources(store, [source])) {
    const own = page.filter(({ stored }) => typeof sources.open(source, stored, undefined) === 'object')
    deleted += await store.delete(own.map(({ name }) => name))
  }
  await store.delete([source.index])
  return deleted
}
