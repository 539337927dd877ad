import type { CreatedToken } from './coffre.ts'
import type { Instant } from './clock.ts'
import type { LoginRoleName, TenantId } from './ids.ts'
import type { Secret } from './secret.ts'
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

/** What a certificate says of its holder. `serial` and `fingerprint` (SHA-256) are hex in lower case. */
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

/** Each named claim must be, or hold, one of the values. A name that starts with `/` is a JSON pointer (RFC 6901). */
export type BoundClaims = Readonly<Record<string, readonly string[]>>

/** Where the public keys of an issuer are: a URL, or the JWKS document itself. */
export type KeySetSource = { readonly url: string } | { readonly document: string }

/** Whose JWTs are believed. */
export interface JwtTrust {
  readonly issuer: string
  readonly audience: string
  readonly algorithms: readonly LoginAlgorithm[]
  readonly keys: KeySetSource
}

/** A way in, as an administrator describes it: who proves to be of these claims gets a token like this. */
export interface LoginRoleDescription {
  readonly method: LoginMethod
  /** The next four for `jwt` only; `audience` is needed and compared exactly. */
  readonly issuer?: string
  readonly audience?: string
  /** RS256, ES256 and EdDSA when absent. */
  readonly algorithms?: readonly LoginAlgorithm[]
  /** One of the two. https, or a host that the operator of the server allows. */
  readonly jwksUrl?: string
  readonly jwks?: string
  /** At least one: otherwise everybody whom the issuer knows would be let in. */
  readonly boundClaims: BoundClaims
  /** Of the tokens that it gives. For `user`, the subject must be the id or client id of a user. */
  readonly role: Role
  readonly policies?: readonly string[]
  /** 60 to 86,400 (a day); 3,600 when absent. */
  readonly ttlSeconds?: number
  readonly maxUses?: number
}

export interface CreateLoginRoleRequest extends LoginRoleDescription {
  readonly name: string
}

export interface LoginRoleView extends CreateLoginRoleRequest {
  readonly createdAt: string
}

/** As stored. */
export interface LoginRole {
  readonly tenant: TenantId
  readonly name: LoginRoleName
  /** JSON of a LoginRoleDescription, which is judged again when it is used. */
  readonly document: string
  readonly createdAt: Instant
}

export interface Logins {
  /** Throws LOGIN_ROLE_EXISTS. */
  createRole(request: CreateLoginRoleRequest): Promise<LoginRoleView>
  listRoles(): Promise<readonly LoginRoleView[]>
  getRole(name: string): Promise<LoginRoleView>
  /** Tokens that it gave stay valid until they end. */
  deleteRole(name: string): Promise<void>
  /** A short-lived token for the holder of a JWT. Needs no token; every failure is UNAUTHENTICATED. */
  withJwt(request: JwtLoginRequest): Promise<CreatedToken>
  /** The same for the client certificate of this connection. */
  withCertificate(request: LoginRequest): Promise<CreatedToken>
  /** An hour's token of the role `user` for a client id and its secret. */
  withClient(request: ClientLoginRequest): Promise<CreatedToken>
}

export interface ClientLoginRequest {
  readonly clientId: string
  readonly clientSecret: Secret | string
  /** `default` when absent. */
  readonly tenant?: string
}

export interface LoginRequest {
  /** Name of the login role. */
  readonly role: string
  /** `default` when absent. */
  readonly tenant?: string
}

export interface JwtLoginRequest extends LoginRequest {
  readonly jwt: string
}
