import type { AlgorithmName, KeyPurpose } from '../model/algorithm-name.ts'
import type { KeyId, TenantId, VersionNumber } from '../model/ids.ts'
import type { KeyMaterial } from './key-material.ts'

/** One version of one key, as the primitives see it. Everything but `material` is bound into what they make. */
export interface VersionKey {
  readonly tenant: TenantId
  readonly keyId: KeyId
  readonly version: VersionNumber
  readonly purpose: KeyPurpose
  readonly material: KeyMaterial
}

/** A caller's own pairs, bound to the ciphertext and needed again to decrypt it. Order does not matter. */
export type Context = Readonly<Record<string, string>>

export interface PlainMessage {
  readonly plaintext: Uint8Array
  readonly context: Context
}

export interface SealedMessage {
  readonly ciphertext: string
  readonly context: Context
}

/**
 * Batch-first: a single operation is a batch of one (docs/design/architecture.md, section 9).
 * Ciphertexts are text; the bytes behind them are in docs/spec.
 */
export interface Encryption {
  /** False for foreign formats, which carry neither our key id nor a context. */
  readonly selfDescribing: boolean
  sealMany(key: VersionKey, messages: readonly PlainMessage[]): string[]
  /** `undefined` where an item does not open, whatever the cause. Never throws for a bad ciphertext. */
  openMany(key: VersionKey, messages: readonly SealedMessage[]): (Uint8Array | undefined)[]
}

export interface Signing {
  /** Raw signature bytes: RSA-PSS as its block, ECDSA as DER (X9.62), Ed25519 as R || S. */
  sign(material: KeyMaterial, message: Uint8Array): Uint8Array
  /** Answers whether it is valid; never throws for a malformed signature. */
  verify(material: KeyMaterial, message: Uint8Array, signature: Uint8Array): boolean
  /** The same for a reader who holds only the public key (SPKI DER). Throws KEY_REFUSED for a bad key. */
  verifyWithPublicKey(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean
}

export interface Mac {
  mac(material: KeyMaterial, message: Uint8Array): Uint8Array
  /** Constant time; only the full length is accepted. */
  verify(material: KeyMaterial, message: Uint8Array, tag: Uint8Array): boolean
}

export interface Wrapping {
  wrap(material: KeyMaterial, inner: KeyMaterial): Uint8Array
  /** `undefined` when the blob does not unwrap. */
  unwrap(material: KeyMaterial, blob: Uint8Array): KeyMaterial | undefined
}

export interface Agreement {
  /** The shared secret with a peer's public key (SPKI DER). Throws KEY_REFUSED for a low-order point. */
  agree(material: KeyMaterial, peerPublicKey: Uint8Array): KeyMaterial
}

/**
 * Everything that Coffre knows of an algorithm. Code below the table receives the row and asks for a
 * capability; nothing switches on a name.
 */
export interface Algorithm {
  readonly name: AlgorithmName
  /** The byte that names it in ciphertext headers. Never reused. */
  readonly code: number
  readonly purposes: readonly KeyPurpose[]
  /** Classical security strength, NIST SP 800-57 Part 1 Rev. 5, table 2. */
  readonly securityBits: number
  /** New keys may have it. False: only imported ones. */
  readonly generates: boolean
  /** Operations that one version may protect before a rotation is forced. */
  readonly maxUses: number
  generate(): Promise<KeyMaterial>
  /** Refuses weak or malformed material with KEY_REFUSED: PKCS#8 DER for private keys, raw bytes otherwise. */
  check(material: KeyMaterial): void
  /** SPKI DER of the public half; absent for symmetric algorithms. */
  publicKey?(material: KeyMaterial): Uint8Array
  readonly encryption?: Encryption
  readonly signing?: Signing
  readonly mac?: Mac
  readonly wrapping?: Wrapping
  readonly agreement?: Agreement
}
