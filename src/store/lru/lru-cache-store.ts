import type { CacheStore } from '../cache-store.ts'

export interface LruOptions {
  /** Of names and values together. */
  readonly maxBytes: number
  /** Milliseconds that only go forward. */
  readonly now: () => number
}

interface Entry {
  readonly value: Buffer
  readonly endsAt: number
}

interface MemberSet {
  readonly members: Set<string>
  endsAt: number
}

/** What a small object of the engine costs besides its bytes, roughly. */
const ENTRY_OVERHEAD_BYTES = 128
const PAGE = 1_000

/**
 * The cache inside the process, for the embedded default. What was used least recently makes place. It ends with the
 * process, so nothing is at rest.
 */
export class LruCacheStore implements CacheStore {
  /** The least recently used first. */
  readonly #entries = new Map<string, Entry>()
  readonly #sets = new Map<string, MemberSet>()
  readonly #maxBytes: number
  readonly #now: () => number
  #bytes = 0

  constructor({ maxBytes, now }: LruOptions) {
    this.#maxBytes = maxBytes
    this.#now = now
  }

  async get(name: string): Promise<Uint8Array | undefined> {
    const entry = this.#find(name)
    if (entry === undefined) return undefined
    this.#entries.delete(name)
    this.#entries.set(name, entry)
    return Uint8Array.from(entry.value)
  }

  getMany(names: readonly string[]): Promise<(Uint8Array | undefined)[]> {
    return Promise.all(names.map((name) => this.get(name)))
  }

  async set(name: string, value: Uint8Array, ttlSeconds: number): Promise<void> {
    this.#put(name, value, this.#endsIn(ttlSeconds))
  }

  async setIfAbsent(name: string, value: Uint8Array, ttlSeconds: number): Promise<boolean> {
    if (this.#find(name) !== undefined) return false
    this.#put(name, value, this.#endsIn(ttlSeconds))
    return true
  }

  async setOwned(
    name: string,
    value: Uint8Array,
    { set, ttlSeconds }: { readonly set: string; readonly ttlSeconds: number },
  ): Promise<{ readonly isSet: boolean; readonly before: string | undefined }> {
    const found = this.#find(name)
    const before = found?.value.toString('utf8')
    const wasOwned = this.#findSet(set)?.members.has(name) === true
    const isSet = before === undefined || wasOwned
    if (isSet) this.#put(name, value, this.#endsIn(ttlSeconds))
    await this.addToSet(set, [name], ttlSeconds)
    return { isSet, before }
  }

  async replace(
    name: string,
    { expected, value }: { readonly expected: Uint8Array; readonly value: Uint8Array },
    ttlSeconds: number | 'keep',
  ): Promise<boolean> {
    const entry = this.#find(name)
    if (entry === undefined || !entry.value.equals(expected)) return false
    this.#put(name, value, ttlSeconds === 'keep' ? entry.endsAt : this.#endsIn(ttlSeconds))
    return true
  }

  async removeIf(name: string, expected: Uint8Array): Promise<boolean> {
    const isSame = this.#find(name)?.value.equals(expected) === true
    return isSame && this.#drop(name)
  }

  async delete(names: readonly string[]): Promise<number> {
    return names.filter((name) => {
      const isEntry = this.#find(name) !== undefined && this.#drop(name)
      return this.#dropSet(name) || isEntry
    }).length
  }

  async ttlSeconds(name: string): Promise<number | undefined> {
    const entry = this.#find(name)
    return entry === undefined ? undefined : Math.max(1, Math.ceil((entry.endsAt - this.#now()) / 1_000))
  }

  async *scan(prefix: string): AsyncGenerator<readonly string[]> {
    this.#forgetEnded()
    const names = [...this.#entries.keys(), ...this.#sets.keys()].filter((name) => name.startsWith(prefix))
    yield* pagesOf(names)
  }

  async addToSet(set: string, members: readonly string[], ttlSeconds: number): Promise<number> {
    const found = this.#findSet(set) ?? { members: new Set<string>(), endsAt: 0 }
    found.endsAt = Math.max(found.endsAt, this.#endsIn(ttlSeconds))
    this.#sets.set(set, found)
    const sizeBefore = found.members.size
    for (const member of members.filter((each) => !found.members.has(each))) {
      found.members.add(member)
      this.#bytes += costOf(member)
    }
    const added = found.members.size - sizeBefore
    this.#makePlace()
    return added
  }

  async removeFromSet(set: string, members: readonly string[]): Promise<void> {
    const found = this.#findSet(set)
    if (found === undefined) return
    for (const member of members.filter((each) => found.members.delete(each))) this.#bytes -= costOf(member)
    if (found.members.size === 0) this.#dropSet(set)
  }

  async isInSet(set: string, member: string): Promise<boolean> {
    return this.#findSet(set)?.members.has(member) === true
  }

  async *scanSet(set: string): AsyncGenerator<readonly string[]> {
    yield* pagesOf([...(this.#findSet(set)?.members ?? [])])
  }

  async close(): Promise<void> {
    for (const name of this.#entries.keys()) this.#drop(name)
    for (const name of this.#sets.keys()) this.#dropSet(name)
  }

  #endsIn(ttlSeconds: number): number {
    return this.#now() + ttlSeconds * 1_000
  }

  #find(name: string): Entry | undefined {
    const entry = this.#entries.get(name)
    if (entry === undefined || entry.endsAt > this.#now()) return entry
    this.#drop(name)
    return undefined
  }

  #findSet(name: string): MemberSet | undefined {
    const set = this.#sets.get(name)
    if (set === undefined || set.endsAt > this.#now()) return set
    this.#dropSet(name)
    return undefined
  }

  #put(name: string, value: Uint8Array, endsAt: number): void {
    this.#drop(name)
    this.#entries.set(name, { value: Buffer.from(value), endsAt })
    this.#bytes += costOf(name) + value.length
    this.#makePlace()
  }

  #drop(name: string): boolean {
    const entry = this.#entries.get(name)
    if (entry === undefined) return false
    this.#entries.delete(name)
    this.#bytes -= costOf(name) + entry.value.length
    return true
  }

  #dropSet(name: string): boolean {
    const set = this.#sets.get(name)
    if (set === undefined) return false
    this.#sets.delete(name)
    for (const member of set.members) this.#bytes -= costOf(member)
    return true
  }

  #makePlace(): void {
    if (this.#bytes <= this.#maxBytes) return
    this.#forgetEnded()
    for (const name of this.#entries.keys()) {
      if (this.#bytes <= this.#maxBytes) return
      this.#drop(name)
    }
    for (const name of this.#sets.keys()) {
      if (this.#bytes <= this.#maxBytes) return
      this.#dropSet(name)
    }
  }

  #forgetEnded(): void {
    const now = this.#now()
    for (const [name, { endsAt }] of this.#entries) if (endsAt <= now) this.#drop(name)
    for (const [name, { endsAt }] of this.#sets) if (endsAt <= now) this.#dropSet(name)
  }
}

function costOf(name: string): number {
  return Buffer.byteLength(name) + ENTRY_OVERHEAD_BYTES
}

function* pagesOf(names: readonly string[]): Generator<readonly string[]> {
  for (let at = 0; at < names.length; at += PAGE) yield names.slice(at, at + PAGE)
}
