import { createCipheriv, createDecipheriv, type KeyObject } from 'node:crypto'

const CIPHER = 'aes-256-gcm'
export const GCM_NONCE_BYTES = 12
export const GCM_TAG_BYTES = 16
const OPTIONS = { authTagLength: GCM_TAG_BYTES }

interface GcmInput {
  readonly key: KeyObject
  /** Never twice with one key. 12 bytes; every other length throws RangeError. */
  readonly nonce: Uint8Array
  readonly associatedData: Uint8Array
}

/** AES-256-GCM (NIST SP 800-38D): ciphertext as long as the plaintext, then the tag of 16 bytes. */
export function sealAesGcm(input: GcmInput, plaintext: Uint8Array): Uint8Array {
  const sealed = new Uint8Array(plaintext.length + GCM_TAG_BYTES)
  sealAesGcmInto(input, plaintext, sealed)
  return sealed
}

/** As `sealAesGcm`, into the first bytes of `target`. */
export function sealAesGcmInto(input: GcmInput, plaintext: Uint8Array, target: Uint8Array): void {
  checkNonce(input.nonce)
  const cipher = createCipheriv(CIPHER, input.key, input.nonce, OPTIONS)
  cipher.setAAD(input.associatedData)
  target.set(cipher.update(plaintext), 0)
  cipher.final()
  target.set(cipher.getAuthTag(), plaintext.length)
}

/** `undefined` where the tag does not fit; nothing of the plaintext leaves before it does. */
export function openAesGcm(input: GcmInput, sealed: Uint8Array): Uint8Array | undefined {
  checkNonce(input.nonce)
  if (sealed.length < GCM_TAG_BYTES) return undefined
  const decipher = createDecipheriv(CIPHER, input.key, input.nonce, OPTIONS)
  decipher.setAAD(input.associatedData)
  decipher.setAuthTag(sealed.subarray(-GCM_TAG_BYTES))
  const plaintext = decipher.update(sealed.subarray(0, -GCM_TAG_BYTES))
  try {
    decipher.final()
    return plaintext
  } catch {
    plaintext.fill(0)
    return undefined
  }
}

/** OpenSSL hashes other lengths into a nonce, which voids the bound on collisions (SP 800-38D, section 8.2). */
function checkNonce(nonce: Uint8Array): void {
  if (nonce.length !== GCM_NONCE_BYTES) throw new RangeError('an AES-GCM nonce has 12 bytes')
}
