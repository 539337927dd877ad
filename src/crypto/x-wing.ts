import {
  createHash,
  createPrivateKey,
  createPublicKey,
  decapsulate,
  diffieHellman,
  encapsulate,
  generateKeyPairSync,
  type KeyObject,
} from 'node:crypto'
import { concat } from './bytes.ts'
import { KeyMaterial, rawBytes, type Slot } from './key-material.ts'
import { refuseKey } from './key-rule.ts'

/**
 * X-Wing (draft-connolly-cfrg-xwing-kem-06): ML-KEM-768 (FIPS 203) and X25519 (RFC 7748) together, so that both have to be
 * broken. A secret key is its seed of 32 bytes.
 */

const SEED_BYTES = 32
const ML_KEM_SEED_BYTES = 64
const ML_KEM_PUBLIC_BYTES = 1_184
const ML_KEM_CIPHERTEXT_BYTES = 1_088
const X25519_BYTES = 32
export const PUBLIC_BYTES = ML_KEM_PUBLIC_BYTES + X25519_BYTES
export const ENCAPSULATED_BYTES = ML_KEM_CIPHERTEXT_BYTES + X25519_BYTES
/** `\.//^\` in ASCII. */
const LABEL = Buffer.from('5c2e2f2f5e5c', 'hex')

/** PKCS#8 (RFC 9935 for ML-KEM: its seed alone; RFC 8410 for X25519) and SPKI are these and the raw bytes. */
const ML_KEM_PKCS8 = Buffer.from('3054020100300b060960864801650304040204428040', 'hex')
const ML_KEM_SPKI = Buffer.from('308204b2300b0609608648016503040402038204a100', 'hex')
const X25519_PKCS8 = Buffer.from('302e020100300506032b656e04220420', 'hex')
const X25519_SPKI = Buffer.from('302a300506032b656e032100', 'hex')

interface Pair {
  readonly mlKem: KeyObject
  readonly x25519: KeyObject
  readonly publicKey: Uint8Array
}

const PAIR: Slot<Pair> = Symbol('X-Wing pair')

export interface Encapsulated {
  /** 32 bytes, uniform. */
  readonly shared: KeyMaterial
  /** 1,120 bytes. */
  readonly encapsulated: Uint8Array
}

/** 1,216 bytes. Throws KEY_REFUSED unless the seed has 32. */
export function xWingPublicKey(seed: KeyMaterial): Uint8Array {
  return pairOf(seed).publicKey
}

/** A secret that only the holder of the seed can find again. Throws KEY_REFUSED for what is no public key. */
export function xWingEncapsulate(publicKey: Uint8Array): Encapsulated {
  const { mlKem, x25519 } = splitPublicKey(publicKey)
  const { sharedKey, ciphertext } = encapsulate(mlKem)
  const ephemeral = generateKeyPairSync('x25519')
  const point = rawPublic(ephemeral.publicKey, X25519_SPKI)
  const agreed = agree(ephemeral.privateKey, x25519)
  const shared = combine(sharedKey, agreed, point, publicKey.subarray(ML_KEM_PUBLIC_BYTES))
  return { shared, encapsulated: concat(ciphertext, point) }
}

/**
 * The secret of `xWingEncapsulate`; another one, without an error, where `encapsulated` is not for this seed (FIPS 203, 6.3).
 * Throws KEY_REFUSED for another length and for a point of low order.
 */
export function xWingDecapsulate(seed: KeyMaterial, encapsulated: Uint8Array): KeyMaterial {
  if (encapsulated.length !== ENCAPSULATED_BYTES) return refuseKey('length')
  const { mlKem, x25519, publicKey } = pairOf(seed)
  const point = encapsulated.subarray(ML_KEM_CIPHERTEXT_BYTES)
  const sharedKey = decapsulate(mlKem, encapsulated.subarray(0, ML_KEM_CIPHERTEXT_BYTES))
  const agreed = agree(x25519, toKey(X25519_SPKI, point))
  return combine(sharedKey, agreed, point, publicKey.subarray(ML_KEM_PUBLIC_BYTES))
}

function pairOf(seed: KeyMaterial): Pair {
  if (seed.length !== SEED_BYTES) return refuseKey('length')
  return seed.derive(PAIR, () => expand(rawBytes(seed)))
}

function expand(seed: Uint8Array): Pair {
  const bytes = createHash('shake256', { outputLength: ML_KEM_SEED_BYTES + X25519_BYTES })
    .update(seed)
    .digest()
  const mlKem = toPrivateKey(ML_KEM_PKCS8, bytes.subarray(0, ML_KEM_SEED_BYTES))
  const x25519 = toPrivateKey(X25519_PKCS8, bytes.subarray(ML_KEM_SEED_BYTES))
  bytes.fill(0)
  const publicKey = concat(
    rawPublic(createPublicKey(mlKem), ML_KEM_SPKI),
    rawPublic(createPublicKey(x25519), X25519_SPKI),
  )
  return { mlKem, x25519, publicKey }
}

function splitPublicKey(publicKey: Uint8Array): { readonly mlKem: KeyObject; readonly x25519: KeyObject } {
  if (publicKey.length !== PUBLIC_BYTES) return refuseKey('length')
  return {
    mlKem: toKey(ML_KEM_SPKI, publicKey.subarray(0, ML_KEM_PUBLIC_BYTES)),
    x25519: toKey(X25519_SPKI, publicKey.subarray(ML_KEM_PUBLIC_BYTES)),
  }
}

/** A point of low order gives zeros (RFC 7748, section 6.1), which OpenSSL refuses. */
function agree(privateKey: KeyObject, publicKey: KeyObject): Buffer {
  try {
    return diffieHellman({ privateKey, publicKey })
  } catch (cause) {
    return refuseKey('low-order', cause)
  }
}

function combine(mlKem: Buffer, x25519: Buffer, point: Uint8Array, publicPoint: Uint8Array): KeyMaterial {
  const digest = createHash('sha3-256')
    .update(mlKem)
    .update(x25519)
    .update(point)
    .update(publicPoint)
    .update(LABEL)
    .digest()
  const shared = new KeyMaterial(digest)
  for (const bytes of [mlKem, x25519, digest]) bytes.fill(0)
  return shared
}

function toPrivateKey(prefix: Uint8Array, raw: Uint8Array): KeyObject {
  const key = Buffer.concat([prefix, raw])
  try {
    return createPrivateKey({ key, format: 'der', type: 'pkcs8' })
  } finally {
    key.fill(0)
  }
}

function toKey(prefix: Uint8Array, raw: Uint8Array): KeyObject {
  try {
    return createPublicKey({ key: Buffer.concat([prefix, raw]), format: 'der', type: 'spki' })
  } catch (cause) {
    return refuseKey('spki', cause)
  }
}

function rawPublic(key: KeyObject, prefix: Uint8Array): Uint8Array {
  return key.export({ format: 'der', type: 'spki' }).subarray(prefix.length)
}
