import { hash, timingSafeEqual } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { MAX_TOKEN_CHARACTERS } from '../model/limits.ts'
import { Secret } from '../model/secret.ts'
import { randomBytes } from './random.ts'

/** docs/spec/token.md: `coffre_<id>_<secret><checksum>`. */
const PATTERN = /^coffre_([a-z0-9]{10})_([A-Za-z0-9]{43})([0-9a-f]{8})$/
const CLIENT_SECRET = /^coffre_cs_([a-z0-9]{10})_([A-Za-z0-9]{43})([0-9a-f]{8})$/
const ID_ALPHABET = 'abcdefghijkmnpqrstuvwxyz23456789' // 32 letters without l, o, 0 and 1
const SECRET_ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const ID_CHARACTERS = 10
/** 43 characters of 62 hold 256 bits. */
const SECRET_CHARACTERS = 43

export interface NewToken {
  readonly id: string
  readonly token: Secret
  /** What is stored: lower-case hex SHA-256 of the whole text. 256 random bits need no slow hash. */
  readonly hash: string
}

export function createToken(): NewToken {
  const id = drawId()
  return { id, ...sealText(`coffre_${id}_`) }
}

export interface NewClientSecret {
  readonly secret: Secret
  readonly hash: string
}

/** docs/spec/token.md: `coffre_cs_<id>_<secret><checksum>`; `id` are the ten letters of a user's id. */
export function createClientSecret(id: string): NewClientSecret {
  const { token: secret, hash } = sealText(`coffre_cs_${id}_`)
  return { secret, hash }
}

/** Ten letters, about 50 bits: an id, not a secret. */
export function drawId(): string {
  return drawText(ID_ALPHABET, ID_CHARACTERS)
}

/** 256 random bits behind `prefix`, and a checksum. */
function sealText(prefix: string): Omit<NewToken, 'id'> {
  const body = `${prefix}${drawText(SECRET_ALPHABET, SECRET_CHARACTERS)}`
  const text = `${body}${checksum(body)}`
  return { token: new Secret(text), hash: hashToken(text) }
}

/** The id of a well-formed token. A typing error fails here, before any look-up. */
export function readTokenId(text: string): string | undefined {
  return readId(text, PATTERN)
}

/** The same for a client secret. */
export function readClientSecretId(text: string): string | undefined {
  return readId(text, CLIENT_SECRET)
}

function readId(text: string, pattern: RegExp): string | undefined {
  if (text.length > MAX_TOKEN_CHARACTERS) return undefined
  const match = pattern.exec(text)
  if (match === null) return undefined
  const [, id, , sum] = match
  return checksum(text.slice(0, -8)) === sum ? id : undefined
}

/** Constant time. */
export function matchesHash(text: string, expected: string): boolean {
  const [given, stored] = [Buffer.from(hashToken(text), 'hex'), Buffer.from(expected, 'hex')]
  return given.length === stored.length && timingSafeEqual(given, stored)
}

function hashToken(text: string): string {
  return hash('sha256', text, 'hex')
}

/** For secret scanners and typing errors; it is no protection. */
function checksum(body: string): string {
  return crc32(body).toString(16).padStart(8, '0')
}

/** Unbiased: bytes beyond the last whole multiple of the alphabet are drawn again. */
function drawText(alphabet: string, characters: number): string {
  const bound = 256 - (256 % alphabet.length)
  let text = ''
  while (text.length < characters) {
    for (const byte of randomBytes(characters)) {
      if (byte < bound && text.length < characters) text += alphabet.charAt(byte % alphabet.length)
    }
  }
  return text
}
