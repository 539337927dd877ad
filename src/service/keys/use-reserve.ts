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
  /** By key id and version. */
  readonly #refills = new Map<string, Promise<number>>()

  constructor(store: Store) {
    this.#store = store
  }

  /** Takes from memory; answers false when `refill` must come first. */
  take(key: VersionKey, count: number): boolean {
    return this.#budget.take(key.keyId, key.version, count)
  }

  /**
   * Stores a new block. Throws KEY_VERSION_EXHAUSTED when it would pass `maxUses`; nothing is counted then.
   * Callers that find the block empty at the same time share one reservation; only the first of them is told
   * to rotate.
   */
  async refill(key: VersionKey, count: number, maxUses: number): Promise<Reservation> {
    const name = `${key.keyId}:${key.version}`
    const underWay = this.#refills.get(name)
    if (underWay !== undefined) {
      await underWay
      return { rotateSoon: false }
    }
    const refill = this.#reserve(key, Math.max(USE_BLOCK, count), maxUses)
    this.#refills.set(name, refill)
    try {
      return { rotateSoon: (await refill) > maxUses * ROTATE_AT }
    } finally {
      this.#refills.delete(name)
    }
  }

  async #reserve(key: VersionKey, wanted: number, maxUses: number): Promise<number> {
    const total = await this.#store.transaction(async (tx) => {
      const reserved = await tx.reserveUses(key.keyId, key.version, wanted)
      if (reserved > maxUses) throw new CoffreError('KEY_VERSION_EXHAUSTED', { facts: { maxUses } })
      return reserved
    })
    this.#budget.add(key.keyId, key.version, wanted)
    return total
  }
}
