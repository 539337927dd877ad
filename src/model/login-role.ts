import type { Instant } from './clock.ts'
import type { LoginRoleName, PolicyName, TenantId } from './ids.ts'
import type { Role } from './token.ts'

export const LOGIN_METHODS = ['jwt', 'certificate'] as const

export type LoginMethod = (typeof LOGIN_METHODS)[number]

/** Public-key signatures only: with HS* whoever can verify could also sign, and `none` proves nothing. */
export const LOGIN_ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
] as const

export type LoginAlgorithm = (typeof LOGIN_ALGORITHMS)[number]

/** What a certificate says of its holder; a login role names values of some of them. */
export const CERTIFICATE_CLAIMS = [
  'cn',
  'o',
  'ou',
  'dns',
  'uri',
  'email',
  'ip',
  'serial',
  'fingerprint',
] as const

/** Each named claim must have one of the values. A name that starts with `/` is a JSON pointer (RFC 6901). */
export type BoundClaims = Readonly<Record<string, readonly string[]>>

/** Where the public keys of an issuer are. */
export type KeySetSource = { readonly url: string } | { readonly document: string }

/** Whose JWTs are believed. */
export interface JwtTrust {
  readonly issuer: string
  readonly audience: string
  readonly algorithms: readonly LoginAlgorithm[]
  readonly keys: KeySetSource
}

/** A way in: who proves to be of these claims gets a token like this. */
export interface LoginRole {
  readonly tenant: TenantId
  readonly name: LoginRoleName
  readonly method: LoginMethod
  /** For `jwt` only. */
  readonly jwt?: JwtTrust
  readonly boundClaims: BoundClaims
  readonly token: LoginGrant
  readonly createdAt: Instant
}

/** The token that a login gives. */
export interface LoginGrant {
  readonly role: Role
  readonly policies: readonly PolicyName[]
  readonly ttlSeconds: number
  readonly maxUses?: number
}
