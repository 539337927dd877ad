import { timingSafeEqual } from 'node:crypto'
import { DEFAULT_ARGON2ID, type Password, withPasswordBytes } from './derive.ts'
import { type Argon2idParameters, deriveArgon2idUnchecked } from './derive-unchecked.ts'
import { rawBytes } from './key-material.ts'
import { formatArgon2id, parsePasswordHash } from './password-hash.ts'
import { randomBytes } from './random.ts'

const SALT_BYTES = 16
const HASH_BYTES = 32

export interface PasswordVerdict {
  readonly valid: boolean
  /** A hash by today's parameters, to store in place of the old one. Only for a valid password. */
  readonly upgrade?: string
}

/** A PHC string of Argon2id with today's parameters and a fresh salt; docs/spec/password-hash.md. */
export function hashPassword(password: Password): Promise<string> {
  return withPasswordBytes(password, hashBytes)
}

/**
 * Compares in constant time with a stored PHC string: Argon2id, scrypt or PBKDF2. Throws INVALID_REQUEST for a
 * malformed string and PARAMETERS_REFUSED for hostile parameters, both before any work.
 */
export function verifyPassword(password: Password, stored: string): Promise<PasswordVerdict> {
  return withPasswordBytes(password, async (bytes) => {
    const hash = parsePasswordHash(stored)
    const derived = await hash.derive(bytes)
    const valid = timingSafeEqual(rawBytes(derived), hash.expected)
    derived.wipe()
    if (!valid) return { valid }
    return isUpToDate(hash.argon2id) ? { valid } : { valid, upgrade: await hashBytes(bytes) }
  })
}

async function hashBytes(password: Uint8Array): Promise<string> {
  const parameters = { ...DEFAULT_ARGON2ID, salt: randomBytes(SALT_BYTES), length: HASH_BYTES }
  const derived = await deriveArgon2idUnchecked(password, parameters)
  const text = formatArgon2id(parameters, rawBytes(derived))
  derived.wipe()
  return text
}

/** Stronger parameters than today's stay as they are. */
function isUpToDate(argon2id: Argon2idParameters | undefined): boolean {
  return (
    argon2id !== undefined &&
    argon2id.memoryKib >= DEFAULT_ARGON2ID.memoryKib &&
    argon2id.passes >= DEFAULT_ARGON2ID.passes &&
    argon2id.salt.length >= SALT_BYTES &&
    argon2id.length >= HASH_BYTES
  )
}
