import { compactVerify } from 'jose'
import { type Instant, SECOND } from '../../model/clock.ts'
import type { JwtTrust, LoginAlgorithm } from '../../model/login-role.ts'
import { CLOCK_SKEW_SECONDS, type Claims, decodeObject, judgeTime, splitCompact } from '../jwt/compact.ts'
import { isKeyId, isLoginAlgorithm, type KeySet } from './key-set.ts'

/** Absent, or one of these: not a logout token, not a proof of possession. */
const TYPES: ReadonlySet<unknown> = new Set([undefined, 'jwt', 'at+jwt', 'application/at+jwt'])
/** Ways to bring one's own key or rules; a member that nobody needs is refused, not ignored. */
const REFUSED_MEMBERS = ['crit', 'jku', 'jwk', 'x5u', 'x5c', 'b64', 'zip', 'enc', 'cty'] as const

export interface JwtHead {
  readonly kid: string | undefined
  readonly algorithm: LoginAlgorithm
}

/** The head of a token whose shape is right; nothing of it is proven. */
export function readJwtHead(text: string, trust: Pick<JwtTrust, 'algorithms'>): JwtHead | undefined {
  const [first, ...others] = splitCompact(text, 3) ?? []
  const head =
    first === undefined || others.some(({ length }) => length === 0) ? undefined : decodeObject(first)
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
): Promise<Claims | undefined> {
  const head = readJwtHead(text, trust)
  const payload = head === undefined ? undefined : await verifyJwt(text, head, at.keys)
  const claims = payload === undefined ? undefined : decodeObject(payload)
  if (claims === undefined || claims['iss'] !== trust.issuer) return undefined
  const isForUs = [claims['aud']].flat().includes(trust.audience)
  return isForUs && judgeTime(claims, at.now / SECOND, CLOCK_SKEW_SECONDS) === 'now' ? claims : undefined
}
