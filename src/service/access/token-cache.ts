import type { Instant } from '../../model/clock.ts'
import { parseTokenId, type TokenId } from '../../model/ids.ts'
import type { Token } from '../../model/token.ts'
import type { Change } from '../../store/changes.ts'
import type { ReadStore } from '../../store/store.ts'
import type { ChangeListener } from '../change-feed.ts'
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
 * guesses cannot fill it. Whoever changes one calls `drop` after the commit.
 */
export class TokenCache implements ChangeListener {
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

  forget(change: Change): void {
    if (change.kind === 'token') this.drop(parseTokenId(change.id))
    else if (!['key', 'policy', 'session'].includes(change.kind)) this.forgetAll()
  }

  forgetAll(): void {
    this.#changes += 1
    this.#tokens.clear()
  }

  drop(id: TokenId): void {
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
