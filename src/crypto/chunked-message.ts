import {
  type CipherGCMTypes,
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  type KeyObject,
} from 'node:crypto'
import { timingSafeEqual } from 'node:crypto'
import { CoffreError } from '../model/errors.ts'
import { freeNow } from '../model/free-bytes.ts'
import { hkdfExpand } from './hkdf-expand.ts'
import type { KeyMaterial } from './key-material.ts'
import { fillRandom } from './random.ts'

// The shape of docs/spec/chunked.md. Everything of it that is not about streams or seeking is here.

export const CHUNK_BYTES = 16 * 1024
export const TAG_BYTES = 16
export const SEALED_CHUNK_BYTES = CHUNK_BYTES + TAG_BYTES
export const HEADER_BYTES = 56 // salt and commitment
/** What fits in memory at once. Longer messages go through a stream. */
export const MAX_WHOLE_BYTES = 64 * 1024 * 1024

const SALT_BYTES = 24
const NONCE_BYTES = 12
const COMMITMENT_BYTES = 32
const MAX_CHUNKS = 2 ** 38 // c2sp.org/chunked-encryption, "Message chunking"
const MAX_CONTEXT_BYTES = 128 * 1024 // twice the largest encoded context of docs/spec/ciphertext.md
const LABEL = Buffer.from('c2sp.org/chunked-encryption@v1+', 'latin1')

/** One row per instantiation. The product offers AES-256-GCM; the other row is there for its test vectors. */
export interface ChunkedAead {
  /** As in the IANA registry of AEAD algorithms. */
  readonly name: string
  readonly cipher: CipherGCMTypes
  readonly keyBytes: number
}

export const CHUNKED_AES_256_GCM: ChunkedAead = {
  name: 'AEAD_AES_256_GCM',
  cipher: 'aes-256-gcm',
  keyBytes: 32,
}

export const CHUNKED_AES_128_GCM: ChunkedAead = {
  name: 'AEAD_AES_128_GCM',
  cipher: 'aes-128-gcm',
  keyBytes: 16,
}

/** What a message is encrypted under. */
export interface ChunkedInput {
  readonly aead: ChunkedAead
  /** Uniformly random, exactly as long as the AEAD's key. */
  readonly key: KeyMaterial
  readonly context: Uint8Array
}

/** The true cause, for our own log and tests. It travels as the error's `cause` and is never shown. */
export type ChunkedFailure = 'key-length' | 'truncated' | 'commitment' | 'tag' | 'too-long'

export function decryptionFailed(reason: ChunkedFailure): CoffreError {
  return new CoffreError('DECRYPTION_FAILED', { cause: reason })
}

/** The derived secrets of one message: they seal or open its chunks in any order. */
export class MessageKeys {
  readonly #cipher: CipherGCMTypes
  readonly #key: KeyObject
  readonly #nonces: ChunkNonces

  constructor(cipher: CipherGCMTypes, key: Uint8Array, baseNonce: Uint8Array) {
    this.#cipher = cipher
    this.#key = createSecretKey(key)
    this.#nonces = new ChunkNonces(baseNonce)
  }

  /** Writes the sealed chunk, `chunk.length + TAG_BYTES` bytes, into `target` at `offset`. */
  sealInto(index: number, chunk: Uint8Array, target: Uint8Array, offset: number): void {
    if (index >= MAX_CHUNKS)
      throw new CoffreError('LIMIT_EXCEEDED', { facts: { at: 'chunks', most: MAX_CHUNKS } })
    const cipher = createCipheriv(this.#cipher, this.#key, this.#nonces.at(index))
    const body = cipher.update(chunk)
    target.set(body, offset)
    freeNow(body)
    cipher.final()
    target.set(cipher.getAuthTag(), offset + chunk.length)
  }

  /** The plaintext of a chunk whose tag is valid, for the caller to `freeNow`; DECRYPTION_FAILED otherwise. */
  open(index: number, sealed: Uint8Array): Uint8Array {
    if (index >= MAX_CHUNKS) throw decryptionFailed('too-long')
    const bodyBytes = sealed.length - TAG_BYTES
    const decipher = createDecipheriv(this.#cipher, this.#key, this.#nonces.at(index))
    decipher.setAuthTag(sealed.subarray(bodyBytes))
    const plaintext = decipher.update(sealed.subarray(0, bodyBytes))
    try {
      decipher.final()
    } catch {
      plaintext.fill(0)
      freeNow(plaintext)
      throw decryptionFailed('tag')
    }
    return plaintext
  }
}

/**
 * Nonces of the chunks of one message: the base nonce XOR the chunk's number, which is below 2^38 and so reaches
 * only the last five bytes.
 */
export class ChunkNonces {
  readonly #nonce: Uint8Array
  readonly #view: DataView
  readonly #high: number
  readonly #low: number

  constructor(baseNonce: Uint8Array) {
    this.#nonce = Uint8Array.from(baseNonce)
    this.#view = new DataView(this.#nonce.buffer)
    this.#high = this.#view.getUint8(7)
    this.#low = this.#view.getUint32(8)
  }

  /** Only lent: the next call overwrites it. */
  at(index: number): Uint8Array {
    this.#view.setUint8(7, this.#high ^ Math.floor(index / 2 ** 32))
    this.#view.setUint32(8, this.#low ^ (index % 2 ** 32))
    return this.#nonce
  }
}

/** A new message under a random salt, and the header that goes before its chunks. */
export function startMessage(input: ChunkedInput): { keys: MessageKeys; header: Uint8Array } {
  if (input.key.length !== input.aead.keyBytes) {
    throw new CoffreError('KEY_REFUSED', { facts: { at: 'key', expectedBytes: input.aead.keyBytes } })
  }
  const header = new Uint8Array(HEADER_BYTES)
  fillRandom(header, 0, SALT_BYTES)
  const { keys, commitment } = derive(input, header.subarray(0, SALT_BYTES))
  header.set(commitment, SALT_BYTES)
  return { keys, header }
}

/** The keys of the message that begins with `header`, once its commitment is verified. */
export function resumeMessage(input: ChunkedInput, header: Uint8Array): MessageKeys {
  if (input.key.length !== input.aead.keyBytes) throw decryptionFailed('key-length')
  if (header.length !== HEADER_BYTES) throw decryptionFailed('truncated')
  const { keys, commitment } = derive(input, header.subarray(0, SALT_BYTES))
  if (!timingSafeEqual(commitment, header.subarray(SALT_BYTES))) throw decryptionFailed('commitment')
  return keys
}

function derive(input: ChunkedInput, salt: Uint8Array): { keys: MessageKeys; commitment: Uint8Array } {
  refuseLongContext(input.context)
  const { name, cipher, keyBytes } = input.aead
  const info = Buffer.concat([LABEL, Buffer.from(`${name}\0`, 'latin1'), salt, input.context])
  const derived = hkdfExpand(input.key, info, keyBytes + NONCE_BYTES + COMMITMENT_BYTES, 'sha512')
  const nonceEnd = keyBytes + NONCE_BYTES
  const keys = new MessageKeys(cipher, derived.subarray(0, keyBytes), derived.subarray(keyBytes, nonceEnd))
  const commitment = derived.slice(nonceEnd)
  derived.fill(0)
  return { keys, commitment }
}

export function refuseLongContext(context: Uint8Array): void {
  if (context.length <= MAX_CONTEXT_BYTES) return
  throw new CoffreError('LIMIT_EXCEEDED', { facts: { at: 'context', mostBytes: MAX_CONTEXT_BYTES } })
}

export interface MessageShape {
  readonly ciphertextBytes: number
  /** The number of the final chunk. */
  readonly lastIndex: number
  readonly messageBytes: number
}

/** What a ciphertext of that length holds; DECRYPTION_FAILED for lengths that no ciphertext has. */
export function shapeOfCiphertext(ciphertextBytes: number): MessageShape {
  const bodyBytes = ciphertextBytes - HEADER_BYTES
  const lastIndex = Math.floor(bodyBytes / SEALED_CHUNK_BYTES)
  const lastBytes = bodyBytes - lastIndex * SEALED_CHUNK_BYTES
  if (!Number.isSafeInteger(ciphertextBytes) || bodyBytes < 0 || lastBytes < TAG_BYTES) {
    throw decryptionFailed('truncated')
  }
  if (lastIndex >= MAX_CHUNKS) throw decryptionFailed('too-long')
  return { ciphertextBytes, lastIndex, messageBytes: lastIndex * CHUNK_BYTES + lastBytes - TAG_BYTES }
}

/** Where chunk `index` begins in the ciphertext. */
export function chunkOffset(index: number): number {
  return HEADER_BYTES + index * SEALED_CHUNK_BYTES
}
