import { CoffreError } from '../model/errors.ts'
import { BLOCK_BYTES } from './cbc-chain.ts'
import { FRAME_START, TAG_BYTES } from './framed-hmac.ts'

/** Nothing of a token may be used before its last byte is there; larger data belongs in the chunked format. */
export const MAX_FERNET_PLAINTEXT_BYTES = 16 * 1024 * 1024

const VERSION = 0x80
/** A frame is 64 bytes of room for the MAC's key, then the token's bytes. */
const TIME_AT = FRAME_START + 1
export const IV_AT = TIME_AT + 8
const FIXED_BYTES = 1 + 8 + BLOCK_BYTES + TAG_BYTES
/** 9999-12-31T23:59:59Z, the last second that RFC 3339 can write. */
export const MAX_TIME_SECONDS = 253_402_300_799

/** The bytes of `plaintextBytes` after PKCS #7 padding, which is never empty. */
export function countPaddedBytes(plaintextBytes: number): number {
  return plaintextBytes - (plaintextBytes % BLOCK_BYTES) + BLOCK_BYTES
}

function countBase64Characters(bytes: number): number {
  return Math.ceil(bytes / 3) * 4
}

const MAX_TOKEN_CHARACTERS = countBase64Characters(countPaddedBytes(MAX_FERNET_PLAINTEXT_BYTES) + FIXED_BYTES)
const MIN_TOKEN_CHARACTERS = countBase64Characters(BLOCK_BYTES + FIXED_BYTES)

/** Why a token was refused, for the calling code only: docs/spec/fernet.md, "Reading". */
export type InvalidTokenReason = 'oversized' | 'malformed' | 'mac' | 'future' | 'expired' | 'padding'

/**
 * DECRYPTION_FAILED, whatever the cause. Messages, JSON and `inspect` are the same for every cause; do not pass
 * `reason` on to whoever sent the token.
 */
export class InvalidToken extends CoffreError {
  readonly #reason: InvalidTokenReason

  constructor(reason: InvalidTokenReason) {
    super('DECRYPTION_FAILED')
    this.#reason = reason
  }

  get reason(): InvalidTokenReason {
    return this.#reason
  }
}

// Work buffers of a few pages are kept, because an allocation costs as much as hashing 300 bytes.
const KEPT_BYTES = 128 * 1024
const keptFrame = Buffer.alloc(KEPT_BYTES)

function takeFrame(tokenBytes: number): Buffer {
  const bytes = FRAME_START + tokenBytes
  return bytes <= KEPT_BYTES ? keptFrame : Buffer.allocUnsafeSlow(bytes)
}

/** Base64url with padding (RFC 4648, section 5) of `bytes[start … end)`. */
export function encodeBase64url(bytes: Buffer, start: number, end: number): string {
  const text = bytes.toString('base64url', start, end)
  const rest = text.length % 4
  return rest === 0 ? text : text + '='.repeat(4 - rest)
}

/** How many bytes canonical padded base64url of that shape holds. */
export function countBase64Bytes(text: string): number {
  const padding = text.endsWith('==') ? 2 : Number(text.endsWith('='))
  return (text.length / 4) * 3 - padding
}

/** The bytes of a token behind room for the MAC's key. It is valid until the next one is made. */
export interface Frame {
  readonly bytes: Buffer
  /** Where the tag lies, which covers everything from FRAME_START. */
  readonly tagAt: number
}

/** A frame with everything but its tag; `sealed` is IV and ciphertext. */
export function frameUnsigned(timeSeconds: number, sealed: Uint8Array): Frame {
  const bytes = takeFrame(IV_AT - FRAME_START + sealed.length + TAG_BYTES)
  bytes[FRAME_START] = VERSION
  bytes.writeUInt32BE(Math.floor(timeSeconds / 2 ** 32), TIME_AT)
  bytes.writeUInt32BE(timeSeconds % 2 ** 32, TIME_AT + 4)
  bytes.set(sealed, IV_AT)
  return { bytes, tagAt: IV_AT + sealed.length }
}

export function encodeToken(frame: Frame): string {
  return encodeBase64url(frame.bytes, FRAME_START, frame.tagAt + TAG_BYTES)
}

/** Seconds since 1970. Inexact above 2^53, where it is refused anyway. */
export function readTimeSeconds(frame: Frame): number {
  return frame.bytes.readUInt32BE(TIME_AT) * 2 ** 32 + frame.bytes.readUInt32BE(TIME_AT + 4)
}

/** Lays a token out in a frame. Authenticates nothing. */
export function decodeToken(token: string): Frame | 'oversized' | 'malformed' {
  if (token.length > MAX_TOKEN_CHARACTERS) return 'oversized'
  if (token.length < MIN_TOKEN_CHARACTERS || token.length % 4 !== 0) return 'malformed'
  const tokenBytes = countBase64Bytes(token)
  if ((tokenBytes - FIXED_BYTES) % BLOCK_BYTES !== 0) return 'malformed'
  const frame = { bytes: takeFrame(tokenBytes), tagAt: FRAME_START + tokenBytes - TAG_BYTES }
  frame.bytes.write(token, FRAME_START, tokenBytes, 'base64url')
  // Node's decoder skips what it does not know; only canonical text comes out as it went in.
  const isCanonical = encodeToken(frame) === token
  return isCanonical && frame.bytes[FRAME_START] === VERSION ? frame : 'malformed'
}

/** At least the bytes of the IV and ciphertext of `token`, and nothing for one that is too long to read. */
export function boundSealedBytes(token: string): number {
  return token.length > MAX_TOKEN_CHARACTERS ? 0 : Math.ceil(token.length / 4) * 3
}

/** What a token says of itself to anybody. */
export interface TokenTime {
  /** Seconds since 1970-01-01T00:00:00Z. Not authenticated. */
  readonly timestamp: number
  /** A multiple of 16; the plaintext is 1 to 16 bytes shorter. */
  readonly ciphertextBytes: number
}

/** Reads a token without its key; `undefined` when it doesn't have the shape of one. Proves nothing. */
export function readTokenTime(token: string): TokenTime | undefined {
  const frame = decodeToken(token)
  if (typeof frame === 'string') return undefined
  const timestamp = readTimeSeconds(frame)
  if (timestamp > MAX_TIME_SECONDS) return undefined
  return { timestamp, ciphertextBytes: frame.tagAt - IV_AT - BLOCK_BYTES }
}
