import { createCipheriv, createDecipheriv } from 'node:crypto'
import type { Wrapping } from './algorithm.ts'
import { KeyMaterial, rawBytes } from './key-material.ts'
import { refuseKey } from './key-rule.ts'

/** Far above the longest key there is (ML-DSA-87 and RSA-4096 take 2 to 5 KiB). */
const MAX_INNER_BYTES = 16 * 1024
/** Both modes work on semiblocks of 64 bits. */
const SEMIBLOCK_BYTES = 8

interface WrapMode {
  readonly cipher: 'id-aes256-wrap' | 'id-aes256-wrap-pad'
  readonly initialValue: Buffer
  /** The lengths in bytes that the RFC allows for the inner key, and for the blob it becomes. */
  takesInner(bytes: number): boolean
  takesBlob(bytes: number): boolean
}

/** AES-KW: RFC 3394; NIST SP 800-38F, section 6.2. Inner keys of 16, 24, 32 … bytes. */
export const aesKeyWrap: Wrapping = createWrapping({
  cipher: 'id-aes256-wrap',
  initialValue: Buffer.from('a6a6a6a6a6a6a6a6', 'hex'), // RFC 3394, section 2.2.3.1
  // A single semiblock is ruled out by RFC 3394, section 2 (n is 2 or more); not every library minds.
  takesInner: (bytes) => bytes >= 2 * SEMIBLOCK_BYTES && bytes % SEMIBLOCK_BYTES === 0,
  takesBlob: (bytes) => bytes >= 3 * SEMIBLOCK_BYTES && bytes % SEMIBLOCK_BYTES === 0,
})

/** AES-KWP: RFC 5649; NIST SP 800-38F, section 6.3. Inner keys of any length from 1. */
export const aesKeyWrapWithPadding: Wrapping = createWrapping({
  cipher: 'id-aes256-wrap-pad',
  initialValue: Buffer.from('a65959a6', 'hex'), // RFC 5649, section 3
  takesInner: (bytes) => bytes >= 1,
  takesBlob: (bytes) => bytes >= 2 * SEMIBLOCK_BYTES && bytes % SEMIBLOCK_BYTES === 0,
})

function createWrapping(mode: WrapMode): Wrapping {
  return {
    wrap(material, inner) {
      if (inner.length > MAX_INNER_BYTES || !mode.takesInner(inner.length)) refuseKey('key-bytes')
      const cipher = createCipheriv(mode.cipher, material.secretKey(), mode.initialValue)
      return Buffer.concat([cipher.update(rawBytes(inner)), cipher.final()])
    },
    unwrap(material, blob) {
      if (blob.length > MAX_INNER_BYTES + 2 * SEMIBLOCK_BYTES || !mode.takesBlob(blob.length))
        return undefined
      const plain = decipher(mode, material, blob)
      if (plain === undefined) return undefined
      const inner = new KeyMaterial(plain)
      plain.fill(0)
      return inner
    },
  }
}

function decipher(mode: WrapMode, material: KeyMaterial, blob: Uint8Array): Uint8Array | undefined {
  const cipher = createDecipheriv(mode.cipher, material.secretKey(), mode.initialValue)
  try {
    const plain = cipher.update(blob)
    cipher.final()
    return plain // Both modes give everything in one piece.
  } catch {
    return undefined
  }
}
