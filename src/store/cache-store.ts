/**
 * Where cache entries lie. It holds ciphertext and cannot open it, and it may forget anything at any time: what it
 * answers is a claim that the reader authenticates.
 *
 * Every method throws CACHE_UNAVAILABLE when the store does not answer in time; a write that threw may have been done.
 * Names and members are text; values are bytes and come back as they were given. All methods may be called concurrently.
 */
export interface CacheStore {
  get(name: string): Promise<Uint8Array | undefined>
  /** One command whatever the number of names; in their order. */
  getMany(names: readonly string[]): Promise<(Uint8Array | undefined)[]>
  /** The value and its time to live in one command; whatever was there is replaced. */
  set(name: string, value: Uint8Array, ttlSeconds: number): Promise<void>
  /** False where there is a value already. */
  setIfAbsent(name: string, value: Uint8Array, ttlSeconds: number): Promise<boolean>
  /**
   * Adds the name to `set` as `addToSet` does, and writes the value where there is none or the name was in the set
   * before. Answers whether it did, and what was there, as UTF-8 text. One command, atomic.
   */
  setOwned(
    name: string,
    value: Uint8Array,
    owner: { readonly set: string; readonly ttlSeconds: number },
  ): Promise<{ readonly isSet: boolean; readonly before: string | undefined }>
  /** False unless the stored value is `expected`. `keep`: it ends when it would have. Atomic. */
  replace(
    name: string,
    values: { readonly expected: Uint8Array; readonly value: Uint8Array },
    ttlSeconds: number | 'keep',
  ): Promise<boolean>
  /** False unless the stored value is `expected`. Atomic. */
  removeIf(name: string, expected: Uint8Array): Promise<boolean>
  /** How many of them were there. */
  delete(names: readonly string[]): Promise<number>
  /** Whole seconds left, at least 1; `undefined` for a value that is not there or never ends. */
  ttlSeconds(name: string): Promise<number | undefined>
  /** Every name with that beginning, in pages. A name may come twice, or not at all if it is written meanwhile. */
  scan(prefix: string): AsyncIterable<readonly string[]>
  /**
   * Answers how many were not in it before. The set ends at least `ttlSeconds` from now, and never sooner than it
   * would have.
   */
  addToSet(set: string, members: readonly string[], ttlSeconds: number): Promise<number>
  removeFromSet(set: string, members: readonly string[]): Promise<void>
  isInSet(set: string, member: string): Promise<boolean>
  /** As `scan`, of the members of a set. */
  scanSet(set: string): AsyncIterable<readonly string[]>
  close(): Promise<void>
}
