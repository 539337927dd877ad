import { openEntry, sealEntry } from '../../crypto/cache-entry.ts'
import { type CacheKey, hashCacheName } from '../../crypto/cache-key.ts'
import type { CacheStore } from '../../store/cache-store.ts'
import type { CacheState } from './cache-state.ts'

/** Times are in seconds since 1970. */
export interface UserEntry {
  readonly name: string
  readonly value: Uint8Array
  readonly writtenAt: number
  readonly expiresAt: number
}

export type JudgedEntry = UserEntry | 'MISS' | 'EXPIRED' | 'WRONG_KEY' | 'TAMPERED'

/** Whose entries, under what key and names. */
export interface UserSpace {
  readonly user: string
  readonly key: CacheKey
  readonly names: CacheState['names']
}

/** What every name of the user's entries, and of their index, begins with. */
export function userPrefix(user: string): string {
  return `coffre:cache:{${user}}:`
}

function indexOf(user: string): string {
  return `${userPrefix(user)}index`
}

/** The name of an entry behind the prefix. */
export function localName({ user, key, names }: UserSpace, name: string): string {
  return names === 'hashed' ? `h:${hashCacheName(key, user, name)}` : `e:${name}`
}

/** Entries of format 2 (docs/spec/cache.md) in a store. Every method throws CACHE_UNAVAILABLE. */
export class UserEntries {
  readonly #store: CacheStore

  constructor(store: CacheStore) {
    this.#store = store
  }

  /** The index is there before the entry, so that erasing finds whatever was written. One round trip. */
  async write(space: UserSpace, entry: UserEntry, ttlSeconds: number): Promise<void> {
    const local = localName(space, entry.name)
    const value = seal(space, local, entry)
    await Promise.all([
      this.#store.addToSet(indexOf(space.user), [local], ttlSeconds),
      this.#store.set(userPrefix(space.user) + local, value, ttlSeconds),
    ])
  }

  /** As `write`, and false where there is an entry already. */
  async writeIfAbsent(space: UserSpace, entry: UserEntry, ttlSeconds: number): Promise<boolean> {
    const local = localName(space, entry.name)
    const value = seal(space, local, entry)
    const [isCreated] = await Promise.all([
      this.#store.setIfAbsent(userPrefix(space.user) + local, value, ttlSeconds),
      this.#store.addToSet(indexOf(space.user), [local], ttlSeconds),
    ])
    return isCreated
  }

  storedName(space: UserSpace, name: string): string {
    return userPrefix(space.user) + localName(space, name)
  }

  /** The entry of that name; for one whose name is hashed, `name` may be absent. */
  judge(space: UserSpace, local: string, stored: Uint8Array, nowSeconds: number): JudgedEntry {
    const place = { user: space.user, storedName: userPrefix(space.user) + local }
    const opened = openEntry(space.key, place, stored)
    if (typeof opened === 'string') return opened === 'wrong-key' ? 'WRONG_KEY' : 'TAMPERED'
    return opened.expiresAt <= nowSeconds ? 'EXPIRED' : opened
  }

  async delete(space: UserSpace, locals: readonly string[]): Promise<number> {
    const names = locals.map((local) => userPrefix(space.user) + local)
    const deleted = await this.#store.delete(names)
    await this.#store.removeFromSet(indexOf(space.user), locals)
    return deleted
  }

  /** Pages of what is there, by the names behind the prefix: by the index, and by a scan for what it lost. */
  async *list(user: string): AsyncGenerator<readonly string[]> {
    const seen = new Set<string>()
    const fresh = (locals: readonly string[]) =>
      locals.filter((local) => /^[eh]:/.test(local) && !seen.has(local) && seen.add(local))
    for await (const page of this.#store.scanSet(indexOf(user))) yield fresh(page)
    const prefix = userPrefix(user)
    for await (const page of this.#store.scan(prefix))
      yield fresh(page.map((name) => name.slice(prefix.length)))
  }

  /** Everything of a user, the index included. Answers how many entries there were. */
  async erase(user: string): Promise<number> {
    let entries = 0
    for await (const page of this.#store.scan(userPrefix(user))) {
      const isIndex = page.includes(indexOf(user)) ? 1 : 0
      entries += (await this.#store.delete(page)) - isIndex
    }
    return entries
  }

  async count(user: string): Promise<number> {
    const names = new Set<string>()
    for await (const page of this.#store.scan(userPrefix(user))) for (const name of page) names.add(name)
    names.delete(indexOf(user))
    return names.size
  }
}

function seal(space: UserSpace, local: string, entry: UserEntry): Uint8Array {
  return sealEntry(space.key, { user: space.user, storedName: userPrefix(space.user) + local }, entry)
}
