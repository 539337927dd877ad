import { constants, type KeyObject, privateDecrypt, publicEncrypt } from 'node:crypto'
import { CoffreError } from '../model/errors.ts'
import type { KeyMaterial } from './key-material.ts'
import { privateKeyOf, publicKeyOf } from './key-object.ts'

const DIGEST_BYTES = 32

/** RSAES-OAEP adds two digests and two bytes (RFC 8017, section 7.1.1). */
const OAEP_OVERHEAD_BYTES = 2 * DIGEST_BYTES + 2

/** The longest plaintext in bytes that one block of this key takes: 446 for RSA-4096. */
export function oaepCapacity(material: KeyMaterial): number {
  return blockBytes(publicKeyOf(material)) - OAEP_OVERHEAD_BYTES
}

/**
 * One block of RSAES-OAEP with SHA-256 and MGF1-SHA-256 (RFC 8017, section 7.1), as long as the modulus.
 * `label` is bound to it and may be empty. Throws LIMIT_EXCEEDED for a plaintext above `oaepCapacity`.
 */
export function oaepEncrypt(material: KeyMaterial, plaintext: Uint8Array, label: Uint8Array): Uint8Array {
  const key = publicKeyOf(material)
  const maximum = blockBytes(key) - OAEP_OVERHEAD_BYTES
  if (plaintext.length > maximum)
    throw new CoffreError('LIMIT_EXCEEDED', { facts: { at: 'plaintext', maximum } })
  return publicEncrypt(oaepOptions(key, label), plaintext)
}

/** `undefined` where the block does not open under this key and label, whatever the cause. */
export function oaepDecrypt(
  material: KeyMaterial,
  block: Uint8Array,
  label: Uint8Array,
): Uint8Array | undefined {
  const key = privateKeyOf(material)
  // OpenSSL also takes blocks that lost their leading zeros; RFC 8017, section 7.1.2, step 1.b does not.
  if (block.length !== blockBytes(key)) return undefined
  try {
    return privateDecrypt(oaepOptions(key, label), block)
  } catch {
    return undefined
  }
}

function oaepOptions(key: KeyObject, label: Uint8Array) {
  const options = { key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' } // The MGF1 hash follows.
  return label.length === 0 ? options : { ...options, oaepLabel: Buffer.from(label) }
}

function blockBytes(key: KeyObject): number {
  return (key.asymmetricKeyDetails?.modulusLength ?? 0) / 8
}
