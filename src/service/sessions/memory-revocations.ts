import { type Clock, type Instant, toInstant } from '../../model/clock.ts'
import { CoffreError } from '../../model/errors.ts'
import type { RevocableSession, SessionRevocation, SessionRevocations } from './session-revocations.ts'

/** About 20 MB. Who needs more at once revokes the user, or all. */
export const MAX_REVOCATIONS = 100_000

interface Bound {
  readonly before: Instant
  readonly until: Instant
}

/** Revocations of one process; they end with it. */
export class MemoryRevocations implements SessionRevocations {
  readonly #clock: Clock
  readonly #ids = new Map<string, Instant>()
  readonly #users = new Map<string, Bound>()
  #all: Bound | undefined

  constructor(clock: Clock = () => toInstant(Date.now())) {
    this.#clock = clock
  }

  /** Throws LIMIT_EXCEEDED rather than forget one that still counts. */
  add(revocation: SessionRevocation): Promise<void> {
    this.put(revocation)
    return Promise.resolve()
  }

  put(revocation: SessionRevocation): void {
    if (this.#size >= MAX_REVOCATIONS && this.prune() >= MAX_REVOCATIONS) {
      throw new CoffreError('LIMIT_EXCEEDED', { facts: { at: 'revocations', maximum: MAX_REVOCATIONS } })
    }
    if (revocation.kind === 'id') {
      this.#ids.set(revocation.id, later(this.#ids.get(revocation.id), revocation.until))
    } else if (revocation.kind === 'user') {
      this.#users.set(revocation.user, widest(this.#users.get(revocation.user), revocation))
    } else {
      this.#all = widest(this.#all, revocation)
    }
  }

  isRevoked({ ids, user, startedAt }: RevocableSession): Promise<boolean> {
    const bounds = [this.#all, this.#users.get(user)]
    const isRevoked =
      ids.some((id) => this.#ids.has(id)) ||
      bounds.some((bound) => bound !== undefined && startedAt <= bound.before)
    return Promise.resolve(isRevoked)
  }

  /** Forgets what is over; answers how many are left. */
  prune(): number {
    const now = this.#clock()
    for (const [id, until] of this.#ids) if (until <= now) this.#ids.delete(id)
    for (const [user, { until }] of this.#users) if (until <= now) this.#users.delete(user)
    return this.#size
  }

  get #size(): number {
    return this.#ids.size + this.#users.size
  }
}

function later(known: Instant | undefined, given: Instant): Instant {
  return known !== undefined && known > given ? known : given
}

function widest(known: Bound | undefined, given: Bound): Bound {
  return { before: later(known?.before, given.before), until: later(known?.until, given.until) }
}
