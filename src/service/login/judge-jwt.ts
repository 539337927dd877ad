import { compactVerify } from 'jose'
import { type Instant, SECOND } from '../../model/clock.ts'
import type { JwtTrust, LoginAlgorithm } from '../../model/login-role.ts'
import { isKeyId, isLoginAlgorithm, type KeySet } from './key-set.ts'
import { parseStrictObject } from './strict-json.ts'

/** Issuers put groups into their tokens; what is longer belongs into no header of a request either. */
const MAX_JWT_CHARACTERS = 8 * 1024
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
export function readJwtHead(text: string, trust: Pick<JwtTrust, 'algorithms'>): JwtHead | undefined {
  const parts = text.length > MAX_JWT_CHARACTERS ? null : COMPACT.exec(text)
  if (parts === null || !parts.slice(1).every(isCanonical)) return undefined
  const head = decodeObject(Buffer.from(parts[1] ?? '', 'base64url'))
  if (head === undefined || REFUSED_MEMBERS.some((name) => Object.hasOwn(head, name))) return undefined
  const { alg, kid, typ } = head
  if (!isLoginAlgorithm(alg) || !trust.algorithms.includes(alg)) return undefined
  if (!TYPES.has(typeof typ === 'string' ? typ.toLowerCase() : typ)) return undefined
  return kid === undefined || isKeyId(kid) ? { kid, algorithm: alg } : undefined
}

/** The payload of a token that one of `keys` signed. */
export async function verifyJwt(text: string, head: JwtHead, keys: KeySet): Promise<Uint8Array | undefined> {
  const key = await keys.find(head.kid, head.algorithm)
  if (key === undefined) return undefined
  try {
    return (await compactVerify(text, key, { algorithms: [head.algorithm] })).payload
  } catch {
    return undefined
  }
}

/** The claims of a token that is what `trust` asks for, now; otherwise `undefined`, without saying why. */
export async function judgeJwt(
  text: string,
  trust: JwtTrust,
  at: { readonly keys: KeySet; readonly now: Instant },
): Promise<JwtClaims | undefined> {
  const head = readJwtHead(text, trust)
  const payload = head === undefined ? undefined : await verifyJwt(text, head, at.keys)
  const claims = payload === undefined ? undefined : decodeObject(Buffer.from(payload))
  if (claims === undefined || claims['iss'] !== trust.issuer) return undefined
  const isForUs = [claims['aud']].flat().includes(trust.audience)
  return isForUs && isOfThisTime(claims, at.now / SECOND) ? claims : undefined
}

/** RFC 7519, 4.1.4 to 4.1.6; an end is needed, and a moment is a number. */
function isOfThisTime({ exp, nbf, iat }: JwtClaims, now: number): boolean {
  const [end, start, issued] = [exp, nbf ?? 0, iat ?? 0]
  if (typeof end !== 'number' || typeof start !== 'number' || typeof issued !== 'number') return false
  return now < end + CLOCK_SKEW_SECONDS && Math.max(start, issued) <= now + CLOCK_SKEW_SECONDS
}

function decodeObject(bytes: Buffer): JwtClaims | undefined {
  const text = bytes.toString('utf8')
  // Bytes that are not UTF-8 would all become U+FFFD.
  return Buffer.from(text).equals(bytes) ? parseStrictObject(text) : undefined
}

/** One value has one text. */
function isCanonical(part: string): boolean {
  return Buffer.from(part, 'base64url').toString('base64url') === part
}
