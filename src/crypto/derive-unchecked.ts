// A default import: on a Node without Argon2 this module still loads, and the launcher can say what is missing.
import crypto from 'node:crypto'
import { promisify } from 'node:util'
import { KeyMaterial } from './key-material.ts'
import { WorkGate } from './work-gate.ts'

export type DeriveDigest = 'sha256' | 'sha384' | 'sha512'

export interface HkdfParameters {
  readonly digest: DeriveDigest
  /** May be empty where the input key is uniform (RFC 5869, section 3.1). */
  readonly salt: Uint8Array
  /** What the derived key is for: it keeps keys of different uses apart. */
  readonly info: Uint8Array
  /** Bytes to derive. */
  readonly length: number
}

export interface Pbkdf2Parameters {
  readonly digest: DeriveDigest
  readonly iterations: number
  readonly salt: Uint8Array
  readonly length: number
}

export interface ScryptParameters {
  /** N = 2 ** costLog2. Memory is 128 * N * blockSize bytes. */
  readonly costLog2: number
  /** r. */
  readonly blockSize: number
  /** p. */
  readonly parallelism: number
  readonly salt: Uint8Array
  readonly length: number
}

export interface Argon2idParameters {
  readonly memoryKib: number
  readonly passes: number
  readonly parallelism: number
  readonly salt: Uint8Array
  readonly length: number
  /** K and X of RFC 9106, section 3.1. Coffre itself uses neither. */
  readonly secret?: Uint8Array
  readonly associatedData?: Uint8Array
}

/** One at once bounds the memory at the ceiling of one (1 GiB) and leaves a core, where there are two, to the rest. */
const gate = new WorkGate({ slots: 1, maxWaiting: 256 })

/** HKDF (RFC 5869). Only self-tests and vectors come here directly: no floors, no ceilings. */
export function deriveHkdfUnchecked(inputKey: Uint8Array, parameters: HkdfParameters): KeyMaterial {
  const { digest, salt, info, length } = parameters
  return toMaterial(Buffer.from(crypto.hkdfSync(digest, inputKey, salt, info, length)))
}

/** PBKDF2 (RFC 8018, section 5.2), on the thread pool. No floors, no ceilings. */
export async function derivePbkdf2Unchecked(
  password: Uint8Array,
  parameters: Pbkdf2Parameters,
): Promise<KeyMaterial> {
  const { digest, iterations, salt, length } = parameters
  const pbkdf2 = promisify(crypto.pbkdf2)
  return toMaterial(await gate.run(() => pbkdf2(password, salt, iterations, length, digest)))
}

/** The same on the calling thread, for self-tests with tiny parameters. */
export function derivePbkdf2UncheckedSync(password: Uint8Array, parameters: Pbkdf2Parameters): KeyMaterial {
  const { digest, iterations, salt, length } = parameters
  return toMaterial(crypto.pbkdf2Sync(password, salt, iterations, length, digest))
}

/** scrypt (RFC 7914), on the thread pool. No floors, no ceilings. */
export function deriveScryptUnchecked(
  password: Uint8Array,
  parameters: ScryptParameters,
): Promise<KeyMaterial> {
  const { salt, length } = parameters
  const options = toScryptOptions(parameters)
  return gate.run(
    () =>
      new Promise((resolve, reject) => {
        crypto.scrypt(password, salt, length, options, (error, derived) =>
          error === null ? resolve(toMaterial(derived)) : reject(error),
        )
      }),
  )
}

/** The same on the calling thread, for self-tests with tiny parameters. */
export function deriveScryptUncheckedSync(password: Uint8Array, parameters: ScryptParameters): KeyMaterial {
  return toMaterial(
    crypto.scryptSync(password, parameters.salt, parameters.length, toScryptOptions(parameters)),
  )
}

function toScryptOptions(parameters: ScryptParameters) {
  const { costLog2, blockSize: r, parallelism: p } = parameters
  const N = 2 ** costLog2
  // OpenSSL counts B and V together; without `maxmem` Node stops at 32 MiB.
  return { N, r, p, maxmem: 128 * r * (N + p + 2) }
}

/** Argon2id version 0x13 (RFC 9106), on the thread pool. No floors, no ceilings. */
export function deriveArgon2idUnchecked(
  password: Uint8Array,
  parameters: Argon2idParameters,
): Promise<KeyMaterial> {
  const options = toArgon2Options(password, parameters)
  return gate.run(
    () =>
      new Promise((resolve, reject) => {
        crypto.argon2('argon2id', options, (error, derived) =>
          error === null ? resolve(toMaterial(derived)) : reject(error),
        )
      }),
  )
}

/** The same on the calling thread, for self-tests with tiny parameters. */
export function deriveArgon2idUncheckedSync(
  password: Uint8Array,
  parameters: Argon2idParameters,
): KeyMaterial {
  return toMaterial(crypto.argon2Sync('argon2id', toArgon2Options(password, parameters)))
}

function toArgon2Options(password: Uint8Array, parameters: Argon2idParameters) {
  const { memoryKib, passes, parallelism, salt, length, secret, associatedData } = parameters
  return {
    message: password,
    nonce: salt,
    memory: memoryKib,
    passes,
    parallelism,
    tagLength: length,
    secret,
    associatedData,
  }
}

function toMaterial(derived: Buffer): KeyMaterial {
  const material = new KeyMaterial(derived)
  derived.fill(0)
  return material
}
