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
const MEBIBYTE = 1024 * 1024
/** The caller's fault, and found out by reading. */
const REFUSED: ReadonlySet<number> = new Set([400, 413])

/**
 * Large bodies that were read and then refused, as too much or as nonsense, for each token. Past the bound the token's large bodies are refused before anybody reads them; its other requests go on.
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

  note(request: FastifyRequest, token: string, status: number): void {
    if (REFUSED.has(status) && isLarge(request)) this.#attempts.note(token, weightOf(request))
  }
}

/** One for each mebibyte that was read; nothing is of a body that announces to be too long. */
function weightOf({ bodyBytes, headers, routeOptions }: FastifyRequest): number {
  const mostRead = headers['content-length'] === undefined ? routeOptions.bodyLimit : 0
  return Math.max(1, Math.ceil((bodyBytes ?? mostRead) / MEBIBYTE))
}

function isLarge({ headers }: FastifyRequest): boolean {
  const length = headers['content-length']
  return length === undefined ? headers['transfer-encoding'] !== undefined : Number(length) > SMALL_BODY_BYTES
}
