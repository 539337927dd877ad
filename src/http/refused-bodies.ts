import type { FastifyRequest } from 'fastify'
import { type Clock, SECOND } from '../model/clock.ts'
import { type AttemptBounds, FailedAttempts } from '../service/attempt/failed-attempts.ts'

/** A program that sends too much by mistake does so a few times; one that does it all day is stopped early. */
const BOUNDS: AttemptBounds = {
  perPlace: { burst: 20, intervalMs: SECOND },
  total: { burst: 200, intervalMs: 50 },
}
/** Smaller requests cost little, and are always read. */
const SMALL_BODY_BYTES = 64 * 1024

/**
 * Bodies that were read and then refused as too large, too deep or of too many values, for each token. Past the bound
 * the token's large bodies are refused before anybody reads them; its other requests go on.
 */
export class RefusedBodies {
  readonly #attempts: FailedAttempts

  constructor(clock: Clock) {
    this.#attempts = new FailedAttempts(clock, BOUNDS, (token) => token)
  }

  /** Throws RATE_LIMITED. */
  check(request: FastifyRequest, token: string): void {
    if (isLarge(request)) this.#attempts.check(token)
  }

  note(token: string): void {
    this.#attempts.note(token)
  }
}

function isLarge({ headers }: FastifyRequest): boolean {
  const length = headers['content-length']
  return length === undefined ? headers['transfer-encoding'] !== undefined : Number(length) > SMALL_BODY_BYTES
}
