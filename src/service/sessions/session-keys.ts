import type { SealedPart } from '../../crypto/session-cipher.ts'

/** What a signature is for. A key never signs for two of them in the same words: docs/spec/session.md. */
export type SessionPurpose = 'session' | 'cookie' | 'csrf'

/** What is encrypted, under a key of its own. */
export type CipherPurpose = Exclude<SessionPurpose, 'csrf'>

export interface SessionKey {
  /** Only ever compared. */
  readonly kid: string
  readonly algorithm: 'HS256' | 'EdDSA'
}

/**
 * The keys of sessions. The current one signs; every one that `find` gives still verifies. Methods may be called
 * concurrently; they reject only where the keys themselves cannot be reached.
 */
export interface SessionKeys {
  current(): Promise<SessionKey>
  /** `undefined` for a key that is not known or may no longer verify. */
  find(kid: string): Promise<SessionKey | undefined>
  /** `undefined` where that key signs no more: it was rotated away since `current`. */
  sign(kid: string, purpose: SessionPurpose, message: Uint8Array): Promise<Uint8Array | undefined>
  /** False for every other signature, and for a key that is not known. */
  verify(kid: string, purpose: SessionPurpose, message: Uint8Array, signature: Uint8Array): Promise<boolean>
  /** Absent where the keys only sign. */
  readonly cipher?: SessionCipher
}

export interface SessionCipher {
  seal(kid: string, purpose: CipherPurpose, head: Uint8Array, plaintext: Uint8Array): SealedPart | undefined
  open(kid: string, purpose: CipherPurpose, head: Uint8Array, sealed: SealedPart): Uint8Array | undefined
}
