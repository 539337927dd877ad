import { createHmac } from 'node:crypto'
import type { Secret } from '../model/secret.ts'
import { concat, lengthPrefixed, utf8 } from './bytes.ts'
import { openChunked, sealChunked } from './chunked.ts'
import { DEFAULT_ARGON2ID, deriveArgon2id } from './derive.ts'
import { KeyMaterial } from './key-material.ts'
import { randomBytes } from './random.ts'
import { CoffreError } from '../model/errors.ts'

/** docs/spec/secret-file.md has these bytes. */
const VALUE_LABEL = 'coffre secret value v1'
const SLOT_LABEL = 'coffre secret file slot v1'
/** In front of a slot. */
export const SALT_BYTES = 16
export const FILE_KEY_BYTES = 32
const FINGERPRINT_BYTES = 8

export interface ValueName {
  /** Of the file, without `.enc`. */
  readonly file: string
  readonly name: string
}

export function sealValue(fileKey: Uint8Array, at: ValueName, value: string): Uint8Array {
  return sealChunked(new KeyMaterial(fileKey), utf8(value), contextOf(at))
}

/** DECRYPTION_FAILED for a value of another key, file or name. */
export function openValue(fileKey: Uint8Array, at: ValueName, sealed: Uint8Array): string {
  const bytes = openChunked(new KeyMaterial(fileKey), sealed, contextOf(at))
  return Buffer.from(bytes).toString('utf8')
}

function contextOf({ file, name }: ValueName): Uint8Array {
  return concat(utf8(VALUE_LABEL), lengthPrefixed(utf8(file)), lengthPrefixed(utf8(name)))
}

/** The file key under a passphrase: a salt of 16 bytes, then a chunked message. */
export async function wrapByPassphrase(fileKey: Uint8Array, passphrase: Secret): Promise<Uint8Array> {
  const salt = randomBytes(SALT_BYTES)
  const key = await derive(passphrase, salt)
  const sealed = sealChunked(key, fileKey, utf8(SLOT_LABEL))
  key.wipe()
  return concat(salt, sealed)
}

/** PASSPHRASE_WRONG for another passphrase, and for a damaged slot, which looks the same. */
export async function unwrapByPassphrase(slot: Uint8Array, passphrase: Secret): Promise<Uint8Array> {
  const key = await derive(passphrase, slot.subarray(0, SALT_BYTES))
  try {
    return openChunked(key, slot.subarray(SALT_BYTES), utf8(SLOT_LABEL))
  } catch (error) {
    throw new CoffreError('PASSPHRASE_WRONG', { cause: error })
  } finally {
    key.wipe()
  }
}

function derive(passphrase: Secret, salt: Uint8Array): Promise<KeyMaterial> {
  return deriveArgon2id(passphrase, { ...DEFAULT_ARGON2ID, salt, length: FILE_KEY_BYTES })
}

/** 64 bits in hex of an HMAC-SHA-256: tells keys apart and gives nothing to guess them by. */
export function keyedFingerprint(key: Uint8Array, text: string): string {
  return createHmac('sha256', key)
    .update(text, 'utf8')
    .digest('hex')
    .slice(0, 2 * FINGERPRINT_BYTES)
}
