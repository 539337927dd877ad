import type { Instant } from './clock.ts'
import type { TenantId, TokenId } from './ids.ts'

/** Default deny: a role is the list of what it may do (service/access/permission.ts). */
export const ROLES = ['admin', 'app'] as const

export type Role = (typeof ROLES)[number]

export function isRole(value: unknown): value is Role {
  return ROLES.some((role) => role === value)
}

/** A bearer token as stored: never the token itself. */
export interface Token {
  readonly id: TokenId
  readonly tenant: TenantId
  readonly name: string
  readonly role: Role
  /** Lower-case hex SHA-256 of the whole token text, which has 256 random bits. */
  readonly hash: string
  readonly createdAt: Instant
  readonly expiresAt?: Instant
  readonly revokedAt?: Instant
}
