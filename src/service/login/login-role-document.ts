import { CoffreError } from '../../model/errors.ts'
import { MAX_TEXT_CHARACTERS } from '../../model/limits.ts'
import {
  type BoundClaims,
  CERTIFICATE_CLAIMS,
  type JwtTrust,
  type KeySetSource,
  LOGIN_ALGORITHMS,
  LOGIN_METHODS,
  type LoginMethod,
  type LoginRoleDescription,
} from '../../model/login-role.ts'
import { isRole, type Role, ROLES } from '../../model/token.ts'
import { readPolicyNames, readUses } from '../access/token-request.ts'
import type { PolicyName } from '../../model/ids.ts'
import { isLoginAlgorithm, KeySet } from './key-set.ts'

/** Claims of one role, and values of one claim. A list of repositories or groups has some dozen. */
const MAX_CLAIMS = 16
const MAX_VALUES = 64
const MAX_URL_CHARACTERS = 1_024
const MIN_TTL_SECONDS = 60
/** A login can be repeated at any time, so its token needs no long life. */
const MAX_TTL_SECONDS = 86_400
const DEFAULT_TTL_SECONDS = 3_600
const DEFAULT_ALGORITHMS = ['RS256', 'ES256', 'EdDSA'] as const

/** A login role whose every part was judged. */
export interface LoginRule {
  readonly method: LoginMethod
  /** Exactly for `jwt`. */
  readonly trust?: JwtTrust
  readonly boundClaims: BoundClaims
  readonly role: Role
  readonly policies: readonly PolicyName[]
  readonly ttlSeconds: number
  readonly maxUses?: number
}

/** Throws INVALID_REQUEST, which names the field. */
export function parseLoginRole(asked: LoginRoleDescription): LoginRule {
  const method =
    LOGIN_METHODS.find((name) => name === asked.method) ?? refuse('method', LOGIN_METHODS.join(' or '))
  const { ttlSeconds = DEFAULT_TTL_SECONDS, maxUses, policies = [] } = asked
  if (!Number.isInteger(ttlSeconds) || ttlSeconds < MIN_TTL_SECONDS || ttlSeconds > MAX_TTL_SECONDS) {
    refuse('ttlSeconds', `${MIN_TTL_SECONDS} to ${MAX_TTL_SECONDS}`)
  }
  if (!isRole(asked.role)) refuse('role', ROLES.join(', '))
  if (asked.role === 'user' && policies.length > 0) refuse('policies', 'none for the role user')
  readUses(maxUses)
  return {
    method,
    ...(method === 'jwt' ? { trust: readTrust(asked) } : refuseTrust(asked)),
    boundClaims: readClaims(asked.boundClaims, method),
    role: asked.role,
    policies: readPolicyNames(policies),
    ttlSeconds,
    ...(maxUses === undefined ? {} : { maxUses }),
  }
}

function readTrust(asked: LoginRoleDescription): JwtTrust {
  const { algorithms = DEFAULT_ALGORITHMS } = asked
  if (!Array.isArray(algorithms) || algorithms.length === 0 || !algorithms.every(isLoginAlgorithm)) {
    refuse('algorithms', `some of ${LOGIN_ALGORITHMS.join(', ')}`)
  }
  return {
    issuer: readText(asked.issuer, 'issuer', MAX_URL_CHARACTERS),
    audience: readText(asked.audience, 'audience', MAX_URL_CHARACTERS),
    algorithms,
    keys: readKeys(asked),
  }
}

function readKeys({ jwksUrl, jwks }: LoginRoleDescription): KeySetSource {
  if ((jwksUrl === undefined) === (jwks === undefined)) refuse('jwks', 'one of jwksUrl and jwks')
  if (jwksUrl !== undefined) return { url: readText(jwksUrl, 'jwksUrl', MAX_URL_CHARACTERS) }
  const document = typeof jwks === 'string' && KeySet.parse(jwks) !== undefined ? jwks : undefined
  return { document: document ?? refuse('jwks', 'a JWKS document (RFC 7517) with public signature keys') }
}

function refuseTrust(asked: LoginRoleDescription): object {
  const stray = (['issuer', 'audience', 'algorithms', 'jwksUrl', 'jwks'] as const).find(
    (name) => asked[name] !== undefined,
  )
  return stray === undefined ? {} : refuse(stray, 'nothing, for a certificate')
}

function readClaims(claims: BoundClaims, method: LoginMethod): BoundClaims {
  const entries = typeof claims === 'object' && claims !== null ? Object.entries(claims) : []
  if (entries.length === 0 || entries.length > MAX_CLAIMS) refuse('boundClaims', `1 to ${MAX_CLAIMS} claims`)
  for (const [name, values] of entries) {
    readText(name, 'boundClaims', MAX_TEXT_CHARACTERS)
    if (method === 'certificate' && !CERTIFICATE_CLAIMS.some((known) => known === name)) {
      refuse('boundClaims', `some of ${CERTIFICATE_CLAIMS.join(', ')}`)
    }
    if (!Array.isArray(values) || values.length === 0 || values.length > MAX_VALUES) {
      refuse('boundClaims', `1 to ${MAX_VALUES} values`)
    }
    for (const value of values) readText(value, 'boundClaims', MAX_URL_CHARACTERS)
  }
  return Object.fromEntries(entries)
}

function readText(value: unknown, at: string, maximum: number): string {
  const fits = typeof value === 'string' && value !== '' && value.length <= maximum && value.isWellFormed()
  return fits ? value : refuse(at, `1 to ${maximum} well-formed characters`)
}

function refuse(at: string, expected: string): never {
  throw new CoffreError('INVALID_REQUEST', { facts: { at, expected } })
}
