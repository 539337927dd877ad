import { CoffreError } from '../model/errors.ts'
import { type Bound, checkBounds, checkScryptMemory } from './derive-bounds.ts'
import {
  type Argon2idParameters,
  deriveArgon2idUnchecked,
  derivePbkdf2Unchecked,
  deriveScryptUnchecked,
} from './derive-unchecked.ts'
import type { KeyMaterial } from './key-material.ts'

/** A stored hash that was read and found safe to compute. */
export interface PasswordHash {
  readonly expected: Uint8Array
  /** Present where the hash is Argon2id. */
  readonly argon2id?: Argon2idParameters
  derive(password: Uint8Array): Promise<KeyMaterial>
}

/** Ours have 97 characters; the longest that the patterns take has below 250. */
const MAX_CHARACTERS = 256
const NUMBER = '([1-9][0-9]{0,9})' // No signs, no leading zeros.
const TAIL = '\\$([A-Za-z0-9+/]{11,86})\\$([A-Za-z0-9+/]{22,86})' // 8 to 64 bytes of salt, 16 to 64 of hash.

// Below the floors of derivation, because old hashes are read once more to be upgraded; the ceilings are the same.
const SALT: Bound = { minimum: 8, maximum: 64 }
const LENGTH: Bound = { minimum: 16, maximum: 64 }
const ARGON2ID = {
  memoryKib: { minimum: 4_096, maximum: 1_048_576 },
  passes: { minimum: 1, maximum: 10 },
  parallelism: { minimum: 1, maximum: 16 },
  salt: SALT,
  length: LENGTH,
}
const SCRYPT = {
  costLog2: { minimum: 14, maximum: 20 },
  blockSize: { minimum: 8, maximum: 16 },
  parallelism: { minimum: 1, maximum: 4 },
  salt: SALT,
  length: LENGTH,
}
const PBKDF2 = { iterations: { minimum: 1_000, maximum: 10_000_000 }, salt: SALT, length: LENGTH }

interface Format {
  readonly pattern: RegExp
  read(numbers: Numbers, stored: { readonly salt: Uint8Array; readonly expected: Uint8Array }): PasswordHash
}

/** The decimal fields in their order. */
type Numbers = readonly [number, number, number]

const FORMATS: readonly Format[] = [
  {
    pattern: new RegExp(`^\\$argon2id\\$v=19\\$m=${NUMBER},t=${NUMBER},p=${NUMBER}${TAIL}$`),
    read([memoryKib, passes, parallelism], { salt, expected }) {
      const argon2id = { memoryKib, passes, parallelism, salt, length: expected.length }
      checkBounds<Argon2idParameters>(argon2id, ARGON2ID)
      return { expected, argon2id, derive: (password) => deriveArgon2idUnchecked(password, argon2id) }
    },
  },
  {
    pattern: new RegExp(`^\\$scrypt\\$ln=${NUMBER},r=${NUMBER},p=${NUMBER}${TAIL}$`),
    read([costLog2, blockSize, parallelism], { salt, expected }) {
      const scrypt = { costLog2, blockSize, parallelism, salt, length: expected.length }
      checkBounds(scrypt, SCRYPT)
      checkScryptMemory(scrypt)
      return { expected, derive: (password) => deriveScryptUnchecked(password, scrypt) }
    },
  },
  pbkdf2Format('sha256'),
  pbkdf2Format('sha512'),
]

function pbkdf2Format(digest: 'sha256' | 'sha512'): Format {
  return {
    pattern: new RegExp(`^\\$pbkdf2-${digest}\\$i=${NUMBER}${TAIL}$`),
    read([iterations], { salt, expected }) {
      const pbkdf2 = { digest, iterations, salt, length: expected.length }
      checkBounds(pbkdf2, PBKDF2)
      return { expected, derive: (password) => derivePbkdf2Unchecked(password, pbkdf2) }
    },
  }
}

/**
 * Reads a PHC string (docs/spec/password-hash.md). Throws INVALID_REQUEST where it is malformed, and
 * PARAMETERS_REFUSED where computing it would be pointless or hostile.
 */
export function parsePasswordHash(text: string): PasswordHash {
  if (text.length > MAX_CHARACTERS) refuseForm()
  for (const format of FORMATS) {
    const fields = format.pattern.exec(text)?.slice(1)
    if (fields !== undefined) return readFields(format, fields)
  }
  return refuseForm()
}

export function formatArgon2id(parameters: Argon2idParameters, hash: Uint8Array): string {
  const { memoryKib, passes, parallelism, salt } = parameters
  return `$argon2id$v=19$m=${memoryKib},t=${passes},p=${parallelism}$${encodeB64(salt)}$${encodeB64(hash)}`
}

function readFields(format: Format, fields: readonly string[]): PasswordHash {
  const [first = 0, second = 0, third = 0] = fields.slice(0, -2).map(Number)
  const [salt = '', hash = ''] = fields.slice(-2)
  return format.read([first, second, third], { salt: decodeB64(salt), expected: decodeB64(hash) })
}

/** Base64 without padding, as the PHC string format has it. */
function encodeB64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64').replaceAll('=', '')
}

function decodeB64(text: string): Uint8Array {
  const bytes = Buffer.from(text, 'base64')
  // One value has one text: stray bits at the end are refused.
  return encodeB64(bytes) === text ? bytes : refuseForm()
}

function refuseForm(): never {
  throw new CoffreError('INVALID_REQUEST', { facts: { at: 'passwordHash', expected: 'a PHC string' } })
}
