import type { Secret } from './secret.ts'

/** Why a session token was refused. From outside every refusal looks the same; these are counted. */
export const SESSION_FAULTS = [
  'malformed',
  'algorithm',
  'key',
  'signature',
  'expired',
  'not-yet',
  'claims',
  'revoked',
] as const

export type SessionFault = (typeof SESSION_FAULTS)[number]

export type SessionFaultCounts = Readonly<Record<SessionFault, number>>

/** What the token of `createSecureSession` says. */
export interface SecureSession {
  readonly user_id: string
  /** Seconds since 1970. */
  readonly exp: number
  readonly iat: number
  readonly [claim: string]: unknown
}

/** What an application keeps in a session, as JSON of at most 2,048 bytes. */
export type SessionData = Readonly<Record<string, unknown>>

/** Moments are ISO 8601 in UTC. */
export interface Session {
  readonly user: string
  /** Stays through refreshes; new after a login or a rise in privilege. */
  readonly sessionId: string
  readonly tokenId: string
  readonly data: SessionData
  readonly startedAt: string
  readonly issuedAt: string
  /** When this token ends, unless it is refreshed. */
  readonly expiresAt: string
  /** When the session ends, refreshed or not. */
  readonly endsAt: string
}

export interface NewSession extends Session {
  readonly token: Secret
}
