import type { AlgorithmName, KeyPurpose } from './algorithm-name.ts'
import type { KeyLabelsView } from './coffre-keys.ts'
import type { Secret } from './secret.ts'

/** How a key travels under an RSA public key (docs/spec/key-transport.md). The second takes keys of any length. */
export const KEY_TRANSPORTS = ['rsa-oaep-sha256', 'rsa-aes-key-wrap'] as const

export type KeyTransport = (typeof KEY_TRANSPORTS)[number]

export interface ImportParams {
  /** RSA-4096, SPKI PEM. */
  readonly publicKey: string
  /** Goes back with the wrapped key. It serves once. */
  readonly importToken: string
  readonly expiresAt: string
}

/** A key as other programs write it. */
export interface OpenKeyInput {
  readonly format: 'pem' | 'der' | 'jwk' | 'raw'
  readonly bytes: Uint8Array
  /** Of an encrypted PKCS#8. */
  readonly passphrase?: Secret
}

/** PKCS#8 DER or raw bytes, wrapped under the public key of `importParams`. */
export interface TransportedKeyInput {
  readonly format: 'transported'
  readonly transport: KeyTransport
  readonly importToken: string
  readonly bytes: Uint8Array
}

/** PKCS#8 DER or raw bytes, under a key of purpose `wrap` (AES-KW, AES-KWP). */
export interface WrappedKeyInput {
  readonly format: 'wrapped'
  readonly wrappingKey: string
  readonly bytes: Uint8Array
}

export type KeyMaterialInput = OpenKeyInput | TransportedKeyInput | WrappedKeyInput

export interface ImportKeyRequest extends Partial<KeyLabelsView> {
  readonly name: string
  readonly algorithm: AlgorithmName
  /** Needed only where the algorithm serves several. */
  readonly purpose?: KeyPurpose
  /** Whether it may leave again. Never turned on later. */
  readonly exportable?: boolean
  readonly material: KeyMaterialInput
}

/** Under what a key leaves. */
export type ExportTarget =
  | { readonly kind: 'wrapping-key'; readonly wrappingKey: string }
  | { readonly kind: 'recipient'; readonly publicKey: string; readonly transport?: KeyTransport }
  | { readonly kind: 'passphrase'; readonly passphrase: Secret }

export interface ExportKeyRequest {
  /** Absent: the current version. */
  readonly version?: number
  readonly target: ExportTarget
}

export interface ExportedKey {
  readonly key: string
  readonly version: number
  /** For a passphrase encrypted PKCS#8 DER, else the wrapped PKCS#8 DER or raw bytes. */
  readonly wrapped: Uint8Array
}
