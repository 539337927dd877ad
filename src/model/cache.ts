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
