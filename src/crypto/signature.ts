import { constants, type KeyObject, sign, type SigningOptions, verify } from 'node:crypto'
import { CoffreError } from '../model/errors.ts'
import type { Signing } from './algorithm.ts'
import { EC_SHAPES, ED25519_SHAPE, type KeyPairShape, parsePublicKey, rsaShape } from './key-import.ts'
import { privateKeyOf, publicKeyOf } from './key-object.ts'

interface SignatureScheme {
  readonly shape: KeyPairShape
  /** Null where the algorithm hashes by itself. */
  readonly digest: 'sha256' | 'sha384' | 'sha512' | null
  readonly options: SigningOptions
}

/** RSASSA-PSS (RFC 8017, section 8.1) with SHA-256, MGF1-SHA-256 and a salt of 32 bytes for every modulus. */
export function rsaPssSigning(modulusBits: number): Signing {
  return createSigning({
    shape: rsaShape(modulusBits),
    digest: 'sha256',
    options: { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 },
  })
}

/** ECDSA (FIPS 186-5, section 6) with DER signatures (RFC 3279, section 2.2.3) and the hash of the curve's strength. */
export function ecdsaSigning(curve: keyof typeof EC_SHAPES): Signing {
  const digest = { p256: 'sha256', p384: 'sha384', p521: 'sha512' } as const
  const options = { dsaEncoding: 'der' } as const
  return createSigning({
    shape: EC_SHAPES[curve],
    digest: digest[curve],
    options,
  })
}

/** Ed25519 (RFC 8032, section 5.1). OpenSSL refuses S outside the group order and non-canonical R by comparison. */
export const ed25519Signing: Signing = createSigning({
  shape: ED25519_SHAPE,
  digest: null,
  options: {},
})

function createSigning(scheme: SignatureScheme): Signing {
  const check = (key: KeyObject, message: Uint8Array, signature: Uint8Array) =>
    verify(scheme.digest, message, { key, ...scheme.options }, signature)
  return {
    sign(material, message) {
      const key = privateKeyOf(material)
      const signature = sign(scheme.digest, message, { key, ...scheme.options })
      // A faulty signature can give the private key away (Boneh, DeMillo, Lipton, 1997; for Ed25519 as well),
      // so none leaves unchecked.
      if (!check(publicKeyOf(material), message, signature)) {
        throw new CoffreError('INTERNAL', { facts: { check: 'signature-before-release' } })
      }
      return signature
    },
    verify: (material, message, signature) => check(publicKeyOf(material), message, signature),
    verifyWithPublicKey: (spki, message, signature) =>
      check(parsePublicKey(spki, scheme.shape), message, signature),
  }
}
