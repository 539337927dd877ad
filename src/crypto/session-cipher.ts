import { GCM_NONCE_BYTES, openAesGcm, sealAesGcm } from './aes-gcm.ts'
import type { KeyMaterial } from './key-material.ts'
import { randomBytes } from './random.ts'

export interface SealedPart {
  readonly nonce: Uint8Array
  /** The tag of 16 bytes is at its end. */
  readonly ciphertext: Uint8Array
}

/** A256GCM of RFC 7518, section 5.3, with a random IV: at most 2^32 under one key (NIST SP 800-38D, section 8.3). */
export function sealPart(
  material: KeyMaterial,
  associatedData: Uint8Array,
  plaintext: Uint8Array,
): SealedPart {
  const nonce = randomBytes(GCM_NONCE_BYTES)
  return { nonce, ciphertext: sealAesGcm({ key: material.secretKey(), nonce, associatedData }, plaintext) }
}

export function openPart(
  material: KeyMaterial,
  associatedData: Uint8Array,
  { nonce, ciphertext }: SealedPart,
): Uint8Array | undefined {
  if (nonce.length !== GCM_NONCE_BYTES) return undefined
  return openAesGcm({ key: material.secretKey(), nonce, associatedData }, ciphertext)
}
