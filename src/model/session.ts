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
