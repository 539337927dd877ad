import {
  daysBetween,
  findCacheName,
  formatCacheName,
  parseCacheName,
  parseCacheUser,
  parseDailyType,
  parsePdl,
} from '../../model/cache-name.ts'
import type {
  CachePurge,
  CacheRange,
  CacheResult,
  CacheSelection,
  CacheSpace,
  CacheWalk,
  ClientSecret,
  DatedResult,
  EraseReceipt,
  ListedEntry,
  UserCacheStatus,
} from '../../model/cache.ts'
import { formatInstant, SECOND, toInstant } from '../../model/clock.ts'
import { formatState, parseState, withSources } from './cache-state.ts'
import type { LoadedKey } from './data-keys.ts'
import { eraseUser } from './erase.ts'
import { listEntries } from './list-entries.ts'
import { readEntry, writeJson } from './json-text.ts'
import { migrate } from './migrate.ts'
import { type EntriesOf, purge } from './purge.ts'
import { rekey } from './rekey.ts'
import { revealSecret } from './source-keys.ts'
import type { UserCacheParts } from './user-cache-parts.ts'
import { localName, type UserSpace } from './user-entries.ts'

export interface UserCacheOptions {
  /** The user's client secret: entries of format 1 are read too, and a new data key is also kept under it. */
  readonly secret?: ClientSecret
  /** Of a user's first entry on: names are hashed under the data key, so the store tells no meter and no day. */
  readonly hashedNames?: boolean
}

/** One user's own space in the cache (docs/spec/cache.md, "Format 2"). No other user's entries are in it. */
export class UserCache implements CacheSpace {
  readonly user: string
  readonly #parts: UserCacheParts
  readonly #secret: string | undefined
  readonly #names: 'plain' | 'hashed'

  constructor(parts: UserCacheParts, user: string, options: UserCacheOptions = {}) {
    this.user = parseCacheUser(user)
    this.#parts = parts
    this.#secret = options.secret === undefined ? undefined : revealSecret(options.secret)
    this.#names = options.hashedNames === true ? 'hashed' : 'plain'
  }

  /** As `CacheService.set`; there is nobody else's entry to destroy. */
  async set(key: string, value: unknown, ttl?: number): Promise<boolean> {
    const parsed = parseCacheName(key)
    const name = formatCacheName(parsed)
    const ttlSeconds = this.#parts.ttl.read(ttl, parsed.type)
    const bytes = writeJson(value, this.#parts.jsonStyle)
    if (ttlSeconds === 0) return false
    const space = await this.#requireSpace()
    const writtenAt = this.#nowSeconds()
    const entry = { name, value: bytes, writtenAt, expiresAt: writtenAt + ttlSeconds }
    const isDone = await this.#parts.watch.ask(async () => {
      await this.#parts.entries.write(space, entry, ttlSeconds)
      return true
    })
    if (isDone === true) this.#parts.watch.countWrite(2)
    return isDone ?? false
  }

  /** The value, or null for every other result than a HIT. */
  async get(key: string): Promise<unknown> {
    const result = await this.lookup(key)
    return result.status === 'HIT' ? result.value : null
  }

  async lookup(key: string): Promise<CacheResult> {
    const [result] = await this.#read([formatCacheName(parseCacheName(key))])
    return result ?? { status: 'MISS' }
  }

  /** Every day from `from` to `to`, in one round trip. */
  async getRange(range: CacheRange): Promise<readonly DatedResult[]> {
    const [type, pdl] = [parseDailyType(range.type), parsePdl(range.pdl)]
    const days = daysBetween(range.from, range.to)
    const results = await this.#read(days.map((date) => formatCacheName({ type, pdl, date })))
    return days.map((date, index) => ({ date, ...(results[index] ?? { status: 'MISS' }) }))
  }

  /** Answers whether there was an entry. */
  async delete(key: string): Promise<boolean> {
    const name = formatCacheName(parseCacheName(key))
    const space = await this.#findSpace()
    if (space === undefined) return false
    const { entries, watch } = this.#parts
    return (await watch.ask(() => entries.delete(space, [localName(space, name)]))) === 1
  }

  /** What the selection means, by name. With the secret, entries of format 1 too. */
  async list(selection: CacheSelection = {}): Promise<readonly ListedEntry[]> {
    return listEntries(this.#parts, await this.#whole(), selection)
  }

  /** Deletes what the selection means, or only names it. With the secret, entries of format 1 too. */
  async purge(
    selection: CacheSelection = {},
    options: { readonly dryRun?: boolean } = {},
  ): Promise<CachePurge> {
    return purge(this.#parts, await this.#whole(), { selection, dryRun: options.dryRun === true })
  }

  /**
   * After a change of the user's secret: the data key is wrapped under the new one, and entries of format 1 are
   * encrypted again. Interrupted, it goes on when it is called again; until then each entry opens with one of the two.
   * Throws CACHE_KEY_WRONG when the data key is under neither.
   */
  async rekey(oldSecret: ClientSecret, newSecret: ClientSecret): Promise<CacheWalk> {
    return rekey(this.#parts, { user: this.user, oldSecret, newSecret })
  }

  /** Moves the user's entries of format 1 to format 2, or back. Interrupted, it goes on when it is called again. */
  async migrate(
    to: 'v2' | 'v1',
    secret: ClientSecret,
    options: { readonly dryRun?: boolean } = {},
  ): Promise<CacheWalk> {
    const space = await this.#requireSpace()
    const source = this.#parts.sourceKeys.get(secret)
    return migrate(this.#parts, { user: this.user, space, source, to, dryRun: options.dryRun === true })
  }

  /** Deletes every entry and destroys the data key: what backups of the store still hold does not open any more. */
  async erase(): Promise<EraseReceipt> {
    return eraseUser(this.#parts, { user: this.user, source: this.#source() })
  }

  /**
   * Remembers under which secret the user's entries of format 1 are, so that erasing finds them without it. Throws
   * USER_NOT_FOUND.
   */
  async noteSource(): Promise<void> {
    const source = this.#source()
    if (source === undefined) return
    const { dataKeys, keys } = this.#parts
    if (parseState((await keys.read(this.user)).state).sources.includes(source.id)) return
    await dataKeys.change(this.user, { action: 'cache.note-source', detail: {} }, (stored) => ({
      ...stored,
      state: formatState(withSources(parseState(stored.state), [source.id])),
    }))
  }

  async status(): Promise<UserCacheStatus> {
    const stored = await this.#parts.keys.read(this.user)
    const { names, unfinished } = parseState(stored.state)
    return {
      user: this.user,
      hasKey: stored.key !== undefined,
      underSecret: stored.keyUnderSecret !== undefined,
      names,
      entries: await this.#parts.entries.count(this.user),
      ...(unfinished === undefined ? {} : { unfinished }),
    }
  }

  /** Both formats of all names in one command, so nothing is missed while a migration moves them. */
  async #read(names: readonly string[]): Promise<CacheResult[]> {
    const space = await this.#findSpace()
    const source = this.#source()
    const { entries, store, watch, record, onStep } = this.#parts
    onStep?.('key')
    const stored = space === undefined ? [] : names.map((name) => entries.storedName(space, name))
    const legacy = source === undefined ? [] : names
    const values = await watch.ask(() => store.getMany([...stored, ...legacy]))
    onStep?.('store')
    const results: CacheResult[] = []
    for (const [index, name] of names.entries()) {
      const own = values?.[space === undefined ? -1 : index]
      const old = values?.[source === undefined ? -1 : stored.length + index]
      const result: CacheResult =
        values === undefined
          ? { status: 'UNAVAILABLE' }
          : own !== undefined && space !== undefined
            ? this.#judge(space, name, own)
            : this.#judgeLegacy(name, old)
      if (result.status === 'TAMPERED') await watch.tellTampered(stored[index] ?? name, name, record)
      watch.count(result.status)
      results.push(result)
    }
    onStep?.('value')
    return results
  }

  #judge(space: UserSpace, name: string, stored: Uint8Array): CacheResult {
    const judged = this.#parts.entries.judge(space, localName(space, name), stored, this.#nowSeconds())
    if (typeof judged === 'string') return { status: judged }
    const writtenAt = formatInstant(toInstant(judged.writtenAt * SECOND))
    return readEntry(judged.value, { writtenAt, format: 2 })
  }

  /** An entry of another key under a shared name is no entry of this user's. */
  #judgeLegacy(name: string, stored: Uint8Array | undefined): CacheResult {
    const source = this.#source()
    if (stored === undefined || source === undefined) return { status: 'MISS' }
    const judged = this.#parts.sources.open(source, stored, this.#parts.ttl.of(findCacheName(name)?.type))
    if (judged === 'WRONG_KEY') return { status: 'MISS' }
    if (typeof judged === 'string') return { status: judged }
    const { plaintext: bytes, writtenAt } = judged
    return readEntry(bytes, { writtenAt, format: 1 })
  }

  async #whole(): Promise<EntriesOf> {
    return { user: this.user, space: await this.#findSpace(), source: this.#source() }
  }

  #source() {
    return this.#secret === undefined ? undefined : this.#parts.sourceKeys.get(this.#secret)
  }

  async #findSpace(): Promise<UserSpace | undefined> {
    const loaded = await this.#parts.dataKeys.find(this.user, this.#secret)
    return loaded === undefined ? undefined : spaceOf(this.user, loaded)
  }

  async #requireSpace(): Promise<UserSpace> {
    const loaded = await this.#parts.dataKeys.obtain(this.user, { secret: this.#secret, names: this.#names })
    return spaceOf(this.user, loaded)
  }

  #nowSeconds(): number {
    return Math.floor(this.#parts.clock() / SECOND)
  }
}

function spaceOf(user: string, { key, state }: LoadedKey): UserSpace {
  return { user, key, names: state.names }
}
