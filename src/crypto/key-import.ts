import { createECDH, createPublicKey, type KeyObject } from 'node:crypto'
import { type KeyMaterial, rawBytes } from './key-material.ts'
import { privateKeyOf } from './key-object.ts'
import { refuseKey } from './key-rule.ts'
import { checkRsaPrivateKey, checkRsaPublicKey } from './rsa-rules.ts'

interface EcShape {
  readonly kind: 'ec'
  /** As OpenSSL names it. */
  readonly curve: string
  readonly coordinateBytes: number
  readonly identifier: string
}

/** What a key pair of one row has to be. The identifiers are DER of AlgorithmIdentifier, in hex. */
export type KeyPairShape =
  | { readonly kind: 'rsa'; readonly modulusBits: number; readonly identifier: string }
  | EcShape
  | { readonly kind: 'ed25519' | 'x25519'; readonly identifier: string }

const RSA_IDENTIFIER = '300d06092a864886f70d0101010500' // RFC 8017, appendix A.1
const EC_PUBLIC_KEY = '06072a8648ce3d0201' // RFC 5480, section 2.1.1

export function rsaShape(modulusBits: number): KeyPairShape {
  return { kind: 'rsa', modulusBits, identifier: RSA_IDENTIFIER }
}

/** Named curves only (RFC 5480, section 2.1.1); OpenSSL alone also takes explicit parameters. */
export const EC_SHAPES = {
  p256: ecShape('prime256v1', 32, `3013${EC_PUBLIC_KEY}06082a8648ce3d030107`),
  p384: ecShape('secp384r1', 48, `3010${EC_PUBLIC_KEY}06052b81040022`),
  p521: ecShape('secp521r1', 66, `3010${EC_PUBLIC_KEY}06052b81040023`),
} as const

/** RFC 8410, section 3. */
export const ED25519_SHAPE: KeyPairShape = { kind: 'ed25519', identifier: '300506032b6570' }
export const X25519_SHAPE: KeyPairShape = { kind: 'x25519', identifier: '300506032b656e' }

function ecShape(curve: string, coordinateBytes: number, identifier: string): EcShape {
  return { kind: 'ec', curve, coordinateBytes, identifier }
}

/** An RSA-4096 private key takes 2,374 bytes; nothing longer is parsed. */
const MAX_DER_BYTES = 4_096

/** Refuses a symmetric key outside the bounds, or one that repeats a single byte (a forgotten buffer). */
export function checkSymmetricKey(material: KeyMaterial, bytes: { minimum: number; maximum: number }): void {
  if (material.length < bytes.minimum || material.length > bytes.maximum) refuseKey('key-bytes')
  const key = rawBytes(material)
  if (repeatsAfter(key, 1) || repeatsAfter(key, Math.floor(key.length / 2))) refuseKey('constant-bytes')
}

/** A buffer that was forgotten, or a key of half the length written twice. */
function repeatsAfter(key: Uint8Array, period: number): boolean {
  let difference = 0
  for (const [index, byte] of key.subarray(period).entries()) difference |= byte ^ (key[index] ?? 0)
  return difference === 0
}

/** Refuses PKCS#8 DER that is not exactly one sound private key of `shape`. */
export function checkPrivateKey(material: KeyMaterial, shape: KeyPairShape): void {
  const der = rawBytes(material)
  const content = derContent(der)
  const key = privateKeyOf(material)
  checkType(key, shape)
  // Version 0, then the identifier: RFC 5958 fixes their order, so no search is needed.
  if (!startsWithHex(content, `020100${shape.identifier}`)) refuseKey('algorithm-identifier')
  if (shape.kind === 'rsa') checkRsaPrivateKey(key, shape.modulusBits)
  if (shape.kind === 'ec') checkEcPrivateKey(key, shape.curve)
}

/** Parses the SPKI DER of a public key of `shape`; throws KEY_REFUSED for every other form of it. */
export function parsePublicKey(spki: Uint8Array, shape: KeyPairShape): KeyObject {
  const content = derContent(spki)
  const key = parseSpki(spki)
  checkType(key, shape)
  if (!startsWithHex(content, shape.identifier)) refuseKey('algorithm-identifier')
  // One public key has one encoding here: no compressed points, no trailing bytes, no BER.
  if (!key.export({ format: 'der', type: 'spki' }).equals(spki)) refuseKey('spki')
  if (shape.kind === 'rsa') checkRsaPublicKey(key, shape.modulusBits)
  if (shape.kind === 'ec') checkEcPoint(spki, shape.coordinateBytes)
  return key
}

function parseSpki(spki: Uint8Array): KeyObject {
  try {
    return createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' })
  } catch (cause) {
    return refuseKey('spki', cause)
  }
}

function checkType(key: KeyObject, shape: KeyPairShape): void {
  if (key.asymmetricKeyType !== shape.kind) refuseKey('type')
  if (shape.kind === 'ec' && key.asymmetricKeyDetails?.namedCurve !== shape.curve) refuseKey('type')
}

/** The content of the outermost SEQUENCE, which has to fill `der` completely. */
function derContent(der: Uint8Array): Uint8Array {
  if (der.length > MAX_DER_BYTES || der[0] !== 0x30) refuseKey('der-length')
  const first = der[1] ?? 0
  const lengthBytes = first < 0x80 ? 0 : first - 0x80
  if (lengthBytes > 2) refuseKey('der-length')
  let length = lengthBytes === 0 ? first : 0
  for (const byte of der.subarray(2, 2 + lengthBytes)) length = length * 256 + byte
  const content = der.subarray(2 + lengthBytes)
  return content.length === length ? content : refuseKey('der-length')
}

function startsWithHex(bytes: Uint8Array, hex: string): boolean {
  return Buffer.from(bytes.subarray(0, hex.length / 2)).toString('hex') === hex
}

/** OpenSSL takes a stored public point that does not belong to the private number, so it is computed again. */
function checkEcPrivateKey(key: KeyObject, curve: string): void {
  const { d, x, y } = key.export({ format: 'jwk' })
  const computed = createECDH(curve)
  try {
    computed.setPrivateKey(Buffer.from(d ?? '', 'base64url'))
  } catch (cause) {
    refuseKey('off-curve', cause)
  }
  const stored = Buffer.concat([
    Buffer.of(4),
    Buffer.from(x ?? '', 'base64url'),
    Buffer.from(y ?? '', 'base64url'),
  ])
  if (!computed.getPublicKey().equals(stored)) refuseKey('public-half')
}

/** OpenSSL has checked the curve equation; the uncompressed form is ours to insist on (RFC 5480, section 2.2). */
function checkEcPoint(spki: Uint8Array, coordinateBytes: number): void {
  if (spki.at(-1 - 2 * coordinateBytes) !== 4 || spki.at(-2 - 2 * coordinateBytes) !== 0) refuseKey('spki')
}
