import type { CacheWalk } from '../../model/cache.ts'
import { findCacheName } from '../../model/cache-name.ts'
import { SECOND } from '../../model/clock.ts'
import { formatState, parseState, withoutUnfinished, withSources } from './cache-state.ts'
import { readSeconds } from './source-entries.ts'
import type { SourceKey } from './source-keys.ts'
import { type StoredSource, walkSources } from './source-walk.ts'
import type { UserCacheParts } from './user-cache-parts.ts'
import { localName, type UserEntry, type UserSpace, userPrefix } from './user-entries.ts'
import { WalkCounts, type WalkStep } from './walk-counts.ts'

export interface Migration {
  readonly user: string
  readonly space: UserSpace
  readonly source: SourceKey
  readonly to: 'v1' | 'v2'
  readonly dryRun: boolean
}

/** An entry is written at its new place before it leaves the old one, so a reader of both always finds it. */
export async function migrate(parts: UserCacheParts, job: Migration): Promise<CacheWalk> {
  const { user, source, to, dryRun } = job
  const begin = { action: 'cache.migrate', detail: { to, step: 'begin' } } as const
  if (!dryRun) {
    await parts.dataKeys.change(user, begin, (stored) => {
      const state = withSources(parseState(stored.state), [source.id])
      return { ...stored, state: formatState({ ...state, unfinished: 'migrate' }) }
    })
  }
  const counts = new WalkCounts()
  const steps = to === 'v2' ? forward(parts, job) : backward(parts, job)
  for await (const page of steps) counts.add(page)
  if (dryRun) return counts.result(true)
  const { done } = counts.result(false)
  await parts.dataKeys.change(
    user,
    { action: 'cache.migrate', detail: { to, step: 'end', done } },
    (stored) => ({
      ...stored,
      state: formatState(withoutUnfinished(parseState(stored.state))),
    }),
  )
  return counts.result(false)
}

type Steps = AsyncGenerator<readonly (WalkStep | undefined)[]>

async function* forward(parts: UserCacheParts, job: Migration): Steps {
  for await (const page of walkSources(parts.store, [job.source])) {
    yield await Promise.all(page.map((each) => moveForward(parts, job, each)))
  }
}

async function moveForward(
  { store, sources, entries, clock, ttl }: UserCacheParts,
  { space, source, dryRun }: Migration,
  { name, stored }: StoredSource,
): Promise<WalkStep | undefined> {
  const opened = sources.open(source, stored, undefined)
  if (opened === 'TAMPERED') return 'tampered'
  if (typeof opened === 'string') return undefined
  if (dryRun) return 'done'
  const nowSeconds = Math.floor(clock() / SECOND)
  const ttlSeconds = (await store.ttlSeconds(name)) ?? ttl.of(findCacheName(name)?.type)
  const writtenAt = readSeconds(opened)
  const entry = { name, value: opened.plaintext, writtenAt, expiresAt: nowSeconds + ttlSeconds }
  const isCreated = await entries.writeIfAbsent(space, entry, ttlSeconds)
  const isNewer = isCreated || (await replaceOlder(store, { space, entry, ttlSeconds, nowSeconds }, entries))
  await store.removeIf(name, stored)
  await store.removeFromSet(source.index, [name])
  return isNewer ? 'done' : 'kept'
}

interface Placing {
  readonly space: UserSpace
  readonly entry: UserEntry
  readonly ttlSeconds: number
  readonly nowSeconds: number
}

/** Where an entry is already, the later one stays. */
async function replaceOlder(
  store: UserCacheParts['store'],
  { space, entry, ttlSeconds, nowSeconds }: Placing,
  entries: UserCacheParts['entries'],
): Promise<boolean> {
  const local = localName(space, entry.name)
  const there = await store.get(userPrefix(space.user) + local)
  const judged = there === undefined ? 'MISS' : entries.judge(space, local, there, nowSeconds)
  if (typeof judged === 'object' && judged.writtenAt >= entry.writtenAt) return false
  await entries.write(space, entry, ttlSeconds)
  return true
}

async function* backward(parts: UserCacheParts, job: Migration): Steps {
  for await (const locals of parts.entries.list(job.user)) {
    const names = locals.map((local) => userPrefix(job.user) + local)
    const values = await parts.store.getMany(names)
    yield await Promise.all(
      locals.map((local, index) => moveBackward(parts, job, { local, stored: values[index] })),
    )
  }
}

async function moveBackward(
  { store, sources, entries, clock }: UserCacheParts,
  { space, source, dryRun, user }: Migration,
  { local, stored }: { readonly local: string; readonly stored: Uint8Array | undefined },
): Promise<WalkStep | undefined> {
  if (stored === undefined) return undefined
  const nowSeconds = Math.floor(clock() / SECOND)
  const entry = entries.judge(space, local, stored, nowSeconds)
  if (entry === 'EXPIRED') return undefined
  if (typeof entry === 'string') return 'tampered'
  if (dryRun) return 'done'
  const { name, value: plaintext, writtenAt, expiresAt } = entry
  const write = { name, plaintext, ttlSeconds: expiresAt - nowSeconds, writtenAt }
  const { outcome } = await sources.write(source, write)
  if (outcome === 'conflict') return 'kept'
  await store.removeIf(userPrefix(user) + local, stored)
  return outcome === 'written' ? 'done' : 'kept'
}
