import { isDeepStrictEqual } from 'node:util'
import type { CacheEvent, CacheKeyChange, CacheKeys, StoredCacheKey } from '../src/model/cache.ts'

/** The table of an application that keeps the data keys of its users itself. */
export class MemoryCacheKeys implements CacheKeys {
  readonly rows = new Map<string, StoredCacheKey>()
  readonly events: (CacheEvent & { readonly user: string })[] = []

  async read(user: string): Promise<StoredCacheKey> {
    return this.rows.get(user) ?? {}
  }

  async write(user: string, { before, after, event }: CacheKeyChange): Promise<boolean> {
    if (!isDeepStrictEqual(this.rows.get(user) ?? {}, before)) return false
    this.rows.set(user, after)
    this.events.push({ ...event, user })
    return true
  }

  async record(user: string, event: CacheEvent): Promise<void> {
    this.events.push({ ...event, user })
  }
}
