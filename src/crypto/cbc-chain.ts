import { type Cipheriv, createCipheriv, createDecipheriv, type Decipheriv } from 'node:crypto'

export const BLOCK_BYTES = 16
/** Chains that hold an open OpenSSL context, per thread: an expanded key each, and about 1 KiB. */
export const MAX_OPEN_CHAINS = 256

const ALGORITHM = 'aes-128-cbc'
// The first block in is random, so the IV of the context itself is never relied upon.
const ZERO_IV = new Uint8Array(BLOCK_BYTES)

const open: CbcChain[] = []
let hand = 0

/**
 * AES-128-CBC in one OpenSSL context per direction that outlives the message, which saves most of the cost of a
 * small one. Why this is sound: docs/spec/fernet.md, "Security of the persistent context".
 *
 * Both directions take whole blocks only. The caller pads.
 */
export class CbcChain {
  readonly #key: Uint8Array
  #cipher: Cipheriv | undefined
  #decipher: Decipheriv | undefined
  #isAdmitted = false
  #isRecent = false

  /** `key` is 16 live bytes: it is read again whenever a context opens, and not copied. */
  constructor(key: Uint8Array) {
    this.#key = key
  }

  /** Whether it holds an expanded key now. */
  get isOpen(): boolean {
    return this.#cipher !== undefined || this.#decipher !== undefined
  }

  /**
   * `blocks` is, once or several times over, 16 fresh random bytes and a padded plaintext. Answers, in the same
   * places, a uniformly random IV and the ciphertext under it.
   */
  encrypt(blocks: Uint8Array): Buffer {
    this.#keepOpen()
    this.#cipher ??= createCipheriv(ALGORITHM, this.#key, ZERO_IV).setAutoPadding(false)
    return this.#cipher.update(blocks)
  }

  /**
   * `blocks` is, once or several times over, an IV and its ciphertext, both already authenticated. Answers the
   * padded plaintexts, each after one block that means nothing.
   */
  decrypt(blocks: Uint8Array): Buffer {
    this.#keepOpen()
    this.#decipher ??= createDecipheriv(ALGORITHM, this.#key, ZERO_IV).setAutoPadding(false)
    return this.#decipher.update(blocks)
  }

  /** Frees and erases the expanded keys. The next use opens new contexts. */
  close(): void {
    this.#release()
    const at = open.indexOf(this)
    if (at >= 0) open.splice(at, 1)
  }

  #release(): void {
    this.#cipher?.final()
    this.#decipher?.final()
    this.#cipher = undefined
    this.#decipher = undefined
    this.#isAdmitted = false
  }

  #keepOpen(): void {
    this.#isRecent = true
    if (this.#isAdmitted) return
    this.#isAdmitted = true
    if (open.length < MAX_OPEN_CHAINS) open.push(this)
    else this.#replaceOldest()
  }

  /** Second chance: the hand passes over chains that were used since it last came by. */
  #replaceOldest(): void {
    let oldest = open[hand]
    while (oldest !== undefined && oldest.#isRecent) {
      oldest.#isRecent = false
      hand = (hand + 1) % MAX_OPEN_CHAINS
      oldest = open[hand]
    }
    if (oldest !== undefined) oldest.#release()
    open[hand] = this
    hand = (hand + 1) % MAX_OPEN_CHAINS
  }
}
