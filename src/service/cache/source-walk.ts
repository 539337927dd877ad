import { CACHE_TYPES, findCacheName } from '../../model/cache-name.ts'
import type { CacheStore } from '../../store/cache-store.ts'
import type { SourceKey } from './source-keys.ts'

/** An entry of format 1 as it lies in the store. */
export interface StoredSource {
  readonly name: string
  readonly stored: Uint8Array
}

/** First words of the names of format 1, each once. */
const ROOTS = [...new Set(CACHE_TYPES.map((type) => `${type.split(':')[0] ?? type}:`))]

/**
 * Everything that may be an entry of format 1, in pages: first by the sets of `sources`, then by a scan for what a
 * program without such a set wrote. Who it belongs to, only the key tells.
 */
export async function* walkSources(
  store: CacheStore,
  sources: readonly Pick<SourceKey, 'index'>[],
): AsyncGenerator<readonly StoredSource[]> {
  const seen = new Set<string>()
  for await (const page of namesOf(store, sources)) {
    const names = page.filter((name) => findCacheName(name) !== undefined && !seen.has(name))
    for (const name of names) seen.add(name)
    const values = await store.getMany(names)
    yield names.flatMap((name, index) => {
      const stored = values[index]
      return stored === undefined ? [] : [{ name, stored }]
    })
  }
}

async function* namesOf(
  store: CacheStore,
  sources: readonly Pick<SourceKey, 'index'>[],
): AsyncGenerator<readonly string[]> {
  for (const { index } of sources) yield* store.scanSet(index)
  for (const root of ROOTS) yield* store.scan(root)
}
