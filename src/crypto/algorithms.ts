import { ALGORITHM_NAMES, type AlgorithmName } from '../model/algorithm-name.ts'
import { CoffreError } from '../model/errors.ts'
import { x25519Agreement } from './agreement.ts'
import type { Algorithm } from './algorithm.ts'
import { nativeEncryption } from './ciphertext.ts'
import { fernetEncryption } from './fernet-encryption.ts'
import {
  checkPrivateKey,
  checkSymmetricKey,
  EC_SHAPES,
  ED25519_SHAPE,
  type KeyPairShape,
  rsaShape,
  X25519_SHAPE,
} from './key-import.ts'
import type { KeyMaterial } from './key-material.ts'
import { exportPublicKey } from './key-object.ts'
import { generateEc, generateEd25519, generateRsa, generateX25519 } from './key-pair.ts'
import { aesKeyWrap, aesKeyWrapWithPadding } from './key-wrap.ts'
import { type HmacDigest, hmacMac } from './mac.ts'
import { oaepEncryption } from './oaep-ciphertext.ts'
import { randomKeyMaterial } from './random.ts'
import { ecdsaSigning, ed25519Signing, rsaPssSigning } from './signature.ts'
import { wrapEncryption } from './wrapped-data-key.ts'

/** Every message has its own salt or shares one with few: docs/spec/ciphertext.md, "Shared subkeys". */
const NATIVE_MAX_USES = 2 ** 40
/** With tokens of 64 KiB that is 2^44 blocks of AES-CBC, and two of them collide with chance 2^-41. */
const FERNET_MAX_USES = 2 ** 32
/** Both modes check 64 bits: 2^32 forgeries tried against one key succeed with chance 2^-32. */
const WRAP_MAX_USES = 2 ** 32
/** No cryptographic bound is near: a million a second reaches it in nine years, longer than any key should live. */
const UNBOUNDED_MAX_USES = 2 ** 48

const ROWS: Readonly<Record<AlgorithmName, Algorithm>> = {
  'aes256-gcm': {
    name: 'aes256-gcm',
    code: 1,
    purposes: ['encrypt'],
    securityBits: 256,
    maxUses: NATIVE_MAX_USES,
    ...symmetric(32),
    encryption: nativeEncryption,
  },
  fernet: {
    name: 'fernet',
    code: 2,
    purposes: ['encrypt'],
    securityBits: 128, // AES-128 and HMAC-SHA-256, 16 bytes of key for each.
    maxUses: FERNET_MAX_USES,
    ...symmetric(32),
    encryption: fernetEncryption,
  },
  'hmac-sha256': { name: 'hmac-sha256', code: 3, securityBits: 256, ...hmac('sha256', 32) },
  'hmac-sha384': { name: 'hmac-sha384', code: 4, securityBits: 384, ...hmac('sha384', 48) },
  'hmac-sha512': { name: 'hmac-sha512', code: 5, securityBits: 512, ...hmac('sha512', 64) },
  'rsa-2048': { name: 'rsa-2048', code: 6, securityBits: 112, ...rsa(2048), ...importOnly() },
  'rsa-3072': { name: 'rsa-3072', code: 7, securityBits: 128, ...rsa(3072), ...importOnly() },
  'rsa-4096': { name: 'rsa-4096', code: 8, securityBits: 152, ...rsa(4096) },
  'ecdsa-p256': { name: 'ecdsa-p256', code: 9, securityBits: 128, ...ecdsa('p256') },
  'ecdsa-p384': { name: 'ecdsa-p384', code: 10, securityBits: 192, ...ecdsa('p384') },
  'ecdsa-p521': { name: 'ecdsa-p521', code: 11, securityBits: 256, ...ecdsa('p521') },
  ed25519: {
    name: 'ed25519',
    code: 12,
    purposes: ['sign'],
    securityBits: 128,
    maxUses: UNBOUNDED_MAX_USES,
    ...keyPair(ED25519_SHAPE, generateEd25519),
    signing: ed25519Signing,
  },
  x25519: {
    name: 'x25519',
    code: 13,
    purposes: ['derive'],
    securityBits: 128,
    maxUses: UNBOUNDED_MAX_USES,
    ...keyPair(X25519_SHAPE, generateX25519),
    agreement: x25519Agreement,
  },
  'aes256-kw': {
    name: 'aes256-kw',
    code: 14,
    purposes: ['wrap'],
    securityBits: 256,
    maxUses: WRAP_MAX_USES,
    ...symmetric(32),
    wrapping: aesKeyWrap,
    encryption: wrapEncryption(aesKeyWrap),
  },
  'aes256-kwp': {
    name: 'aes256-kwp',
    code: 15,
    purposes: ['wrap'],
    securityBits: 256,
    maxUses: WRAP_MAX_USES,
    ...symmetric(32),
    wrapping: aesKeyWrapWithPadding,
    encryption: wrapEncryption(aesKeyWrapWithPadding),
  },
}

/** Every row, in the order of ALGORITHM_NAMES. */
export const ALGORITHMS: readonly Algorithm[] = ALGORITHM_NAMES.map((name) => ROWS[name])

const BY_CODE: ReadonlyMap<number, Algorithm> = new Map(ALGORITHMS.map((row) => [row.code, row]))

/** The row of a name. A name that escaped the type (a damaged record) throws ALGORITHM_UNSUPPORTED. */
export function algorithmFor(name: AlgorithmName): Algorithm {
  if (!Object.hasOwn(ROWS, name)) throw new CoffreError('ALGORITHM_UNSUPPORTED')
  return ROWS[name]
}

/** `undefined` for a code that this version does not know. */
export function algorithmByCode(code: number): Algorithm | undefined {
  return BY_CODE.get(code)
}

function symmetric(bytes: number, maximum = bytes) {
  return {
    generates: true,
    generate: async () => randomKeyMaterial(bytes),
    check: (material: KeyMaterial) => checkSymmetricKey(material, { minimum: bytes, maximum }),
  }
}

/** RFC 7518, section 3.2 wants a key of at least the digest's length; 1 KiB is far above any that exists. */
function hmac(digest: HmacDigest, digestBytes: number) {
  return {
    purposes: ['mac'] as const,
    maxUses: UNBOUNDED_MAX_USES,
    ...symmetric(digestBytes, 1_024),
    mac: hmacMac(digest),
  }
}

function keyPair(shape: KeyPairShape, generate: () => Promise<KeyMaterial>) {
  return {
    generates: true,
    generate,
    check: (material: KeyMaterial) => checkPrivateKey(material, shape),
    publicKey: exportPublicKey,
  }
}

function rsa(modulusBits: number) {
  return {
    purposes: ['encrypt', 'sign'] as const,
    maxUses: UNBOUNDED_MAX_USES,
    ...keyPair(rsaShape(modulusBits), () => generateRsa(modulusBits)),
    signing: rsaPssSigning(modulusBits),
    encryption: oaepEncryption,
  }
}

function ecdsa(curve: keyof typeof EC_SHAPES) {
  return {
    purposes: ['sign'] as const,
    maxUses: UNBOUNDED_MAX_USES,
    ...keyPair(EC_SHAPES[curve], () => generateEc(EC_SHAPES[curve].curve)),
    signing: ecdsaSigning(curve),
  }
}

/** Below 4096 bits, only keys that exist already. */
function importOnly() {
  return {
    generates: false,
    generate: async () => {
      throw new CoffreError('ALGORITHM_UNSUPPORTED')
    },
  }
}
