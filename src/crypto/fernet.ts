import { CoffreError } from '../model/errors.ts'
import {
  FERNET_KEY_BYTES,
  FernetKey,
  formatFernetKey,
  type Opening,
  parseFernetKey,
  readSystemSeconds,
} from './fernet-key.ts'
import type { Opened, Plaintext } from './fernet-slab.ts'
import { InvalidToken, MAX_TIME_SECONDS, readTokenTime } from './fernet-token.ts'
import { KeyMaterial } from './key-material.ts'
import { randomKeyMaterial } from './random.ts'

export type { KeyMaterial } from './key-material.ts'
export {
  InvalidToken,
  type InvalidTokenReason,
  MAX_FERNET_PLAINTEXT_BYTES,
  readTokenTime,
  type TokenTime,
} from './fernet-token.ts'

/** A forged token costs one MAC for each key of a ring. */
export const MAX_RING_KEYS = 64

/** A Fernet key: 44 characters of base64url, or 32 bytes of material. */
export type FernetKeySource = string | KeyMaterial

export interface EncryptOptions {
  /** The time written into the token, in whole seconds since 1970. The system clock otherwise. */
  readonly nowSeconds?: number
}

export interface DecryptOptions {
  /** Refuse tokens that are older, in whole seconds. Any age is accepted otherwise. */
  readonly ttlSeconds?: number
  /** The time to judge by, in whole seconds since 1970. The system clock otherwise. */
  readonly nowSeconds?: number
}

function parseSeconds(seconds: number, at: 'nowSeconds' | 'ttlSeconds'): number {
  if (Number.isInteger(seconds) && seconds >= 0 && seconds <= MAX_TIME_SECONDS) return seconds
  throw new CoffreError('INVALID_REQUEST', { facts: { at, expected: 'whole seconds, from 0' } })
}

function readNow(nowSeconds: number | undefined): number {
  return nowSeconds === undefined ? readSystemSeconds() : parseSeconds(nowSeconds, 'nowSeconds')
}

function parseOpening({ ttlSeconds, nowSeconds }: DecryptOptions): Opening {
  return {
    nowSeconds: readNow(nowSeconds),
    ttlSeconds: ttlSeconds === undefined ? undefined : parseSeconds(ttlSeconds, 'ttlSeconds'),
  }
}

/** A lone surrogate would change on its way to UTF-8, and the elements of another array on their way to bytes. */
function refuseLossy(plaintext: Plaintext): void {
  if (typeof plaintext === 'string' ? plaintext.isWellFormed() : plaintext instanceof Uint8Array) return
  throw new CoffreError('INVALID_REQUEST', {
    facts: { at: 'plaintext', expected: 'well-formed Unicode or a Uint8Array' },
  })
}

function parseRing(sources: readonly FernetKeySource[], owned: KeyMaterial[]): FernetKey[] {
  if (sources.length === 0) {
    throw new CoffreError('KEY_REFUSED', { facts: { at: 'key', expected: 'at least one key' } })
  }
  if (sources.length > MAX_RING_KEYS) {
    throw new CoffreError('LIMIT_EXCEEDED', { facts: { at: 'key', maxKeys: MAX_RING_KEYS } })
  }
  return sources.map((source) => {
    if (typeof source !== 'string') return new FernetKey(source)
    const material = parseFernetKey(source)
    owned.push(material)
    return new FernetKey(material)
  })
}

interface Attempt {
  readonly tokens: readonly string[]
  readonly opening: Opening
  /** In the order of `tokens`; 'mac' until a key fits. */
  readonly results: Opened[]
}

function openMissing(key: FernetKey, { tokens, opening, results }: Attempt): void {
  const missing = [...tokens.keys()].filter((index) => results[index] === 'mac')
  const opened = key.openMany(
    missing.map((index) => tokens[index] ?? ''),
    opening,
  )
  for (const [place, index] of missing.entries()) results[index] = opened[place] ?? 'mac'
}

function dropReason(opened: Opened): Uint8Array | undefined {
  return typeof opened === 'string' ? undefined : opened
}

/**
 * Fernet tokens, version 0x80: AES-128-CBC and HMAC-SHA-256 with a timestamp (docs/spec/fernet.md).
 *
 * One key, or a ring: the first key encrypts, all decrypt. Everything is synchronous, and nothing is shared between
 * threads. Errors: KEY_REFUSED for a key that is malformed or wiped; `InvalidToken` (DECRYPTION_FAILED) for every
 * token that doesn't open; INVALID_REQUEST and LIMIT_EXCEEDED for arguments.
 */
export class Fernet {
  readonly #owned: KeyMaterial[] = []
  readonly #keys: readonly FernetKey[]

  constructor(key: FernetKeySource | readonly FernetKeySource[]) {
    const sources = typeof key === 'string' || key instanceof KeyMaterial ? [key] : key
    this.#keys = parseRing(sources, this.#owned)
  }

  /** A fresh key of 32 random bytes, as 44 characters of base64url. */
  static generateKey(): string {
    return formatFernetKey(randomKeyMaterial(FERNET_KEY_BYTES))
  }

  /** A token under the first key. A string is encrypted as UTF-8. */
  encrypt(plaintext: Plaintext, { nowSeconds }: EncryptOptions = {}): string {
    refuseLossy(plaintext)
    return this.#first().seal(plaintext, { timeSeconds: readNow(nowSeconds) })
  }

  /** As `encrypt`, in the same order; small tokens cost about a third less. All or none. */
  encryptMany(plaintexts: readonly Plaintext[], { nowSeconds }: EncryptOptions = {}): string[] {
    plaintexts.forEach(refuseLossy)
    return this.#first().sealMany(plaintexts, { timeSeconds: readNow(nowSeconds) })
  }

  /**
   * The plaintext. Throws `InvalidToken` for a token that no key of the ring made, that is more than 60 s ahead of
   * the clock, or that is older than `ttlSeconds`.
   */
  decrypt(token: string, options: DecryptOptions = {}): Uint8Array {
    const opened = this.#open(token, parseOpening(options))
    if (typeof opened === 'string') throw new InvalidToken(opened)
    return opened
  }

  /**
   * As `decrypt`, in the same order, with `undefined` for a token that does not open. The plaintexts may share one
   * ArrayBuffer.
   */
  decryptMany(tokens: readonly string[], options: DecryptOptions = {}): (Uint8Array | undefined)[] {
    return this.#openMany(tokens, parseOpening(options)).map(dropReason)
  }

  /**
   * The same plaintext in a new token under the first key, with the timestamp of the old one: rotation never makes
   * a token younger. Throws as `decrypt`.
   */
  rotate(token: string, options: DecryptOptions = {}): string {
    const plaintext = this.decrypt(token, options)
    const timeSeconds = readTokenTime(token)?.timestamp ?? 0 // it was read by `decrypt`
    const rotated = this.#first().seal(plaintext, { timeSeconds })
    plaintext.fill(0)
    return rotated
  }

  /**
   * Best effort: erases keys that came as strings, and everything derived from any. Material that was passed in
   * stays with its owner. Every later call throws KEY_REFUSED.
   */
  wipe(): void {
    for (const key of this.#keys) key.retire()
    for (const material of this.#owned) material.wipe()
  }

  [Symbol.dispose](): void {
    this.wipe()
  }

  #first(): FernetKey {
    const [first] = this.#keys
    if (first === undefined) throw new Error('unreachable: parseRing refuses an empty ring')
    return first
  }

  #open(token: string, opening: Opening): Opened {
    let opened: Opened = 'mac'
    for (const key of this.#keys) {
      opened = key.open(token, opening)
      if (opened !== 'mac') break
    }
    return opened
  }

  #openMany(tokens: readonly string[], opening: Opening): Opened[] {
    const results = tokens.map((): Opened => 'mac')
    for (const key of this.#keys) openMissing(key, { tokens, opening, results })
    return results
  }
}
