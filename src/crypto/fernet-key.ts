import { timingSafeEqual } from 'node:crypto'
import { CoffreError } from '../model/errors.ts'
import { CbcChain } from './cbc-chain.ts'
import {
  boundSealedBytes,
  countBase64Bytes,
  decodeToken,
  encodeBase64url,
  encodeToken,
  type Frame,
  frameUnsigned,
  IV_AT,
  type InvalidTokenReason,
  MAX_TIME_SECONDS,
  readTimeSeconds,
} from './fernet-token.ts'
import {
  countSealedBytes,
  type FillRandom,
  layBlocks,
  type Opened,
  type Piece,
  type Plaintext,
  type Run,
  splitIntoRuns,
  takePlaintext,
  takeSlab,
} from './fernet-slab.ts'
import { FramedHmac, TAG_BYTES } from './framed-hmac.ts'
import { KeyMaterial, rawBytes } from './key-material.ts'
import { fillRandom } from './random.ts'

export const FERNET_KEY_BYTES = 32
const KEY_CHARACTERS = 44
const SIGNING_KEY_BYTES = 16
/** A token may be this far ahead of our clock. The value of the reference implementations. */
const MAX_CLOCK_SKEW_SECONDS = 60

/** What a token is made from besides the message. */
export interface Sealing {
  /** Seconds since 1970, written into the token. */
  readonly timeSeconds: number
  /** Only vectors give another than the default. */
  readonly fillRandom?: FillRandom
}

export interface Opening {
  /** Seconds since 1970. */
  readonly nowSeconds: number
  readonly ttlSeconds: number | undefined
}

/** Reads 44 characters of canonical base64url. Throws KEY_REFUSED. */
export function parseFernetKey(text: string): KeyMaterial {
  const bytes = Buffer.alloc(FERNET_KEY_BYTES)
  const isRightLength = text.length === KEY_CHARACTERS && countBase64Bytes(text) === FERNET_KEY_BYTES
  if (isRightLength) bytes.write(text, 'base64url')
  const isCanonical = isRightLength && encodeBase64url(bytes, 0, FERNET_KEY_BYTES) === text
  const material = new KeyMaterial(bytes)
  bytes.fill(0)
  if (isCanonical) return material
  throw new CoffreError('KEY_REFUSED', {
    facts: { at: 'key', expected: '44 characters of base64url: 32 bytes, with padding' },
  })
}

/** The text of a key, which is a secret itself. */
export function formatFernetKey(material: KeyMaterial): string {
  const { buffer, byteOffset, length } = rawBytes(material)
  return encodeBase64url(Buffer.from(buffer, byteOffset, length), 0, length)
}

/** Without a branch on the bytes. */
function isAllZero(bytes: Uint8Array): boolean {
  let union = 0
  for (let at = 0; at < bytes.length; at++) union |= bytes[at] ?? 0
  return union === 0
}

/** The clock of callers that give no time. */
export function readSystemSeconds(): number {
  return Math.floor(Date.now() / 1_000)
}

function judgeTime(timeSeconds: number, opening: Opening): 'future' | 'expired' | undefined {
  const { nowSeconds, ttlSeconds } = opening
  if (timeSeconds > nowSeconds + MAX_CLOCK_SKEW_SECONDS || timeSeconds > MAX_TIME_SECONDS) return 'future'
  return ttlSeconds !== undefined && timeSeconds + ttlSeconds < nowSeconds ? 'expired' : undefined
}

/**
 * One Fernet key with what it needs to be fast. It follows its material: when that is wiped, it erases what it
 * derived and throws KEY_REFUSED from then on. Not for use from several threads.
 */
export class FernetKey {
  readonly #bytes: Uint8Array
  readonly #hmac: FramedHmac
  readonly #chain: CbcChain
  readonly #tag = Buffer.alloc(TAG_BYTES)
  #isRetired = false

  /** Throws KEY_REFUSED unless `material` is 32 bytes that are not all zero. */
  constructor(material: KeyMaterial) {
    this.#bytes = rawBytes(material)
    if (this.#bytes.length !== FERNET_KEY_BYTES) {
      throw new CoffreError('KEY_REFUSED', { facts: { at: 'key', expected: '32 bytes' } })
    }
    this.#hmac = new FramedHmac(this.#bytes.subarray(0, SIGNING_KEY_BYTES))
    this.#chain = new CbcChain(this.#bytes.subarray(SIGNING_KEY_BYTES))
    this.#refuseErased()
  }

  /** Tokens in the order of `plaintexts`. Throws LIMIT_EXCEEDED for one above 16 MiB, before any is made. */
  sealMany(plaintexts: readonly Plaintext[], sealing: Sealing): string[] {
    this.#refuseErased()
    return splitIntoRuns(plaintexts, countSealedBytes).flatMap((run) => this.#sealRun(run, sealing))
  }

  /**
   * In the order of `tokens`. Nothing is decrypted before its own MAC was verified. Plaintexts of one call may
   * share one ArrayBuffer.
   */
  openMany(tokens: readonly string[], opening: Opening): Opened[] {
    this.#refuseErased()
    return splitIntoRuns(tokens, boundSealedBytes).flatMap((run) => this.#openRun(run, opening))
  }

  /** As `sealMany` for one, without what a batch costs. */
  seal(plaintext: Plaintext, { timeSeconds, fillRandom: fill = fillRandom }: Sealing): string {
    this.#refuseErased()
    const blocks = takeSlab(countSealedBytes(plaintext))
    const end = layBlocks(blocks, 0, { plaintext, fill })
    const sealed = this.#chain.encrypt(blocks.subarray(0, end))
    blocks.fill(0, 0, end)
    return this.#sign(timeSeconds, sealed)
  }

  /** As `openMany` for one. */
  open(token: string, opening: Opening): Opened {
    this.#refuseErased()
    const frame = this.#verify(token, opening)
    if (typeof frame === 'string') return frame
    const blocks = this.#chain.decrypt(frame.bytes.subarray(IV_AT, frame.tagAt))
    return takePlaintext(blocks, 0, blocks.length)
  }

  /** Erases what was derived. The key can't be used any more; the material itself is not touched. */
  retire(): void {
    this.#isRetired = true
    this.#hmac.wipe()
    this.#chain.close()
  }

  #refuseErased(): void {
    if (isAllZero(this.#bytes)) this.retire()
    if (!this.#isRetired) return
    throw new CoffreError('KEY_REFUSED', { facts: { at: 'key', expected: 'bytes that were not erased' } })
  }

  #sealRun(run: Run<Plaintext>, { timeSeconds, fillRandom: fill = fillRandom }: Sealing): string[] {
    const blocks = takeSlab(run.bytes)
    let end = 0
    const pieces = run.items.map((plaintext): Piece => {
      const start = end
      end = layBlocks(blocks, start, { plaintext, fill })
      return { start, end }
    })
    const sealed = this.#chain.encrypt(blocks.subarray(0, end))
    blocks.fill(0, 0, end)
    return pieces.map((piece) => this.#sign(timeSeconds, sealed.subarray(piece.start, piece.end)))
  }

  #sign(timeSeconds: number, sealed: Uint8Array): string {
    const frame = frameUnsigned(timeSeconds, sealed)
    frame.bytes.write(this.#hmac.computeTag(frame.bytes, frame.tagAt), frame.tagAt, 'latin1')
    return encodeToken(frame)
  }

  #openRun(run: Run<string>, opening: Opening): Opened[] {
    const sealed = takeSlab(run.bytes)
    let end = 0
    const pieces = run.items.map((token): Piece | InvalidTokenReason => {
      const frame = this.#verify(token, opening)
      if (typeof frame === 'string') return frame
      const start = end
      end += frame.bytes.copy(sealed, start, IV_AT, frame.tagAt)
      return { start, end }
    })
    const blocks = this.#chain.decrypt(sealed.subarray(0, end))
    return pieces.map((piece) =>
      typeof piece === 'string' ? piece : takePlaintext(blocks, piece.start, piece.end),
    )
  }

  #verify(token: string, opening: Opening): Frame | InvalidTokenReason {
    const frame = decodeToken(token)
    if (typeof frame === 'string') return frame
    this.#tag.write(this.#hmac.computeTag(frame.bytes, frame.tagAt), 'latin1')
    const tag = frame.bytes.subarray(frame.tagAt, frame.tagAt + TAG_BYTES)
    if (!timingSafeEqual(tag, this.#tag)) return 'mac'
    return judgeTime(readTimeSeconds(frame), opening) ?? frame
  }
}
