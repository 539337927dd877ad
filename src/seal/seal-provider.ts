import type { KeyMaterial } from '../crypto/key-material.ts'

/**
 * A way to protect the root key. Every provider passes test/conformance/seal.
 *
 * A provider answers with a *seal key*: 32 bytes that only it can bring back. The slot around it, and the
 * telling apart of damage and a wrong secret, are the same for all (seal/slot.ts, docs/spec/seal.md).
 */
export interface SealProvider {
  readonly name: SealProviderName
  /**
   * A seal key for a new slot, and the parameters that bring it back; they are stored in clear.
   * May create what it needs (a key file) but never overwrites anything.
   */
  create(): Promise<{ readonly sealKey: KeyMaterial; readonly parameters: Uint8Array }>
  /**
   * The seal key for a stored slot. Throws SEAL_KEY_MISSING when the secret is not to be had,
   * SEAL_DAMAGED for parameters that it never writes. It does not judge the secret: the slot does.
   */
  recover(parameters: Uint8Array): Promise<KeyMaterial>
}

/** With the byte that names each in a slot. Never renumbered. */
export const SEAL_PROVIDER_CODES = { file: 1, environment: 2, passphrase: 3, shamir: 4 } as const

export type SealProviderName = keyof typeof SEAL_PROVIDER_CODES

export const SEAL_KEY_BYTES = 32
