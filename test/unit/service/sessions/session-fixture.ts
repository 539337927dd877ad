import { createHmac } from 'node:crypto'
import { type Instant, toInstant } from '../../../../src/model/clock.ts'
import { SecretSessionKeys } from '../../../../src/service/sessions/secret-session-keys.ts'
import { Sessions, type SessionsOptions } from '../../../../src/service/sessions/sessions.ts'

export const SECRET = 'correct horse battery staple 0123456789'
export const OTHER_SECRET = 'an older secret of the same application'
export const SCOPE = { issuer: 'https://app.example', audience: 'app' }
export const START = 1_800_000_000_123

/** A clock that stands until it is moved. */
export class Hands {
  #now = START
  readonly clock = (): Instant => toInstant(this.#now)

  move(seconds: number): void {
    this.#now += seconds * 1_000
  }
}

export function makeSessions(hands: Hands, options: Partial<SessionsOptions> = {}): Sessions {
  const keys = new SecretSessionKeys({ current: SECRET, clock: hands.clock })
  return new Sessions({ keys, ...SCOPE, clock: hands.clock, ...options })
}

/** HKDF-SHA-256 by RFC 5869, written out, so that the page of the format is enough to read a token. */
export function deriveByHand(secret: string, info: string, length: number): Buffer {
  const root = createHmac('sha256', Buffer.alloc(32)).update(secret).digest()
  const block = createHmac('sha256', root).update(`coffre/session/v1/${info}\u0001`).digest()
  return block.subarray(0, length)
}

export const encode = (value: string | object | Uint8Array): string =>
  (value instanceof Uint8Array
    ? Buffer.from(value)
    : Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))
  ).toString('base64url')

export const decodePart = (token: string, part: number): Record<string, unknown> =>
  JSON.parse(Buffer.from(token.split('.')[part] ?? '', 'base64url').toString('utf8'))

export function signByHand(
  head: string | object,
  payload: string | object | Uint8Array,
  key: Uint8Array = deriveByHand(SECRET, 'session', 32),
): string {
  const input = `${encode(head)}.${encode(payload)}`
  return `${input}.${createHmac('sha256', key).update(input).digest('base64url')}`
}
