import { wrapUnderSecret } from '../../crypto/cache-key.ts'
import type { CacheWalk, ClientSecret, StoredCacheKey } from '../../model/cache.ts'
import { hasCode } from '../../model/errors.ts'
import { formatState, parseState, withoutUnfinished, withSources } from './cache-state.ts'
import { openUnderSecret } from './data-keys.ts'
import { revealSecret, type SourceKey } from './source-keys.ts'
import { type StoredSource, walkSources } from './source-walk.ts'
import type { UserCacheParts } from './user-cache-parts.ts'
import { WalkCounts, type WalkStep } from './walk-counts.ts'

interface Rekey {
  readonly user: string
  readonly oldSecret: ClientSecret
  readonly newSecret: ClientSecret
}

interface SourceMove {
  readonly from: SourceKey
  readonly to: SourceKey
}

/** No step leaves an entry that neither secret opens, so whoever is interrupted begins again. */
export async function rekey(
  parts: UserCacheParts,
  { user, oldSecret, newSecret }: Rekey,
): Promise<CacheWalk> {
  const move = { from: parts.sourceKeys.get(oldSecret), to: parts.sourceKeys.get(newSecret) }
  const secrets = { before: revealSecret(oldSecret), after: revealSecret(newSecret) }
  const begin = { action: 'cache.rekey', detail: { step: 'begin' } } as const
  await parts.dataKeys.change(user, begin, (stored) => rewrap(parts, { user, stored, secrets, move }))
  const counts = new WalkCounts()
  for await (const page of walkSources(parts.store, [move.from])) {
    counts.add(await Promise.all(page.map((each) => rekeyEntry(parts, move, each))))
  }
  const { done } = counts.result(false)
  await parts.dataKeys.change(user, { action: 'cache.rekey', detail: { step: 'end', done } }, (stored) => ({
    ...stored,
    state: formatState(withoutUnfinished(parseState(stored.state))),
  }))
  return counts.result(false)
}

interface Rewrapping {
  readonly user: string
  readonly stored: StoredCacheKey
  readonly secrets: { readonly before: string; readonly after: string }
  readonly move: SourceMove
}

/** The data key under the new secret; the entries of format 2 stay as they are. */
async function rewrap(parts: UserCacheParts, rewrapping: Rewrapping): Promise<StoredCacheKey> {
  const { user, stored, secrets } = rewrapping
  const { from, to } = rewrapping.move
  const state = withSources(parseState(stored.state), [from.id, to.id])
  const begun = { ...stored, state: formatState({ ...state, unfinished: 'rekey' }) }
  if (stored.keyUnderSecret === undefined) {
    // It never was, or `users.rotateSecret` took it away.
    const loaded = await parts.dataKeys.find(user)
    if (loaded === undefined) return begun
    return { ...begun, keyUnderSecret: await wrapUnderSecret(loaded.key, user, secrets.after) }
  }
  try {
    const key = await openUnderSecret(stored.keyUnderSecret, user, secrets.before)
    const keyUnderSecret = await wrapUnderSecret(key, user, secrets.after)
    key.material.wipe()
    return { ...begun, keyUnderSecret }
  } catch (error) {
    if (!hasCode(error, 'CACHE_KEY_WRONG')) throw error
    // An earlier run came so far.
    const key = await openUnderSecret(stored.keyUnderSecret, user, secrets.after)
    key.material.wipe()
    return begun
  }
}

async function rekeyEntry(
  { store, sources }: UserCacheParts,
  { from, to }: SourceMove,
  { name, stored }: StoredSource,
): Promise<WalkStep | undefined> {
  if (typeof sources.open(to, stored, undefined) === 'object') return 'already'
  const opened = sources.open(from, stored, undefined)
  if (opened === 'TAMPERED') return 'tampered'
  if (typeof opened === 'string') return undefined
  const value = sources.seal(to, opened)
  opened.plaintext.fill(0)
  const ttlSeconds = await store.ttlSeconds(name)
  // The set first: an entry whose name is in no set is found by a scan only.
  if (ttlSeconds !== undefined) await store.addToSet(to.index, [name], ttlSeconds)
  const isReplaced = await store.replace(name, { expected: stored, value }, 'keep')
  await store.removeFromSet(from.index, [name])
  // Somebody wrote a newer value meanwhile, under the key that he has.
  return isReplaced ? 'done' : 'kept'
}
