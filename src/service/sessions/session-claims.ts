import { formatInstant, type Instant, SECOND, toInstant } from '../../model/clock.ts'
import { CoffreError } from '../../model/errors.ts'
import type { Session, SessionData, SessionFault } from '../../model/session.ts'
import { type Claims, judgeTime } from '../jwt/compact.ts'

const MAX_USER_CHARACTERS = 256
/** Leaves room for the rest in 8,192 characters of base64url, and in a cookie of 4,096 bytes. */
const MAX_DATA_BYTES = 2_048
const MAX_SCOPE_CHARACTERS = 256
const ID = /^[A-Za-z0-9_-]{22}$/

/** Where tokens are from and for whom. */
export interface SessionScope {
  readonly issuer: string
  readonly audience: string
}

export interface SessionLimits {
  readonly idleSeconds: number
  readonly absoluteSeconds: number
}

/** Throws CONFIG_REFUSED. */
export function checkScope({ issuer, audience }: SessionScope): void {
  for (const [at, value] of Object.entries({ issuer, audience })) {
    if (typeof value !== 'string' || value === '' || value.length > MAX_SCOPE_CHARACTERS) {
      throw new CoffreError('CONFIG_REFUSED', {
        facts: { at, expected: `1 to ${MAX_SCOPE_CHARACTERS} characters` },
      })
    }
  }
}

/** Throws INVALID_REQUEST for what is no id of a session or of a token. */
export function checkId(id: string): void {
  if (!isId(id))
    throw new CoffreError('INVALID_REQUEST', { facts: { at: 'id', expected: '22 of A-Z a-z 0-9 _ -' } })
}

export interface SessionRecord {
  readonly user: string
  readonly sessionId: string
  readonly tokenId: string
  readonly startedAt: Instant
  readonly data: SessionData
}

/** Throws INVALID_REQUEST. */
export function checkUser(user: string): void {
  if (
    typeof user === 'string' &&
    user.length > 0 &&
    user.length <= MAX_USER_CHARACTERS &&
    user.isWellFormed()
  ) {
    return
  }
  throw new CoffreError('INVALID_REQUEST', {
    facts: { at: 'user', expected: `1 to ${MAX_USER_CHARACTERS} well-formed characters` },
  })
}

/** A copy as JSON has it. Throws INVALID_REQUEST and LIMIT_EXCEEDED. */
export function readData(data: SessionData): SessionData {
  if (typeof data !== 'object' || data === null || Array.isArray(data)) {
    throw new CoffreError('INVALID_REQUEST', { facts: { at: 'data', expected: 'an object' } })
  }
  const text = JSON.stringify(data)
  if (Buffer.byteLength(text) > MAX_DATA_BYTES) {
    throw new CoffreError('LIMIT_EXCEEDED', { facts: { at: 'data', maximum: MAX_DATA_BYTES } })
  }
  return JSON.parse(text)
}

export function toClaims(
  record: SessionRecord,
  { issuer, audience }: SessionScope,
  time: { readonly now: Instant; readonly limits: SessionLimits },
): Claims {
  const { user, sessionId, tokenId, startedAt, data } = record
  const iat = Math.floor(time.now / SECOND)
  const end = Math.floor(startedAt / SECOND) + time.limits.absoluteSeconds
  const more = Object.keys(data).length === 0 ? {} : { data }
  const exp = Math.min(iat + time.limits.idleSeconds, end)
  return {
    iss: issuer,
    aud: audience,
    sub: user,
    iat,
    exp,
    jti: tokenId,
    sid: sessionId,
    sat: startedAt,
    ...more,
  }
}

/** What is wrong with the claims now, or the session that they tell. */
export function judgeClaims(
  claims: Claims,
  scope: SessionScope,
  time: { readonly now: Instant; readonly limits: SessionLimits },
): { readonly session: Session; readonly record: SessionRecord } | SessionFault {
  const { iss, aud, iat, exp } = claims
  const record = readRecord(claims)
  if (iss !== scope.issuer || aud !== scope.audience || record === undefined) return 'claims'
  if (!Number.isSafeInteger(iat) || !Number.isSafeInteger(exp)) return 'claims'
  const judged = judgeTime(claims, time.now / SECOND, 0)
  if (judged !== 'now') return judged
  // A limit that was lowered holds for sessions that are under way, too.
  const endsAt = record.startedAt + time.limits.absoluteSeconds * SECOND
  if (time.now >= endsAt) return 'expired'
  return { record, session: viewSession(record, { issuedAt: Number(iat), expiresAt: Number(exp), endsAt }) }
}

function readRecord({ sub, jti, sid, sat, data = {} }: Claims): SessionRecord | undefined {
  if (typeof sub !== 'string' || sub === '' || !isId(jti) || !isId(sid)) return undefined
  if (typeof sat !== 'number' || !Number.isSafeInteger(sat) || sat < 0) return undefined
  if (typeof data !== 'object' || data === null || Array.isArray(data)) return undefined
  return { user: sub, sessionId: sid, tokenId: jti, startedAt: toInstant(sat), data: { ...data } }
}

function isId(value: unknown): value is string {
  return typeof value === 'string' && ID.test(value)
}

/** Of `times`, the first two are in seconds. */
function viewSession(
  { user, sessionId, tokenId, startedAt, data }: SessionRecord,
  times: { readonly issuedAt: number; readonly expiresAt: number; readonly endsAt: number },
): Session {
  return {
    user,
    sessionId,
    tokenId,
    data,
    startedAt: formatInstant(startedAt),
    issuedAt: formatInstant(toInstant(times.issuedAt * SECOND)),
    expiresAt: formatInstant(toInstant(times.expiresAt * SECOND)),
    endsAt: formatInstant(toInstant(times.endsAt)),
  }
}
