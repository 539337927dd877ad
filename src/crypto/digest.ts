import { createHash, hash } from 'node:crypto'
import { concat, utf8 } from './bytes.ts'

/** SHA-256 (FIPS 180-4), 32 bytes. The one-shot call with text output costs half of one with a buffer. */
export function sha256(bytes: Uint8Array): Uint8Array {
  return Buffer.from(hash('sha256', bytes, 'latin1'), 'latin1')
}

/** A name for a secret in the memory of one process, which nobody computes without the salt. Hexadecimal. */
export function saltedDigest(salt: Uint8Array, text: string): string {
  return hash('sha256', concat(salt, utf8(text)))
}

/** SHA-256 of what comes in pieces. */
export class Sha256 {
  readonly #hash = createHash('sha256')

  update(piece: Uint8Array): void {
    this.#hash.update(piece)
  }

  /** Hexadecimal. Once. */
  hex(): string {
    return this.#hash.digest('hex')
  }
}
