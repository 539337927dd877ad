import { createCipheriv, createDecipheriv, type DecipherGCM } from 'node:crypto'
import { CoffreError } from '../model/errors.ts'
import { concat, parseBase64url, utf8 } from './bytes.ts'
import { sha256 } from './digest.ts'
import { KeyMaterial } from './key-material.ts'
import { randomBytes } from './random.ts'

/** docs/spec/backup-layouts.md: one AES-256-GCM message of a gzip stream, for those who have such files. */

const CIPHER = 'aes-256-gcm'
const VERSION = 1
const VERSION_BYTES = 4
const IV_BYTES = 12
export const LAYOUT_TAG_BYTES = 16
const KEY_BYTES = 32
/** Version and IV, which every layout but B has in front. */
export const LAYOUT_HEAD_BYTES = VERSION_BYTES + IV_BYTES
/** Where layout A has its tag; layout C has it after the ciphertext. */
export const LAYOUT_TAG_OFFSET = LAYOUT_HEAD_BYTES
/** NIST SP 800-38D, section 5.2.1.1: 2^39 - 256 bits under one IV. */
const MAX_LAYOUT_BYTES = 2 ** 36 - 32
const MIN_LEGACY_CHARACTERS = 16

export interface LayoutKey {
  readonly key: KeyMaterial
  /** Nothing new is encrypted under it: the `sha256:` form, since a text can be guessed, and one byte 32 times. */
  readonly isForReading: boolean
}

/** The value of BACKUP_ENCRYPTION_KEY; `undefined` for what is none of its forms. */
export function parseLayoutKey(value: string | Uint8Array): LayoutKey | undefined {
  if (typeof value !== 'string') {
    if (value.length === KEY_BYTES) return keyOf(value)
    return parseLayoutKey(Buffer.from(value).toString('utf8').trim())
  }
  const legacy = /^sha256:(?<text>.+)$/su.exec(value)?.groups?.['text']
  if (legacy !== undefined) {
    return legacy.length < MIN_LEGACY_CHARACTERS ? undefined : { key: hash(legacy), isForReading: true }
  }
  const bytes = parseKeyText(value)
  return bytes === undefined ? undefined : keyOf(bytes)
}

function keyOf(bytes: Uint8Array): LayoutKey {
  return { key: new KeyMaterial(bytes), isForReading: new Set(bytes).size === 1 }
}

function parseKeyText(value: string): Uint8Array | undefined {
  if (/^[0-9a-fA-F]{64}$/.test(value)) return Buffer.from(value, 'hex')
  const isBase64 = /^[A-Za-z0-9+/]{43}=$/.test(value)
  const bytes = isBase64 ? Buffer.from(value, 'base64') : parseBase64url(value)
  const isCanonical = !isBase64 || bytes?.toString('base64') === value
  return bytes?.length === KEY_BYTES && isCanonical ? bytes : undefined
}

function hash(text: string): KeyMaterial {
  const bytes = sha256(utf8(text))
  const key = new KeyMaterial(bytes)
  bytes.fill(0)
  return key
}

/** Encrypts in pieces. Write `head`, leave room for the tag, then the pieces; put `tag()` in its room at the end. */
export function sealLayout(
  key: KeyMaterial,
  iv: Uint8Array = randomBytes(IV_BYTES),
): { readonly head: Uint8Array; update(piece: Uint8Array): Uint8Array; tag(): Uint8Array } {
  const cipher = createCipheriv(CIPHER, key.secretKey(), iv)
  const version = Buffer.alloc(VERSION_BYTES)
  version.writeUInt32BE(VERSION)
  let bytes = 0
  return {
    head: concat(version, iv),
    update(piece) {
      bytes += piece.length
      if (bytes > MAX_LAYOUT_BYTES) throw tooLong()
      return cipher.update(piece)
    },
    tag() {
      cipher.final()
      return cipher.getAuthTag()
    },
  }
}

/** What a file of `size` bytes with this head is; `undefined` for no version 1, which layout B looks like too. */
export function readLayoutHead(head: Uint8Array, size: number): Uint8Array | undefined {
  const view = Buffer.from(head.buffer, head.byteOffset, head.length)
  if (head.length < LAYOUT_HEAD_BYTES || size < LAYOUT_HEAD_BYTES + LAYOUT_TAG_BYTES) return undefined
  if (view.readUInt32BE(0) !== VERSION) return undefined
  if (size - LAYOUT_HEAD_BYTES - LAYOUT_TAG_BYTES > MAX_LAYOUT_BYTES) throw tooLong()
  return Uint8Array.from(head.subarray(VERSION_BYTES, LAYOUT_HEAD_BYTES))
}

/** Decrypts in pieces. Nothing of it is genuine before `finish`, which throws DECRYPTION_FAILED. */
export class LayoutOpener {
  readonly #decipher: DecipherGCM

  constructor(key: KeyMaterial, iv: Uint8Array, tag: Uint8Array) {
    this.#decipher = createDecipheriv(CIPHER, key.secretKey(), iv, { authTagLength: LAYOUT_TAG_BYTES })
    this.#decipher.setAuthTag(tag)
  }

  update(piece: Uint8Array): Uint8Array {
    return this.#decipher.update(piece)
  }

  finish(): void {
    try {
      this.#decipher.final()
    } catch (cause) {
      throw new CoffreError('DECRYPTION_FAILED', { cause })
    }
  }
}

function tooLong(): CoffreError {
  return new CoffreError('LIMIT_EXCEEDED', { facts: { at: 'backup', mostBytes: MAX_LAYOUT_BYTES } })
}
