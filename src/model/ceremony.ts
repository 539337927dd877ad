import type { Secret } from './secret.ts'

/** Changes of the root of trust, one at a time in each process (docs/design/root-of-trust.md). */
export interface Ceremonies {
  /** The caller becomes its starter; `nonce` is in this answer only. Throws CEREMONY_UNDER_WAY. */
  begin(request: CeremonyRequest): Promise<BegunCeremony>
  show(): Promise<CeremonyView>
  /** A share or passphrase of the present seal, or a new share to verify. Needs the nonce and no role. */
  give(request: CeremonySecret): Promise<CeremonyView>
  /** The new shares, for the starter only. Asked again, it makes others. */
  collect(request: { readonly nonce: string }): Promise<NewShares>
  /** By its starter; by any operator where the present seal is a key file or the environment. */
  cancel(request: { readonly nonce?: string }): Promise<CeremonyView>
  /** Enough shares (or the passphrase) of the present seal cancel whatever is under way. Needs no nonce. */
  takeOver(secret: Omit<CeremonySecret, 'nonce'>): Promise<CeremonyView>
}

export type CeremonyKind = 'rekey' | 'rotate-root'

export interface CeremonyRequest {
  readonly kind: CeremonyKind
  /** Of a rekey: the new seal. A rotation of the root keeps the seal and its secrets. */
  readonly seal?: NewSealRequest
}

export type NewSealRequest =
  | { readonly provider: 'shamir'; readonly shares: number; readonly threshold: number }
  | { readonly provider: 'passphrase'; readonly passphrase: Secret }
  | { readonly provider: 'file' }
  | { readonly provider: 'environment' }

export interface CeremonySecret {
  readonly nonce: string
  readonly share?: Secret | undefined
  readonly passphrase?: Secret | undefined
}

export type CeremonyPhase = 'none' | 'authorize' | 'collect' | 'verify' | 'done'

export interface CeremonyView {
  readonly phase: CeremonyPhase
  readonly kind?: CeremonyKind
  readonly startedBy?: string
  readonly expiresAt?: string
  /** Of what this phase waits for. */
  readonly given?: number
  readonly needed?: number
  /** Of a take-over that has begun. */
  readonly takeOverGiven?: number
}

export interface BegunCeremony extends CeremonyView {
  readonly nonce: string
}

export interface NewShares extends CeremonyView {
  /** Shown here and nowhere else. */
  readonly shares: readonly Secret[]
}
