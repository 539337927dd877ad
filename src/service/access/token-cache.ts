import type { Instant } from '../../model/clock.ts'
import type { TokenId } from '../../model/ids.ts'
import type { Token } from '../../model/token.ts'
import type { ReadStore } from '../../store/store.ts'
import { AddressBlocks } from './address-blocks.ts'

/** A token row takes about 500 bytes. */
const MAX_TOKENS = 4_096

export interface CachedToken {
  readonly token: Token
  /** Absent: it may come from anywhere. */
  readonly blocks?: AddressBlocks
  /** When this process last wrote that it is used; 0 before. */
  notedAt: Instant | 0
}

/**
 * Tokens that were looked up, so that a data operation reads no database. Only tokens that exist are kept, so
 * guesses cannot fill it. A revocation calls `forget` after its commit.
 */
export class TokenCache {
  readonly #store: ReadStore
  /** Oldest first. */
  readonly #tokens = new Map<TokenId, CachedToken>()
  /** Rises with every change: a look-up that began before one must not bring the old row back. */
  #changes = 0

  constructor(store: ReadStore) {
    this.#store = store
  }

  /** Without a look-up. */
  known(id: TokenId): CachedToken | undefined {
    return this.#tokens.get(id)
  }

  async find(id: TokenId): Promise<CachedToken | undefined> {
    const known = this.#tokens.get(id)
    if (known !== undefined) return known
    const before = this.#changes
    const token = await this.#store.findToken(id)
    if (token === undefined) return undefined
    const found: CachedToken = {
      token,
      ...(token.cidrs.length === 0 ? {} : { blocks: new AddressBlocks(token.cidrs) }),
      notedAt: token.lastUsedAt ?? 0,
    }
    if (before === this.#changes) this.#keep(found)
    return found
  }

  forget(id: TokenId): void {
    this.#changes += 1
    this.#tokens.delete(id)
  }

  #keep(found: CachedToken): void {
    this.#tokens.set(found.token.id, found)
    if (this.#tokens.size <= MAX_TOKENS) return
    const oldest = this.#tokens.keys().next().value
    if (oldest !== undefined) this.#tokens.delete(oldest)
  }
}
