import type { ApiKeys, EmbeddedApiKeys } from './api-key.ts'
import type { Ceremonies } from './ceremony.ts'
import type { Audit } from './audit.ts'
import type { CoffreBackups } from './backup-schedule.ts'
import type { CoffreCache } from './cache.ts'
import type { ErrorCode, ErrorFacts } from './errors.ts'
import type { Diagnosis, DiagnosisRequest } from './diagnosis.ts'
import type { Logins } from './login-role.ts'
import type { Secret } from './secret.ts'
import type { CoffreSessions } from './session.ts'
import type { Policies, Tokens } from './coffre-access.ts'
import type { Keys } from './coffre-keys.ts'
import type { Streams } from './streams.ts'
import type { Users } from './user.ts'

export type * from './coffre-access.ts'
export type * from './coffre-keys.ts'
export type * from './coffre-transfer.ts'

/**
 * What a user of Coffre holds. `openCoffre` (embedded) and `connectCoffre` (a server) give the same
 * interface; every method rejects with a CoffreError. Binary values are Uint8Array; where a string is
 * accepted it means its UTF-8 bytes. Moments are ISO 8601 in UTC.
 */
export interface Coffre extends Streams {
  readonly keys: Keys
  readonly tokens: Tokens
  readonly policies: Policies
  readonly logins: Logins
  readonly users: Users
  readonly apiKeys: ApiKeys
  readonly sessions: CoffreSessions
  /** Encrypted entries of users, each in a space of its own. */
  readonly cache: CoffreCache
  /** Those that a server makes by itself, and the trail of all others. */
  readonly backups: CoffreBackups
  readonly audit: Audit
  readonly operator: Operator

  encrypt(request: EncryptRequest): Promise<Encrypted>
  decrypt(request: DecryptRequest): Promise<Decrypted>
  /** From its version to the current one (or another key, or another context); plaintext never leaves. */
  rewrap(request: RewrapRequest): Promise<Encrypted>
  sign(request: SignRequest): Promise<Signed>
  /** Resolves when the signature is valid; rejects with SIGNATURE_INVALID otherwise. */
  verify(request: VerifyRequest): Promise<Verified>
  mac(request: MacRequest): Promise<Maced>
  /** Resolves when the MAC is valid; rejects with SIGNATURE_INVALID otherwise. */
  verifyMac(request: VerifyMacRequest): Promise<Verified>
  generateDataKey(request: DataKeyRequest): Promise<DataKey>
  /** Key agreement with a peer, then HKDF (docs/spec/agreement.md). */
  deriveKey(request: DeriveKeyRequest): Promise<DerivedKey>
  random(request: RandomRequest): Promise<RandomBytes>
  /** The same operations over up to 1,000 items; each item succeeds or fails on its own. */
  batch<Name extends DataOperationName>(
    operation: Name,
    items: readonly DataOperations[Name]['request'][],
  ): Promise<readonly BatchItem<DataOperations[Name]['result']>[]>
  /**
   * As `batch`, for any number of items in constant memory: an answer for each, in order. What ends the whole
   * (no token, no key store) ends the iteration with an error.
   */
  batchStream<Name extends DataOperationName>(
    operation: Name,
    items: AsyncIterable<DataOperations[Name]['request']> | Iterable<DataOperations[Name]['request']>,
  ): AsyncIterable<BatchItem<DataOperations[Name]['result']>>
  /** Tells what a blob is, and its key and version, without using a key. */
  inspect(blob: string | Uint8Array): Promise<Inspection>
  /** Why a blob does not decrypt; for admins and operators, and never with its plaintext. */
  diagnose(request: DiagnosisRequest): Promise<Diagnosis>

  close(): Promise<void>
}

/** What `openCoffre` gives: besides, what never leaves the process that holds the store. */
export interface EmbeddedCoffre extends Coffre {
  readonly apiKeys: EmbeddedApiKeys
}

export interface DataOperations {
  readonly encrypt: { readonly request: EncryptRequest; readonly result: Encrypted }
  readonly decrypt: { readonly request: DecryptRequest; readonly result: Decrypted }
  readonly rewrap: { readonly request: RewrapRequest; readonly result: Encrypted }
  readonly sign: { readonly request: SignRequest; readonly result: Signed }
  readonly verify: { readonly request: VerifyRequest; readonly result: Verified }
  readonly mac: { readonly request: MacRequest; readonly result: Maced }
  readonly 'verify-mac': { readonly request: VerifyMacRequest; readonly result: Verified }
  readonly 'data-key': { readonly request: DataKeyRequest; readonly result: DataKey }
  readonly 'derive-key': { readonly request: DeriveKeyRequest; readonly result: DerivedKey }
  readonly random: { readonly request: RandomRequest; readonly result: RandomBytes }
}

export type DataOperationName = keyof DataOperations

export const DATA_OPERATION_NAMES = [
  'encrypt',
  'decrypt',
  'rewrap',
  'sign',
  'verify',
  'mac',
  'verify-mac',
  'data-key',
  'derive-key',
  'random',
] as const satisfies readonly DataOperationName[]

export type BatchItem<Result> =
  | { readonly ok: true; readonly value: Result }
  | { readonly ok: false; readonly error: BatchError }

export interface BatchError {
  readonly code: ErrorCode
  readonly message: string
  readonly next: string
  readonly facts: ErrorFacts
}

/** Pairs that are bound to a ciphertext and needed again to decrypt it. They are not secret. */
export type ContextPairs = Readonly<Record<string, string>>

export interface EncryptRequest {
  readonly key: string
  readonly plaintext: string | Uint8Array
  readonly context?: ContextPairs
}

export interface Encrypted {
  readonly ciphertext: string
  readonly key: string
  readonly version: number
}

export interface DecryptRequest {
  readonly ciphertext: string
  readonly context?: ContextPairs
  /** Needed where the format does not name its key (Fernet tokens, bare RSA-OAEP blocks); checked elsewhere. */
  readonly key?: string
}

export interface Decrypted {
  readonly plaintext: Uint8Array
  readonly key: string
  readonly version: number
}

export interface RewrapRequest {
  readonly ciphertext: string
  readonly context?: ContextPairs
  /** The key that it is under; as in `DecryptRequest`. */
  readonly key?: string
  /** Absent: the same key. */
  readonly toKey?: string
  /** Absent: the same context. */
  readonly toContext?: ContextPairs
}

export interface SignRequest {
  readonly key: string
  readonly message: string | Uint8Array
}

export interface Signed {
  readonly signature: Uint8Array
  readonly key: string
  readonly version: number
}

export interface VerifyRequest {
  readonly key: string
  readonly message: string | Uint8Array
  readonly signature: Uint8Array
  /** Absent: every version that may still verify is tried. */
  readonly version?: number
}

export interface Verified {
  readonly key: string
  readonly version: number
}

export interface MacRequest {
  readonly key: string
  readonly message: string | Uint8Array
}

export interface Maced {
  readonly mac: Uint8Array
  readonly key: string
  readonly version: number
}

export interface VerifyMacRequest {
  readonly key: string
  readonly message: string | Uint8Array
  readonly mac: Uint8Array
  readonly version?: number
}

export interface DataKeyRequest {
  readonly key: string
  /** 16 to 64; 32 when absent. */
  readonly bytes?: number
  readonly context?: ContextPairs
  /** Absent or true: the plaintext comes too. False: only the ciphertext, for later use elsewhere. */
  readonly withPlaintext?: boolean
}

export interface DataKey {
  /** Open it with `decrypt`. */
  readonly ciphertext: string
  readonly plaintext?: Uint8Array
  readonly key: string
  readonly version: number
}

export interface DeriveKeyRequest {
  readonly key: string
  /** X25519, as SPKI PEM. */
  readonly peerPublicKey: string
  /** What the derived key is for; the peer uses the same. */
  readonly info: string
  /** 16 to 64; 32 when absent. */
  readonly bytes?: number
  /** Absent: the current version. */
  readonly version?: number
}

export interface DerivedKey {
  readonly derivedKey: Uint8Array
  readonly key: string
  readonly version: number
}

export interface RandomRequest {
  /** 1 to 65,536; 32 when absent. */
  readonly bytes?: number
}

export interface RandomBytes {
  readonly bytes: Uint8Array
}

export type BlobFormat =
  | 'coffre-ciphertext'
  | 'coffre-rsa-oaep'
  | 'coffre-file'
  | 'coffre-wrapped-data-key'
  | 'fernet'
  | 'vault-transit'
  | 'jws'
  | 'jwe'
  | 'coffre-token'
  | 'unknown'

export interface Inspection {
  readonly format: BlobFormat
  readonly algorithm?: string
  /** The key's name where this Coffre knows it. */
  readonly key?: string
  readonly keyId?: string
  readonly version?: number
  readonly createdAt?: string
  /** Other facts that the format shows without a key. */
  readonly facts: ErrorFacts
}

export interface Operator {
  status(): Promise<StatusView>
  /** Forgets the root key and every unwrapped key. */
  seal(): Promise<StatusView>
  /**
   * `passphrase` only where a passphrase seals; one `share` at a time where shares do, until there are enough;
   * neither where the process can reach the seal key itself.
   */
  unseal(options?: UnsealOptions): Promise<StatusView>
  readonly ceremonies: Ceremonies
}

export interface UnsealOptions {
  readonly passphrase?: Secret | undefined
  /** As text or as words. */
  readonly share?: Secret | undefined
  /** True: forget the shares that were given so far. */
  readonly reset?: boolean
}

export interface StatusView {
  readonly version: string
  readonly initialised: boolean
  readonly sealed: boolean
  readonly sealProvider?: string
  /** While shares are collected to unseal: how many were given, of how many. */
  readonly sharesGiven?: number
  readonly sharesNeeded?: number
  /** Of the newest root key. */
  readonly rootGeneration?: number
  /** While the root key is rotated: what is still under the one before. */
  readonly rootRemaining?: number
  readonly store: string
  readonly auditSize?: number
}
