import type { Instant } from './clock.ts'
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

export const REVOCATION_KINDS = ['id', 'user', 'all'] as const

export type RevocationKind = (typeof REVOCATION_KINDS)[number]

export function isRevocationKind(value: unknown): value is RevocationKind {
  return REVOCATION_KINDS.some((kind) => kind === value)
}

/** As stored: of one id, of a user's sessions that began until `before`, or of all of them (`subject` is empty). */
export interface SessionRevocationRow {
  readonly kind: RevocationKind
  readonly subject: string
  readonly before: Instant
  /** Later, every token that it is about has expired by itself. */
  readonly until: Instant
}

/** Under which key, for whom, and for how long. */
export interface SessionRules {
  /** The name of a key with the algorithm `ed25519` or `hmac-sha256`; `x25519`: its sessions are encrypted. */
  readonly key: string
  readonly audience: string
  /** `coffre` when absent. */
  readonly issuer?: string
  /** 1 to 2,592,000 (30 days); 1,800 when absent. */
  readonly idleSeconds?: number
  /** 1 to 2,592,000 (30 days); 86,400 when absent. */
  readonly absoluteSeconds?: number
}

export interface CreateSessionRequest extends SessionRules {
  readonly user: string
  readonly data?: SessionData
}

export interface CheckSessionRequest extends SessionRules {
  readonly token: Secret | string
}

/** One of the three. */
export interface RevokeSessionsRequest {
  readonly key: string
  /** `sessionId` or `tokenId`. */
  readonly id?: string
  /** Every session of the user that began until now. */
  readonly user?: string
  readonly all?: true
}

/** Sessions that Coffre makes and judges for applications: docs/spec/session.md. */
export interface CoffreSessions {
  create(request: CreateSessionRequest): Promise<NewSession>
  /** `undefined` for every token that is not good. */
  verify(request: CheckSessionRequest): Promise<Session | undefined>
  /** The same session in a new token. */
  refresh(request: CheckSessionRequest): Promise<NewSession | undefined>
  /** Effective from the commit on, in every process on the same store. */
  revoke(request: RevokeSessionsRequest): Promise<void>
}
