import { addMilliseconds, type Clock, type Instant, SECOND } from '../../model/clock.ts'
import type { KeySetSource, LoginAlgorithm } from '../../model/login-role.ts'
import { KeySet } from './key-set.ts'

/** An issuer that takes a key back is believed within this time. */
const FRESH = 600 * SECOND
/** While an issuer cannot be reached, logins go on so long with what it said last. */
const STALE = 3_600 * SECOND
/** Between two requests to one issuer, whatever strangers send: ids of unknown keys cost them nothing. */
const COOL_DOWN = 30 * SECOND
const MAX_ISSUERS = 64

/** The text of a document; rejects for any failure. `http/outgoing` provides it, with its limits. */
export type FetchDocument = (url: string) => Promise<string>

interface Entry {
  keys: KeySet | undefined
  fetchedAt: Instant | undefined
  askedAt: Instant | undefined
  asking: Promise<void> | undefined
}

/** The key sets of issuers, fetched when they are needed, and again for a key that is not in them. */
export class KeySetCache {
  readonly #fetch: FetchDocument
  readonly #clock: Clock
  /** By address, the one that was used longest ago first. */
  readonly #entries = new Map<string, Entry>()

  constructor(fetch: FetchDocument, clock: Clock) {
    this.#fetch = fetch
    this.#clock = clock
  }

  /** `undefined` while there is none to be had. */
  async find(
    source: KeySetSource,
    head: { kid: string | undefined; algorithm: LoginAlgorithm },
  ): Promise<KeySet | undefined> {
    if ('document' in source) return KeySet.parse(source.document)
    const entry = this.#entryOf(source.url)
    const isNeeded = !this.#isYounger(entry.fetchedAt, FRESH) || !(await holds(entry.keys, head))
    if (isNeeded) await this.#ask(source.url, entry)
    return this.#isYounger(entry.fetchedAt, STALE) ? entry.keys : undefined
  }

  #entryOf(url: string): Entry {
    const entry = this.#entries.get(url) ?? {
      keys: undefined,
      fetchedAt: undefined,
      askedAt: undefined,
      asking: undefined,
    }
    this.#entries.delete(url)
    this.#entries.set(url, entry)
    const [oldest] = this.#entries.keys()
    if (this.#entries.size > MAX_ISSUERS && oldest !== undefined) this.#entries.delete(oldest)
    return entry
  }

  async #ask(url: string, entry: Entry): Promise<void> {
    if (entry.asking !== undefined) return entry.asking
    if (this.#isYounger(entry.askedAt, COOL_DOWN)) return
    entry.askedAt = this.#clock()
    entry.asking = this.#fetchInto(url, entry)
    await entry.asking
  }

  async #fetchInto(url: string, entry: Entry): Promise<void> {
    try {
      const keys = KeySet.parse(await this.#fetch(url))
      if (keys === undefined) return
      entry.keys = keys
      entry.fetchedAt = this.#clock()
    } catch {
      // What was fetched before goes on until it is stale.
    } finally {
      entry.asking = undefined
    }
  }

  #isYounger(moment: Instant | undefined, age: number): boolean {
    return moment !== undefined && this.#clock() < addMilliseconds(moment, age)
  }
}

async function holds(
  keys: KeySet | undefined,
  head: { kid: string | undefined; algorithm: LoginAlgorithm },
): Promise<boolean> {
  return (await keys?.find(head.kid, head.algorithm)) !== undefined
}
