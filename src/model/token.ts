import type { Instant } from './clock.ts'
import type { PolicyName, TenantId, TokenId, UserId } from './ids.ts'

/** Default deny: a role is the list of what it may do (service/access/permission.ts). */
export const ROLES = ['admin', 'operator', 'auditor', 'app', 'user'] as const
/** What `token create` gives. A user's token comes from a login, so that it is always somebody's. */
export const HOLDER_ROLES = ['admin', 'operator', 'auditor', 'app'] as const

export type Role = (typeof ROLES)[number]

export function isRole(value: unknown): value is Role {
  return ROLES.some((role) => role === value)
}

/** A bearer token as stored: never the token itself. */
export interface Token {
  readonly id: TokenId
  readonly tenant: TenantId
  readonly name: string
  readonly description: string
  readonly role: Role
  /** Empty: `default` for an app, every key of the tenant for the other roles. */
  readonly policies: readonly PolicyName[]
  /** Lower-case hex SHA-256 of the whole token text, which has 256 random bits. */
  readonly hash: string
  readonly createdAt: Instant
  readonly expiresAt?: Instant
  readonly revokedAt?: Instant
  /** Exactly for the role `user`: whose it is. */
  readonly user?: UserId
  /** The token that made it; it may be of another tenant. */
  readonly parent?: TokenId
  /** What a renewal adds at most, and until when it may renew itself at all. */
  readonly renewal?: TokenRenewal
  /** How many requests it may authenticate, and how many are left. */
  readonly uses?: TokenUses
  /** Blocks that it must come from; empty: anywhere. */
  readonly cidrs: readonly string[]
  /** To the hour. */
  readonly lastUsedAt?: Instant
}

export interface TokenRenewal {
  readonly ttlSeconds: number
  readonly until: Instant
}

export interface TokenUses {
  readonly maximum: number
  readonly left: number
}
