import type { InclusionProof } from './audit.ts'
import type { CacheType, DailyType } from './cache-name.ts'
import type { ErrorCode } from './errors.ts'
import type { Secret } from './secret.ts'

export type { CacheName, CacheType, DailyType } from './cache-name.ts'

/**
 * HIT: it is there and authentic. EXPIRED: authentic, and too old. WRONG_KEY: written under another key. TAMPERED:
 * changed by somebody who has no key. NOT_JSON: authentic, and its writer put something else there. UNAVAILABLE: the store did
 * not answer. All but HIT mean: fetch it from its source.
 */
export type CacheStatus = 'HIT' | 'MISS' | 'EXPIRED' | 'WRONG_KEY' | 'TAMPERED' | 'NOT_JSON' | 'UNAVAILABLE'

/** What a status other than HIT is as an error: its sentence, its next step, its exit code and its HTTP status. */
export const CACHE_ERRORS = {
  MISS: 'CACHE_MISS',
  EXPIRED: 'CACHE_MISS',
  WRONG_KEY: 'CACHE_KEY_WRONG',
  TAMPERED: 'CACHE_TAMPERED',
  NOT_JSON: 'CACHE_NOT_JSON',
  UNAVAILABLE: 'CACHE_UNAVAILABLE',
} as const satisfies Readonly<Record<Exclude<CacheStatus, 'HIT'>, ErrorCode>>

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

/** Seconds that entries of a type live; those of other types live as long as the cache says. */
export type TtlByType = Readonly<Partial<Record<CacheType, number>>>

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

/** An entry as a list shows it: nothing of its value. */
export interface ListedEntry {
  readonly name: string
  /** As a read would judge it now; of format 1 only what opens is listed, however old it is. */
  readonly status: Exclude<CacheStatus, 'MISS' | 'UNAVAILABLE'>
  readonly format: 1 | 2
  /** As the store holds it. */
  readonly storedBytes: number
  /** Absent where it does not open. */
  readonly writtenAt?: string
  /** Absent where it does not open, and for format 1 where the store never lets go of it. */
  readonly expiresAt?: string
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

export type CacheAction =
  | 'cache.create-key'
  | 'cache.note-source'
  | 'cache.rekey'
  | 'cache.migrate'
  | 'cache.purge'
  | 'cache.erase'

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

/** The client secret of a user, as text. */
export type ClientSecret = string | Secret

/** One user's entries. */
export interface CacheSpace {
  /** A `JsonText` is stored byte for byte. False: nothing is stored, because `ttl` is 0 or the store does not answer. */
  set(key: string, value: unknown, ttl?: number): Promise<boolean>
  /** The value, or null for every other result than a HIT. */
  get(key: string): Promise<unknown>
  lookup(key: string): Promise<CacheResult>
  getRange(range: CacheRange): Promise<readonly DatedResult[]>
  /** Answers whether there was an entry. */
  delete(key: string): Promise<boolean>
  /** By name. With the secret, entries of format 1 too. */
  list(selection?: CacheSelection): Promise<readonly ListedEntry[]>
  purge(selection?: CacheSelection, options?: { readonly dryRun?: boolean }): Promise<CachePurge>
  /** After a change of the user's secret; interrupted, it goes on when it is called again. */
  rekey(oldSecret: ClientSecret, newSecret: ClientSecret): Promise<CacheWalk>
  /** The user's entries of format 1 to format 2, or back; interrupted, it goes on when it is called again. */
  migrate(to: 'v2' | 'v1', secret: ClientSecret, options?: { readonly dryRun?: boolean }): Promise<CacheWalk>
  erase(): Promise<EraseReceipt>
  status(): Promise<UserCacheStatus>
}

export interface CacheSpaceOptions {
  /** The user's client secret: entries of format 1 are read too, and a new data key is also kept under it. */
  readonly secret?: ClientSecret
  /** Of a user's first entry on: names are hashed under the data key, so the store tells no meter and no day. */
  readonly hashedNames?: boolean
  /** 1: single entries are written and read in the source's form alone, under `secret`. */
  readonly format?: 1 | 2
}

/** The cache of a Coffre: of this process or of its cache server. */
export interface CoffreCache {
  /** Of a user by id or client id, which the role, and for an app its policies on the key `cache`, must allow; absent: whoever asks. */
  for(user?: string, options?: CacheSpaceOptions): CacheSpace
}

/** From what needs somebody first to what needs nobody. */
const BY_CONCERN: readonly CacheStatus[] = [
  'TAMPERED',
  'UNAVAILABLE',
  'WRONG_KEY',
  'NOT_JSON',
  'EXPIRED',
  'MISS',
]

/** Of several entries the one that somebody should look at first; HIT when all are. */
export function worstStatus(results: readonly { readonly status: CacheStatus }[]): CacheStatus {
  return BY_CONCERN.find((status) => results.some((each) => each.status === status)) ?? 'HIT'
}
