import { InvalidToken } from '../../crypto/fernet.ts'
import {
  daysBetween,
  formatCacheName,
  parseCacheName,
  parseDailyType,
  parsePdl,
  parseRawName,
} from '../../model/cache-name.ts'
import type {
  CacheAlert,
  CacheCounts,
  CacheResult,
  CacheStep,
  ClientSecret,
  DailyType,
  DatedResult,
  JsonStyle,
  TtlByType,
} from '../../model/cache.ts'
import type { Clock } from '../../model/clock.ts'
import { CoffreError } from '../../model/errors.ts'
import type { CacheStore } from '../../store/cache-store.ts'
import { DataKeys, type DataKeysParts, OpenedKeys } from './data-keys.ts'
import { CacheWatch, type TamperRecord } from './cache-watch.ts'
import { MAX_VALUE_BYTES, readEntry, readJson, writeJson } from './json-text.ts'
import { type Judged, SourceEntries } from './source-entries.ts'
import { SourceKeys } from './source-keys.ts'
import { parseAge, TimesToLive } from './ttl.ts'
import { UserCache, type UserCacheOptions } from './user-cache.ts'
import type { UserCacheParts } from './user-cache-parts.ts'
import { UserEntries } from './user-entries.ts'

export interface CacheServiceParts {
  readonly store: CacheStore
  readonly clock: Clock
  /** 86,400 when absent. */
  readonly ttlSeconds?: number | undefined
  readonly ttlSecondsByType?: TtlByType | undefined
  /** `compact` when absent. */
  readonly jsonStyle?: JsonStyle | undefined
  readonly onAlert: (alert: CacheAlert) => void
  readonly record?: TamperRecord | undefined
  /** Told how far each read has come. */
  readonly onStep?: ((step: CacheStep) => void) | undefined
  /** What `for(user)` needs; absent, there are only entries of format 1. */
  readonly users?: CacheUsers | undefined
}

/** Whose entries, where their data keys are, and on whose behalf: where a changed entry is recorded. */
export interface CacheUsers extends Pick<DataKeysParts, 'keys' | 'wrapping' | 'tenant'> {
  readonly record?: TamperRecord | undefined
}

export interface LookupOptions {
  /** Entries older than this are EXPIRED; the cache's own time to live for their type when absent. */
  readonly ttlSeconds?: number
}

/**
 * The encrypted cache in the shape of the energy source: it reads and writes the source's names and bytes (Fernet under
 * the SHA-256 of the client secret; docs/spec/cache.md, "Format 1"). `for(user)` is the sound form.
 *
 * A store that does not answer is never an error here: a read is a miss, a write answers false, and an alert tells it.
 */
export class CacheService {
  readonly #parts: CacheServiceParts
  readonly #watch: CacheWatch
  readonly #keys = new SourceKeys()
  readonly #entries: SourceEntries
  readonly #ttl: TimesToLive
  readonly #opened = new OpenedKeys()
  readonly #users: UserCacheParts | undefined
  #closed: () => void = () => undefined

  constructor(parts: CacheServiceParts) {
    this.#parts = parts
    this.#watch = new CacheWatch(parts)
    this.#entries = new SourceEntries(parts.store, parts.clock)
    this.#ttl = new TimesToLive(parts.ttlSeconds, parts.ttlSecondsByType)
    this.#users =
      parts.users === undefined ? undefined : this.#joinUsers({ record: parts.record, ...parts.users })
  }

  /** Since the process began. */
  get counts(): CacheCounts {
    return this.#watch.counts
  }

  /**
   * Encrypts any JSON value, a `JsonText` byte for byte, and stores it for `ttl` seconds; 0 stores nothing. Answers whether it is stored. Throws
   * CACHE_CONFLICT where an entry of another key has that name: two users of one meter do not destroy each other's data.
   */
  async set(key: string, value: unknown, encryptionKey: ClientSecret, ttl?: number): Promise<boolean> {
    const parsed = parseCacheName(key)
    const name = formatCacheName(parsed)
    const ttlSeconds = this.#ttl.read(ttl, parsed.type)
    const plaintext = writeJson(value, this.#parts.jsonStyle ?? 'compact')
    const sourceKey = this.#keys.get(encryptionKey)
    if (ttlSeconds === 0) return false
    const write = { name, plaintext, ttlSeconds }
    const written = await this.#watch.ask(() => this.#entries.write(sourceKey, write))
    if (written === undefined) return false
    if (written.replacedTampered) await this.#watch.tellTampered(name, name)
    if (written.outcome === 'conflict') {
      this.#watch.countConflict()
      throw new CoffreError('CACHE_CONFLICT')
    }
    this.#watch.countWrite(1)
    return true
  }

  /**
   * The value, or null where there is none that may be used: a miss, an expired entry, a store that does not answer.
   * Throws `InvalidToken` for an entry of another key, and for one that was changed, and CACHE_NOT_JSON; `lookup` tells all
   * of these apart.
   */
  async get(key: string, encryptionKey: ClientSecret): Promise<unknown> {
    const result = await this.lookup(key, encryptionKey)
    if (result.status === 'WRONG_KEY') throw new InvalidToken('mac')
    if (result.status === 'TAMPERED') throw new InvalidToken('malformed')
    if (result.status === 'NOT_JSON') throw new CoffreError('CACHE_NOT_JSON')
    return result.status === 'HIT' ? result.value : null
  }

  async lookup(key: string, encryptionKey: ClientSecret, options: LookupOptions = {}): Promise<CacheResult> {
    const name = parseCacheName(key)
    const ttlSeconds = options.ttlSeconds ?? this.#ttl.of(name.type)
    const [result] = await this.#read([formatCacheName(name)], encryptionKey, ttlSeconds)
    return result ?? { status: 'MISS' }
  }

  /** Every day from `from` to `to`, in one round trip. */
  async getRange(
    range: { readonly pdl: string; readonly type: DailyType; readonly from: string; readonly to: string },
    encryptionKey: ClientSecret,
    options: LookupOptions = {},
  ): Promise<readonly DatedResult[]> {
    const [type, pdl] = [parseDailyType(range.type), parsePdl(range.pdl)]
    const days = daysBetween(range.from, range.to)
    const names = days.map((date) => formatCacheName({ type, pdl, date }))
    const results = await this.#read(names, encryptionKey, options.ttlSeconds ?? this.#ttl.of(type))
    return days.map((date, index) => ({ date, ...(results[index] ?? { status: 'MISS' }) }))
  }

  /** Answers whether there was an entry. */
  async delete(key: string): Promise<boolean> {
    const name = formatCacheName(parseCacheName(key))
    return (await this.#watch.ask(() => this.#parts.store.delete([name]))) === 1
  }

  /** As `delete`, of an entry under this secret alone. Throws CACHE_KEY_WRONG for one of another key. */
  async deleteOwn(key: string, encryptionKey: ClientSecret): Promise<boolean> {
    const name = formatCacheName(parseCacheName(key))
    const sourceKey = this.#keys.get(encryptionKey)
    const outcome = await this.#watch.ask(() => this.#entries.remove(sourceKey, name))
    if (outcome === 'WRONG_KEY') throw new CoffreError('CACHE_KEY_WRONG')
    return outcome === 'removed'
  }

  /** Data that is no secret, as JSON in the clear. Throws INVALID_REQUEST for a name that personal data could have. */
  async setRaw(key: string, value: unknown, ttl?: number): Promise<boolean> {
    const name = parseRawName(key)
    const ttlSeconds = this.#ttl.read(ttl)
    const bytes = writeJson(value, this.#parts.jsonStyle ?? 'compact')
    if (ttlSeconds === 0) return false
    const isDone = await this.#watch.ask(async () => {
      await this.#parts.store.set(name, bytes, ttlSeconds)
      return true
    })
    return isDone ?? false
  }

  /** What `setRaw` stored, or null. Nothing authenticates it. */
  async getRaw(key: string): Promise<unknown> {
    const name = parseRawName(key)
    const bytes = await this.#watch.ask(() => this.#parts.store.get(name))
    return bytes === undefined || bytes.length > MAX_VALUE_BYTES ? null : readJson(bytes)
  }

  /** Whether the store did not answer when it was last asked. */
  get isDown(): boolean {
    return this.#watch.isDown
  }

  /** The sound form: one user's own space, under a data key of his own. Throws CONFIG_REFUSED without a Coffre. */
  for(user: string, options: UserCacheOptions = {}): UserCache {
    if (this.#users === undefined) {
      throw new CoffreError('CONFIG_REFUSED', {
        facts: { setting: 'coffre', expected: 'a Coffre, which keeps the data keys of users' },
      })
    }
    return new UserCache(this.#users, user, options)
  }

  /** As `for`, on behalf of somebody else. */
  forCaller(users: CacheUsers, user: string, options: UserCacheOptions = {}): UserCache {
    return new UserCache(this.#joinUsers(users), user, options)
  }

  /** Of whoever has read the user's row: another data key than the row's is used no more. */
  retainKey(user: string, wrapped: string | undefined): void {
    this.#opened.retain(user, wrapped)
  }

  /** Best effort: forgets every key that it holds. */
  forgetKeys(): void {
    this.#keys.wipe()
    this.#opened.wipe()
  }

  /** Called once, when this cache closes. */
  whenClosed(closed: () => void): void {
    this.#closed = closed
  }

  /** Forgets every key that it holds, and lets go of the store. */
  async close(): Promise<void> {
    this.#closed()
    this.forgetKeys()
    await this.#parts.store.close()
  }

  #joinUsers({ record, ...users }: CacheUsers): UserCacheParts {
    const { store, clock, jsonStyle = 'compact' } = this.#parts
    return {
      store,
      clock,
      jsonStyle,
      onStep: this.#parts.onStep,
      watch: this.#watch,
      record,
      sourceKeys: this.#keys,
      sources: this.#entries,
      entries: new UserEntries(store),
      dataKeys: new DataKeys({ ...users, clock, opened: this.#opened }),
      keys: users.keys,
      ttl: this.#ttl,
    }
  }

  async #read(names: readonly string[], secret: ClientSecret, ttlSeconds: number): Promise<CacheResult[]> {
    parseAge(ttlSeconds)
    const sourceKey = this.#keys.get(secret)
    this.#parts.onStep?.('key')
    const judged = await this.#watch.ask(() =>
      this.#entries.readMany(sourceKey, names, ttlSeconds, this.#parts.onStep),
    )
    const results: CacheResult[] = []
    for (const [index, name] of names.entries()) {
      const each = judged === undefined ? 'UNAVAILABLE' : (judged[index] ?? 'MISS')
      if (each === 'TAMPERED') await this.#watch.tellTampered(name, name)
      const result = resultOf(each)
      this.#watch.count(result.status)
      results.push(result)
    }
    this.#parts.onStep?.('value')
    return results
  }
}

function resultOf(judged: Judged | 'UNAVAILABLE'): CacheResult {
  if (typeof judged === 'string') return { status: judged }
  const { plaintext: bytes, writtenAt } = judged
  return readEntry(bytes, { writtenAt, format: 1 })
}
