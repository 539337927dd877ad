import type { CacheKeys, CacheStep, JsonStyle } from '../../model/cache.ts'
import type { Clock } from '../../model/clock.ts'
import type { CacheStore } from '../../store/cache-store.ts'
import type { CacheWatch, TamperRecord } from './cache-watch.ts'
import type { DataKeys } from './data-keys.ts'
import type { SourceEntries } from './source-entries.ts'
import type { SourceKeys } from './source-keys.ts'
import type { TimesToLive } from './ttl.ts'
import type { UserEntries } from './user-entries.ts'

/** What every user of one cache shares. */
export interface UserCacheParts {
  readonly store: CacheStore
  readonly clock: Clock
  readonly watch: CacheWatch
  readonly record: TamperRecord | undefined
  readonly sourceKeys: SourceKeys
  readonly sources: SourceEntries
  readonly entries: UserEntries
  readonly dataKeys: DataKeys
  readonly keys: CacheKeys
  readonly jsonStyle: JsonStyle
  readonly onStep: ((step: CacheStep) => void) | undefined
  readonly ttl: TimesToLive
}
