import { jwtVerify } from 'jose'
import { type Instant, SECOND } from '../../model/clock.ts'
import type { JwtTrust, LoginAlgorithm } from '../../model/login-role.ts'
import { isKeyId, isLoginAlgorithm, type KeySet } from './key-set.ts'
import { parseStrictObject } from './strict-json.ts'

/** Issuers put groups into their tokens; what is longer belongs into no header of a request either. */
export const MAX_JWT_CHARACTERS = 8 * 1024
const COMPACT = /^([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)$/
/** Two clocks that NTP keeps are within a second; this forgives one that is not. */
const CLOCK_SKEW_SECONDS = 60
/** Absent, or one of these: not a logout token, not a proof of possession. */
const TYPES: ReadonlySet<unknown> = new Set([undefined, 'jwt', 'at+jwt', 'application/at+jwt'])
/** Ways to bring one's own key or rules; a member that nobody needs is refused, not ignored. */
const REFUSED_MEMBERS = ['crit', 'jku', 'jwk', 'x5u', 'x5c', 'b64', 'zip', 'enc', 'cty'] as const

export interface JwtHead {
  readonly kid: string | undefined
  readonly algorithm: LoginAlgorithm
}

export type JwtClaims = Readonly<Record<string, unknown>>

/** The head of a token whose shape is right; nothing of it is proven. */
export function readJwtHead(text: string, trust: JwtTrust): JwtHead | undefined {
  const parts = text.length > MAX_JWT_CHARACTERS ? null : COMPACT.exec(text)
  if (parts === null || ![parts[1], parts[2], parts[3]].every((part) => isCanonical(part ?? ''))) return undefined
  const head = decodeObject(parts[1] ?? '')
  if (head === undefined || REFUSED_MEMBERS.some((name) => Object.hasOwn(head, name))) return undefined
  const { alg, kid, typ } = head
  if (!isLoginAlgorithm(alg) || !trust.algorithms.includes(alg)) return undefined
  if (!TYPES.has(typeof typ === 'string' ? typ.toLowerCase() : typ)) return undefined
  return kid === undefined || isKeyId(kid) ? { kid, algorithm: alg } : undefined
}

/** The claims of a token that is what `trust` asks for, now; otherwise `undefined`, without saying why. */
export async function judgeJwt(text: string, trust: JwtTrust, at: { keys: KeySet; now: Instant }): Promise<JwtClaims | undefined> {
  const head = readJwtHead(text, trust)
  const key = head === undefined ? undefined : await at.keys.find(head.kid, head.algorithm)
  if (head === undefined || key === undefined) return undefined
  // The payload as we read it: jose would take the last of two equal names.
  const claims = decodeObject(text.split('.')[1] ?? '')
  if (claims === undefined) return undefined
  try {
    await jwtVerify(text, key, {
      algorithms: [head.algorithm],
      issuer: trust.issuer,
      audience: trust.audience,
      requiredClaims: ['iss', 'aud', 'exp'],
      clockTolerance: CLOCK_SKEW_SECONDS,
      currentDate: new Date(at.now),
    })
  } catch {
    return undefined
  }
  return isOfThisTime(claims, at.now) ? claims : undefined
}

/** What jose leaves open: a token from the future, and a moment that is no number. */
function isOfThisTime(claims: JwtClaims, now: Instant): boolean {
  const { iat, exp } = claims
  if (typeof exp !== 'number' || !Number.isFinite(exp)) return false
  return iat === undefined || (typeof iat === 'number' && iat <= now / SECOND + CLOCK_SKEW_SECONDS)
}

function decodeObject(part: string): JwtClaims | undefined {
  const bytes = Buffer.from(part, 'base64url')
  const text = bytes.toString('utf8')
  // Bytes that are not UTF-8 would all become U+FFFD.
  return Buffer.from(text).equals(bytes) ? parseStrictObject(text) : undefined
}

/** One value has one text. */
function isCanonical(part: string): boolean {
  return Buffer.from(part, 'base64url').toString('base64url') === part
}
