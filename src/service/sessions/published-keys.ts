import type { Clock, Instant } from '../../model/clock.ts'
import { DEFAULT_TENANT, type KeyName } from '../../model/ids.ts'
import type { ReadStore } from '../../store/store.ts'
import { viewKey } from '../keys/key-view.ts'
import { type PublicJsonWebKey, toJsonWebKeys } from './json-web-keys.ts'

/** A key with this tag is published; its owner says so, since names of versions and their number are shown. */
const TAG = { name: 'jwks', value: 'public' } as const
/** Anybody asks, so the store is read no more often than this. */
const FRESH_MS = 2_000
const PAGE = 100
/** As many as a reader of `service/login/key-set.ts` takes. */
const MAX_PUBLISHED = 64

export interface JsonWebKeySet {
  readonly keys: readonly PublicJsonWebKey[]
}

/** The JWKS (RFC 7517, section 5) of the keys of the tenant `default` that are marked for it. Needs no root key. */
export class PublishedKeys {
  readonly #store: Pick<ReadStore, 'listKeys'>
  readonly #clock: Clock
  #kept: { readonly set: Promise<JsonWebKeySet>; readonly at: Instant } | undefined

  constructor(store: Pick<ReadStore, 'listKeys'>, clock: Clock) {
    this.#store = store
    this.#clock = clock
  }

  read(): Promise<JsonWebKeySet> {
    const now = this.#clock()
    if (this.#kept !== undefined && now - this.#kept.at < FRESH_MS) return this.#kept.set
    const set = this.#collect()
    this.#kept = { set, at: now }
    // A store that did not answer is asked again by the next request.
    set.catch(() => {
      if (this.#kept?.set === set) this.#kept = undefined
    })
    return set
  }

  async #collect(): Promise<JsonWebKeySet> {
    const keys: PublicJsonWebKey[] = []
    let after: KeyName | undefined
    for (;;) {
      const from = after === undefined ? {} : { after }
      const page = await this.#store.listKeys({ tenant: DEFAULT_TENANT, limit: PAGE, ...from })
      const marked = page.filter(({ labels }) => labels.tags[TAG.name] === TAG.value)
      keys.push(...marked.flatMap((key) => toJsonWebKeys(viewKey(key)).toReversed()))
      after = page.at(-1)?.name
      if (page.length < PAGE || keys.length >= MAX_PUBLISHED) return { keys: keys.slice(0, MAX_PUBLISHED) }
    }
  }
}
