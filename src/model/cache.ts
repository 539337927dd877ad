import type { InclusionProof } from './audit.ts'
import type { CacheType, DailyType } from './cache-name.ts'

export type { CacheName, CacheType, DailyType } from './cache-name.ts'

/**
 * HIT: it is there and authentic. EXPIRED: authentic, and too old. WRONG_KEY: written under another key. TAMPERED:
 * changed by somebody who has no key. UNAVAILABLE: the store did not answer. All but HIT mean: fetch it from its source.
 */
export type CacheStatus = 'HIT' | 'MISS' | 'EXPIRED' | 'WRONG_KEY' | 'TAMPERED' | 'UNAVAILABLE'

export type CacheResult =
  | {
      readonly status: 'HIT'
      /** As JSON.parse gives it. */
      readonly value: unknown
      /** The JSON exactly as it was written. */
      readonly bytes: Uint8Array
      readonly writtenAt: string
      /** 1: Fernet as the source writes it; 2: Coffre's own (docs/spec/cache.md). */
      readonly format: 1 | 2
    }
  | { readonly status: Exclude<CacheStatus, 'HIT'> }

export type DatedResult = CacheResult & { readonly date: string }

/** `python`: the bytes of json.dumps. `compact`: those of JSON.stringify. */
export type JsonStyle = 'python' | 'compact'

/** Since the process began. */
export interface CacheCounts {
  readonly results: Readonly<Record<CacheStatus, number>>
  readonly writes: number
  /** Writes of format 1. */
  readonly legacyWrites: number
  readonly conflicts: number
}

export interface CacheAlert {
  readonly kind: 'unavailable' | 'available-again' | 'tampered'
  /** Of the entry, as far as its name says; never its meter or day. */
  readonly type?: CacheType
}

/** What of a cache is meant; all conditions hold together. */
export interface CacheSelection {
  readonly pdl?: string
  readonly type?: CacheType
  /** Days from here on; entries without a day are left out. */
  readonly from?: string
  readonly to?: string
}

export interface CacheRange {
  readonly pdl: string
  readonly type: DailyType
  readonly from: string
  readonly to: string
}

/** What a walk over a user's entries found, by what was done. */
export interface CacheWalk {
  readonly dryRun: boolean
  /** Done now; with `dryRun`, what would be. */
  readonly done: number
  /** It was done before. */
  readonly already: number
  /** A newer entry is at the place where it would go, or another user's. */
  readonly kept: number
  /** Changed by somebody, so left where it is. */
  readonly tampered: number
}

export interface CachePurge {
  readonly dryRun: boolean
  /** Names as the application gave them, in order. */
  readonly names: readonly string[]
}

/** That nothing of a user's cache opens any more (docs/design/cache.md). */
export interface EraseReceipt {
  readonly user: string
  readonly erasedAt: string
  readonly entries: number
  readonly legacyEntries: number
  /** Found by a scan of the store after the key was destroyed. */
  readonly remaining: number
  /** False: there was none. */
  readonly keyDestroyed: boolean
  /** The record in the audit log, provable to whoever has a signed checkpoint. Absent without a Coffre. */
  readonly proof?: InclusionProof
}

export interface UserCacheStatus {
  readonly user: string
  readonly hasKey: boolean
  /** Whether the data key is also under the user's own secret. */
  readonly underSecret: boolean
  readonly names: 'plain' | 'hashed'
  readonly entries: number
  /** Work that began and has not ended: run it again. */
  readonly unfinished?: 'rekey' | 'migrate'
}

/** What is kept of a user beside his entries: the wrapped data key and where work on it stands. */
export interface StoredCacheKey {
  /** The data key under a managed key. */
  readonly key?: string
  /** The same under the user's secret. */
  readonly keyUnderSecret?: string
  /** JSON of Coffre's own. */
  readonly state?: string
}

export type CacheAction = 'cache.create-key' | 'cache.rekey' | 'cache.migrate' | 'cache.purge' | 'cache.erase'

export interface CacheEvent {
  readonly action: CacheAction
  readonly detail: Readonly<Record<string, string | number>>
}

/** Where the wrapped data keys of users are kept: Coffre's own table, or an application's. */
export interface CacheKeys {
  /** Throws USER_NOT_FOUND. */
  read(user: string): Promise<StoredCacheKey>
  /** Only while it is still `before`, together with its record; false otherwise. */
  write(user: string, change: CacheKeyChange): Promise<boolean>
  /** For what changes no key. */
  record(user: string, event: CacheEvent): Promise<void>
  /** The newest record of that action for that user, with its proof. */
  prove?(user: string, action: CacheAction): Promise<InclusionProof | undefined>
}

export interface CacheKeyChange {
  readonly before: StoredCacheKey
  readonly after: StoredCacheKey
  readonly event: CacheEvent
}

/** How far a read has come: the key is there, the store has answered, the value is authenticated and read. */
export type CacheStep = 'key' | 'store' | 'value'
