import { addMilliseconds, type Clock, type Instant, MINUTE } from '../../model/clock.ts'
import { CoffreError } from '../../model/errors.ts'
import type { Share } from '../../seal/shamir/share.ts'
import { requireMember, type ShareSet } from '../../seal/shamir/split.ts'

/** People who meet give their shares within this; what lies around longer is a risk without a use. */
export const CEREMONY_MS = 10 * MINUTE

/** Shares of one set, one at a time, in memory only. They are wiped when they are used, dropped or too old. */
export class ShareCollection {
  readonly #clock: Clock
  #shares: Share[] = []
  #expiresAt: Instant | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** How many of the set are here. */
  count(set: ShareSet): number {
    this.forgetExpired()
    return this.#shares.filter((share) => share.setId === set.setId).length
  }

  /** True when there are enough. Throws SHARE_FOREIGN or SHARE_REPEATED; `share` is ours, or wiped. */
  add(share: Share, set: ShareSet): boolean {
    this.forgetExpired()
    try {
      requireMember(share, set)
      if (this.#shares.some((each) => each.number === share.number && each.setId === share.setId)) {
        throw new CoffreError('SHARE_REPEATED', { facts: { share: share.number } })
      }
    } catch (error) {
      share.value.wipe()
      throw error
    }
    // Shares of a set that was replaced in the meantime.
    if (this.#shares.some((each) => each.setId !== share.setId)) this.wipe()
    this.#expiresAt ??= addMilliseconds(this.#clock(), CEREMONY_MS)
    this.#shares.push(share)
    return this.#shares.length >= set.threshold
  }

  get shares(): readonly Share[] {
    return this.#shares
  }

  forgetExpired(): void {
    if (this.#expiresAt !== undefined && this.#expiresAt <= this.#clock()) this.wipe()
  }

  wipe(): void {
    for (const share of this.#shares) share.value.wipe()
    this.#shares = []
    this.#expiresAt = undefined
  }
}
