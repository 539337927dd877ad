import { type CryptoKey, importJWK, type JWK } from 'jose'
import { isSoundRsaJwk } from '../../crypto/rsa-rules.ts'
import { LOGIN_ALGORITHMS, type LoginAlgorithm } from '../../model/login-role.ts'
import { parseStrictObject } from '../jwt/strict-json.ts'

/** Microsoft's, the longest that we know, has 20 KiB with its certificates. */
const MAX_KEY_SET_CHARACTERS = 64 * 1024
/** Issuers publish two or three; large ones some dozen. */
const MAX_KEYS = 64
/** It is only compared, never used as a path, a query or an address. */
const KEY_ID = /^[A-Za-z0-9_.+/=:@~-]{1,128}$/

/** The members that a public key of each kind has, and that make it what it is. */
const PUBLIC_MEMBERS: Readonly<Record<string, readonly string[]>> = {
  RSA: ['n', 'e'],
  EC: ['crv', 'x', 'y'],
  OKP: ['crv', 'x'],
}
const KIND: Readonly<Record<string, (jwk: JWK) => boolean>> = {
  RS: ({ kty }) => kty === 'RSA',
  PS: ({ kty }) => kty === 'RSA',
  ES256: ({ kty, crv }) => kty === 'EC' && crv === 'P-256',
  ES384: ({ kty, crv }) => kty === 'EC' && crv === 'P-384',
  ES512: ({ kty, crv }) => kty === 'EC' && crv === 'P-521',
  EdDSA: ({ kty, crv }) => kty === 'OKP' && crv === 'Ed25519',
}

interface PublicKey {
  readonly kid: string | undefined
  readonly jwk: JWK
}

/** The public signature keys of an issuer (RFC 7517). Secret, short and foreign keys are left out. */
export class KeySet {
  readonly #keys: readonly PublicKey[]

  private constructor(keys: readonly PublicKey[]) {
    this.#keys = keys
  }

  /** `undefined` for what is no key set, is too large, or holds no key that a login could use. */
  static parse(text: string): KeySet | undefined {
    const document = text.length > MAX_KEY_SET_CHARACTERS ? undefined : parseStrictObject(text)
    const list = document?.['keys']
    if (!Array.isArray(list) || list.length > MAX_KEYS) return undefined
    const keys = list.flatMap((each) => toPublicKey(each) ?? [])
    const ids = keys.flatMap(({ kid }) => kid ?? [])
    return keys.length === 0 || new Set(ids).size < ids.length ? undefined : new KeySet(keys)
  }

  /** The one key that this token can be under; without an id there must be only one for the algorithm. */
  async find(kid: string | undefined, algorithm: LoginAlgorithm): Promise<CryptoKey | undefined> {
    const fitting = this.#keys.filter(({ jwk }) => isFor(jwk, algorithm))
    const found = kid === undefined ? fitting : fitting.filter((key) => key.kid === kid)
    const [only] = found
    if (only === undefined || found.length > 1) return undefined
    const key = await importJWK(only.jwk, algorithm).catch(() => undefined)
    return key === undefined || key instanceof Uint8Array ? undefined : key
  }
}

export function isKeyId(value: unknown): value is string {
  return typeof value === 'string' && KEY_ID.test(value)
}

/** Built anew from the members that we know, so that nothing else of a document ever counts. */
function toPublicKey(value: unknown): PublicKey | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const given: Readonly<Record<string, unknown>> = { ...value }
  const { kty, kid, use, alg, key_ops: operations } = given
  const members =
    typeof kty === 'string' && Object.hasOwn(PUBLIC_MEMBERS, kty) ? PUBLIC_MEMBERS[kty] : undefined
  if (members === undefined || (kid !== undefined && !isKeyId(kid))) return undefined
  // A private key that is published is everybody's.
  if ('d' in given || 'k' in given || (use !== undefined && use !== 'sig')) return undefined
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes('verify')))
    return undefined
  const parts = members.map((name) => [name, given[name]] as const)
  if (!parts.every(([, part]) => typeof part === 'string')) return undefined
  if (kty === 'RSA' && !isSoundRsaJwk({ n: String(given['n']), e: String(given['e']) })) return undefined
  const jwk: JWK = Object.fromEntries([
    ['kty', kty],
    ...parts,
    ...(typeof alg === 'string' ? [['alg', alg]] : []),
  ])
  return { kid, jwk }
}

function isFor(jwk: JWK, algorithm: LoginAlgorithm): boolean {
  const named =
    jwk.alg === undefined || jwk.alg === algorithm || (jwk.alg === 'Ed25519' && algorithm === 'EdDSA')
  const kind = KIND[algorithm] ?? KIND[algorithm.slice(0, 2)]
  return named && kind?.(jwk) === true
}

export function isLoginAlgorithm(value: unknown): value is LoginAlgorithm {
  return LOGIN_ALGORITHMS.some((name) => name === value)
}
