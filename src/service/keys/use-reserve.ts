import type { VersionKey } from '../../crypto/algorithm.ts'
import { USE_BLOCK, UseBudget } from '../../keyring/usage.ts'
import { CoffreError } from '../../model/errors.ts'
import type { Store } from '../../store/store.ts'

/** Past this share of its limit a version is rotated before it runs out. */
const ROTATE_AT = 0.5

export interface Reservation {
  /** True when the version has passed the share at which its key is rotated. */
  readonly rotateSoon: boolean
}

/** Counts uses in stored blocks, so that a crash never under-counts (docs/design/lifecycle.md, "Limits"). */
export class UseReserve {
  readonly #store: Store
  readonly #budget = new UseBudget()

  constructor(store: Store) {
    this.#store = store
  }

  /** Takes from memory; answers false when `refill` must come first. */
  take(key: VersionKey, count: number): boolean {
    return this.#budget.take(key.keyId, key.version, count)
  }

  /** Stores a new block. Throws KEY_VERSION_EXHAUSTED when it would pass `maxUses`; nothing is counted then. */
  async refill(key: VersionKey, count: number, maxUses: number): Promise<Reservation> {
    const wanted = Math.max(USE_BLOCK, count)
    const total = await this.#store.transaction(async (tx) => {
      const reserved = await tx.reserveUses(key.keyId, key.version, wanted)
      if (reserved > maxUses) throw new CoffreError('KEY_VERSION_EXHAUSTED', { facts: { maxUses } })
      return reserved
    })
    this.#budget.add(key.keyId, key.version, wanted)
    return { rotateSoon: total > maxUses * ROTATE_AT }
  }
}
