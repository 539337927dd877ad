import type { Instant } from '../../model/clock.ts'

/** What is revoked up to `until`, after which every token that it is about has expired by itself. */
export type SessionRevocation = { readonly until: Instant } & (
  | { readonly kind: 'id'; readonly id: string }
  /** Sessions that began at `before` or earlier. */
  | { readonly kind: 'user'; readonly user: string; readonly before: Instant }
  | { readonly kind: 'all'; readonly before: Instant }
)

/** A session as a revocation sees it. */
export interface RevocableSession {
  /** Of the session and of its token. */
  readonly ids: readonly string[]
  readonly user: string
  readonly startedAt: Instant
}

/**
 * Where revocations are kept. Once `add` resolves, `isRevoked` of the same object knows it; other processes on the same
 * store know it within the bound that the implementation states. Adding one twice does nothing more.
 */
export interface SessionRevocations {
  add(revocation: SessionRevocation): Promise<void>
  isRevoked(session: RevocableSession): Promise<boolean>
}
