import type { Clock } from '../../model/clock.ts'
import { CoffreError, type ErrorCode } from '../../model/errors.ts'
import { placeOf } from './address-name.ts'
import { FailedAttempts, rateLimited, UNSEAL_ATTEMPTS } from './failed-attempts.ts'

/** Argon2id takes 64 MiB each; a few people with shares come at once. */
const MAX_RUNNING = 4
const TRY_AGAIN_MS = 1_000

/** Codes that say that a secret was not the right one. */
const WRONG_SECRETS: ReadonlySet<ErrorCode> = new Set(['PASSPHRASE_WRONG', 'SHARE_INVALID', 'SHARE_FOREIGN'])

/** What strangers may try while Coffre is sealed: few at once, one for each place, and fewer after failures. */
export class UnsealGate {
  readonly #attempts: FailedAttempts
  readonly #running = new Set<string>()

  constructor(clock: Clock) {
    this.#attempts = new FailedAttempts(clock, UNSEAL_ATTEMPTS)
  }

  /** Throws RATE_LIMITED before any work. Without an address nobody is a stranger. */
  async run<Result>(address: string | undefined, work: () => Promise<Result>): Promise<Result> {
    if (address === undefined) return work()
    this.#attempts.check(address)
    const place = placeOf(address)
    if (this.#running.has(place) || this.#running.size >= MAX_RUNNING) throw rateLimited(TRY_AGAIN_MS)
    this.#running.add(place)
    try {
      return await work()
    } catch (error) {
      if (error instanceof CoffreError && WRONG_SECRETS.has(error.code)) this.#attempts.note(address)
      throw error
    } finally {
      this.#running.delete(place)
    }
  }
}
