import { type Clock, type Instant, SECOND } from '../../model/clock.ts'
import { CoffreError } from '../../model/errors.ts'
import { placeOf } from './address-name.ts'

/** So many at once, and one more in each interval. */
export interface AttemptBound {
  readonly burst: number
  readonly intervalMs: number
}

export interface AttemptBounds {
  readonly perPlace: AttemptBound
  readonly total: AttemptBound
}

/** 256 random bits are not guessed; this bounds look-ups. */
export const TOKEN_ATTEMPTS: AttemptBounds = {
  perPlace: { burst: 30, intervalMs: SECOND },
  total: { burst: 300, intervalMs: 50 },
}

/** People's words are guessed, and each guess is an Argon2id of some hundred milliseconds. */
export const UNSEAL_ATTEMPTS: AttemptBounds = {
  perPlace: { burst: 5, intervalMs: 10 * SECOND },
  total: { burst: 20, intervalMs: 2 * SECOND },
}

/** An entry takes about 150 bytes. */
const MAX_PLACES = 4_096

interface Bucket {
  left: number
  at: Instant
}

/**
 * Token buckets of failures, for each place and for all. A place that has not failed lately is never refused, so nobody
 * locks out anybody else; a place that has is refused while its own bucket or that of all is empty.
 */
export class FailedAttempts {
  readonly #clock: Clock
  readonly #bounds: AttemptBounds
  readonly #placeOf: (who: string) => string
  /** Longest without a failure first. */
  readonly #places = new Map<string, Bucket>()
  readonly #total: Bucket

  /** `who` is an address, unless `place` makes places of something else. */
  constructor(clock: Clock, bounds: AttemptBounds, place: (who: string) => string = placeOf) {
    this.#clock = clock
    this.#bounds = bounds
    this.#placeOf = place
    this.#total = { left: bounds.total.burst, at: clock() }
  }

  /** Throws RATE_LIMITED with the seconds to wait. */
  check(who: string): void {
    const bucket = this.#places.get(this.#placeOf(who))
    if (bucket === undefined) return
    const waits = [this.#waitOf(bucket, this.#bounds.perPlace), this.#waitOf(this.#total, this.#bounds.total)]
    const wait = Math.max(...waits)
    if (wait > 0) throw rateLimited(wait)
  }

  /** `weight` is how many usual failures this one cost: the next is waited for as long as after so many. */
  note(who: string, weight = 1): void {
    const place = this.#placeOf(who)
    const now = this.#clock()
    const bucket = this.#places.get(place) ?? { left: this.#bounds.perPlace.burst, at: now }
    this.#places.delete(place)
    for (const [each, bound] of [
      [bucket, this.#bounds.perPlace],
      [this.#total, this.#bounds.total],
    ] as const) {
      refill(each, bound, now)
      each.left = Math.max(1 - weight, each.left - weight)
    }
    this.#places.set(place, bucket)
    if (this.#places.size > MAX_PLACES) this.#forgetOldest()
  }

  /** Milliseconds until the bucket holds a whole one. */
  #waitOf(bucket: Bucket, bound: AttemptBound): number {
    refill(bucket, bound, this.#clock())
    return bucket.left >= 1 ? 0 : (1 - bucket.left) * bound.intervalMs
  }

  #forgetOldest(): void {
    const oldest = this.#places.keys().next().value
    if (oldest !== undefined) this.#places.delete(oldest)
  }
}

/** A clock that was put back refills nothing. */
function refill(bucket: Bucket, bound: AttemptBound, now: Instant): void {
  const gained = Math.max(0, now - bucket.at) / bound.intervalMs
  bucket.left = Math.min(bound.burst, bucket.left + gained)
  bucket.at = now
}

export function rateLimited(waitMs: number): CoffreError {
  return new CoffreError('RATE_LIMITED', {
    facts: { retryAfterSeconds: Math.max(1, Math.ceil(waitMs / SECOND)) },
  })
}
