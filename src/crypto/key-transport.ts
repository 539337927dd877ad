import { constants, createPublicKey, type KeyObject, privateDecrypt, publicEncrypt } from 'node:crypto'
import type { KeyTransport } from '../model/coffre-transfer.ts'
import { KeyMaterial, rawBytes } from './key-material.ts'
import { privateKeyOf } from './key-object.ts'
import { refuseKey } from './key-rule.ts'
import { aesKeyWrapWithPadding } from './key-wrap.ts'
import { parseSpkiPem } from './pem.ts'
import { randomKeyMaterial } from './random.ts'
import { checkRsaPublicKey } from './rsa-rules.ts'

// docs/spec/key-transport.md: a key on its way from or to somebody who has an RSA key pair.

const OAEP = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' } // The MGF1 hash follows.
const RSA_BITS: readonly number[] = [2048, 3072, 4096]
const OAEP_OVERHEAD_BYTES = 66

/** Throws KEY_REFUSED for a weak public key, or a key too long for one block of it. */
export function wrapForRecipient(pem: string, inner: KeyMaterial, transport: KeyTransport): Uint8Array {
  const key = readRecipient(pem)
  if (transport === 'rsa-oaep-sha256') return encryptBlock(key, inner)
  const ephemeral = randomKeyMaterial(32)
  try {
    return Buffer.concat([encryptBlock(key, ephemeral), aesKeyWrapWithPadding.wrap(ephemeral, inner)])
  } finally {
    ephemeral.wipe()
  }
}

/** `undefined` where the blob does not open, whatever the cause. */
export function unwrapAsRecipient(
  pair: KeyMaterial,
  blob: Uint8Array,
  transport: KeyTransport,
): KeyMaterial | undefined {
  const key = privateKeyOf(pair)
  const blockBytes = (key.asymmetricKeyDetails?.modulusLength ?? 0) / 8
  const first = decryptBlock(key, blob.subarray(0, blockBytes))
  const rest = blob.subarray(blockBytes)
  if (first === undefined || transport === 'rsa-oaep-sha256') return rest.length === 0 ? first : undefined
  try {
    return first.length === 32 ? aesKeyWrapWithPadding.unwrap(first, rest) : undefined
  } finally {
    first.wipe()
  }
}

function readRecipient(pem: string): KeyObject {
  const der = parseSpkiPem(pem) ?? refuseKey('spki')
  try {
    const key = createPublicKey({ key: Buffer.from(der), format: 'der', type: 'spki' })
    const bits = key.asymmetricKeyDetails?.modulusLength ?? 0
    if (key.asymmetricKeyType !== 'rsa') refuseKey('type')
    checkRsaPublicKey(key, RSA_BITS.includes(bits) ? bits : refuseKey('rsa-modulus-bits'))
    return key
  } catch (cause) {
    return cause instanceof Error && 'facts' in cause ? rethrow(cause) : refuseKey('spki', cause)
  }
}

function rethrow(error: Error): never {
  throw error
}

function encryptBlock(key: KeyObject, inner: KeyMaterial): Uint8Array {
  const most = (key.asymmetricKeyDetails?.modulusLength ?? 0) / 8 - OAEP_OVERHEAD_BYTES
  if (inner.length > most) refuseKey('key-bytes')
  return publicEncrypt({ key, ...OAEP }, rawBytes(inner))
}

function decryptBlock(key: KeyObject, block: Uint8Array): KeyMaterial | undefined {
  if (block.length * 8 !== key.asymmetricKeyDetails?.modulusLength) return undefined
  try {
    const bytes = privateDecrypt({ key, ...OAEP }, block)
    const material = new KeyMaterial(bytes)
    bytes.fill(0)
    return material
  } catch {
    return undefined
  }
}
