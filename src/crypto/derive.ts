import { MAX_PASSPHRASE_BYTES } from '../model/limits.ts'
import { Secret } from '../model/secret.ts'
import {
  ARGON2ID_BOUNDS,
  checkBounds,
  checkDigest,
  checkScryptMemory,
  hkdfBounds,
  PBKDF2_BOUNDS,
  refuseParameter,
  SCRYPT_BOUNDS,
} from './derive-bounds.ts'
import {
  type Argon2idParameters,
  deriveArgon2idUnchecked,
  deriveHkdfUnchecked,
  derivePbkdf2Unchecked,
  deriveScryptUnchecked,
  type HkdfParameters,
  type Pbkdf2Parameters,
  type ScryptParameters,
} from './derive-unchecked.ts'
import { type KeyMaterial, rawBytes } from './key-material.ts'

/** Text is taken as UTF-8 of its NFC form, so one passphrase gives one key on every keyboard (RFC 8265, section 4.2). */
export type Password = Secret | Secret<Uint8Array> | Uint8Array

/** What new derivations use; each is at or above its floor. */
export const DEFAULT_PBKDF2 = { digest: 'sha256', iterations: 600_000 } as const
export const DEFAULT_SCRYPT = { costLog2: 17, blockSize: 8, parallelism: 1 } as const
/** 64 MiB and three passes as in RFC 9106, section 4, with one lane: about 0.2 s of one core. */
export const DEFAULT_ARGON2ID = { memoryKib: 65_536, passes: 3, parallelism: 1 } as const

const MIN_INPUT_KEY_BYTES = 16

/** HKDF (RFC 5869) of a strong key; never of a password. Throws PARAMETERS_REFUSED. */
export function deriveHkdf(inputKey: KeyMaterial, parameters: HkdfParameters): KeyMaterial {
  const inputBound = { minimum: MIN_INPUT_KEY_BYTES, maximum: 1_024 }
  if (inputKey.length < inputBound.minimum || inputKey.length > inputBound.maximum) {
    refuseParameter('inputKey', inputBound)
  }
  checkDigest(parameters.digest)
  checkBounds(parameters, hkdfBounds(parameters.digest))
  return deriveHkdfUnchecked(rawBytes(inputKey), parameters)
}

/** PBKDF2-HMAC (RFC 8018). Throws PARAMETERS_REFUSED outside PBKDF2_BOUNDS, before any work. */
export function derivePbkdf2(password: Password, parameters: Pbkdf2Parameters): Promise<KeyMaterial> {
  return withPasswordBytes(password, (bytes) => {
    checkDigest(parameters.digest)
    checkBounds(parameters, PBKDF2_BOUNDS)
    return derivePbkdf2Unchecked(bytes, parameters)
  })
}

/** scrypt (RFC 7914). Throws PARAMETERS_REFUSED outside SCRYPT_BOUNDS or above 1 GiB, before any work. */
export function deriveScrypt(password: Password, parameters: ScryptParameters): Promise<KeyMaterial> {
  return withPasswordBytes(password, (bytes) => {
    checkBounds(parameters, SCRYPT_BOUNDS)
    checkScryptMemory(parameters)
    return deriveScryptUnchecked(bytes, parameters)
  })
}

/** Argon2id (RFC 9106). Throws PARAMETERS_REFUSED outside ARGON2ID_BOUNDS, before any work. */
export function deriveArgon2id(password: Password, parameters: Argon2idParameters): Promise<KeyMaterial> {
  return withPasswordBytes(password, (bytes) => {
    checkBounds(parameters, ARGON2ID_BOUNDS)
    return deriveArgon2idUnchecked(bytes, parameters)
  })
}

/** Hands `work` a copy of the password and wipes it afterwards. Throws PARAMETERS_REFUSED for 0 or too many bytes. */
export async function withPasswordBytes<Result>(
  password: Password,
  work: (bytes: Uint8Array) => Promise<Result>,
): Promise<Result> {
  const bytes = copyPassword(password)
  try {
    const bound = { minimum: 1, maximum: MAX_PASSPHRASE_BYTES }
    if (bytes.length < bound.minimum || bytes.length > bound.maximum) refuseParameter('password', bound)
    return await work(bytes)
  } finally {
    bytes.fill(0)
  }
}

function copyPassword(password: Password): Uint8Array {
  const value = password instanceof Secret ? password.reveal() : password
  return typeof value === 'string' ? Buffer.from(value.normalize('NFC'), 'utf8') : Uint8Array.from(value)
}
