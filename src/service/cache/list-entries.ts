import type { CacheSelection, ListedEntry } from '../../model/cache.ts'
import { formatInstant, SECOND, toInstant } from '../../model/clock.ts'
import type { EntriesOf } from './purge.ts'
import { meantBy, type OwnEntry, selectOwn, selectSource, type SourceEntry } from './select-entries.ts'
import type { SourceKey } from './source-keys.ts'
import type { UserCacheParts } from './user-cache-parts.ts'

/** What is there, by name; no value of it. Throws CACHE_UNAVAILABLE: half a list must not look like one. */
export async function listEntries(
  parts: UserCacheParts,
  { space, source }: EntriesOf,
  selection: CacheSelection,
): Promise<readonly ListedEntry[]> {
  const isMeant = meantBy(selection)
  const nowSeconds = Math.floor(parts.clock() / SECOND)
  const listed: ListedEntry[] = []
  if (space !== undefined) {
    for await (const page of selectOwn(parts, space, isMeant))
      listed.push(...page.map((entry) => viewOwn(entry, nowSeconds)))
  }
  if (source !== undefined) listed.push(...(await listSource(parts, source, { isMeant, nowSeconds })))
  return listed.toSorted((left, right) => (left.name < right.name ? -1 : 1))
}

/** A Fernet token does not say until when it holds: the store does, where it ever lets go of it. */
async function listSource(
  parts: UserCacheParts,
  source: SourceKey,
  { isMeant, nowSeconds }: { readonly isMeant: (name: string) => boolean; readonly nowSeconds: number },
): Promise<readonly ListedEntry[]> {
  const listed: ListedEntry[] = []
  for await (const page of selectSource(parts, source, isMeant)) {
    const times = await Promise.all(page.map(({ name }) => parts.store.ttlSeconds(name)))
    listed.push(...page.map((entry, index) => viewSource(entry, nowSeconds, times[index])))
  }
  return listed
}

function viewOwn({ name, stored, judged }: OwnEntry, nowSeconds: number): ListedEntry {
  const entry = { name, format: 2, storedBytes: stored.length } as const
  if (judged === 'WRONG_KEY') return { ...entry, status: judged }
  if (typeof judged === 'string') return { ...entry, status: 'TAMPERED' }
  const { writtenAt, expiresAt } = judged
  const times = { writtenAt: momentOf(writtenAt), expiresAt: momentOf(expiresAt) }
  return { ...entry, status: expiresAt <= nowSeconds ? 'EXPIRED' : 'HIT', ...times }
}

function viewSource(
  { name, stored, opened: { writtenAt } }: SourceEntry,
  nowSeconds: number,
  ttlSeconds: number | undefined,
): ListedEntry {
  const entry = { name, format: 1, storedBytes: stored.length, status: 'HIT', writtenAt } as const
  return ttlSeconds === undefined ? entry : { ...entry, expiresAt: momentOf(nowSeconds + ttlSeconds) }
}

function momentOf(seconds: number): string {
  return formatInstant(toInstant(seconds * SECOND))
}
