import type { TokenId } from '../../model/ids.ts'
import type { Token } from '../../model/token.ts'
import type { ReadStore } from '../../store/store.ts'

/** A token row takes about 300 bytes. */
const MAX_TOKENS = 4_096

/**
 * Tokens that were looked up, so that a data operation reads no database. Only tokens that exist are kept, so
 * guesses cannot fill it. A revocation calls `forget` after its commit.
 */
export class TokenCache {
  readonly #store: ReadStore
  /** Oldest first. */
  readonly #tokens = new Map<TokenId, Token>()
  /** Rises with every revocation: a look-up that began before one must not bring the old row back. */
  #revocations = 0

  constructor(store: ReadStore) {
    this.#store = store
  }

  async find(id: TokenId): Promise<Token | undefined> {
    const known = this.#tokens.get(id)
    if (known !== undefined) return known
    const before = this.#revocations
    const token = await this.#store.findToken(id)
    if (token !== undefined && before === this.#revocations) this.#keep(token)
    return token
  }

  forget(id: TokenId): void {
    this.#revocations += 1
    this.#tokens.delete(id)
  }

  #keep(token: Token): void {
    this.#tokens.set(token.id, token)
    if (this.#tokens.size <= MAX_TOKENS) return
    const oldest = this.#tokens.keys().next().value
    if (oldest !== undefined) this.#tokens.delete(oldest)
  }
}
