import { CoffreError } from '../model/errors.ts'
import { freeNow } from '../model/free-bytes.ts'
import {
  CHUNK_BYTES,
  CHUNKED_AES_256_GCM,
  type ChunkedInput,
  chunkOffset,
  decryptionFailed,
  HEADER_BYTES,
  MAX_WHOLE_BYTES,
  type MessageKeys,
  type MessageShape,
  resumeMessage,
  SEALED_CHUNK_BYTES,
  shapeOfCiphertext,
} from './chunked-message.ts'
import type { KeyMaterial } from './key-material.ts'

/** A ciphertext that can be read anywhere: a file, an object store, a buffer. */
export interface ByteSource {
  /** Bytes of the whole ciphertext. */
  readonly size: number
  /** Exactly `length` bytes from `offset`; both stay within `size`. It may be called concurrently. */
  read(offset: number, length: number): Promise<Uint8Array>
}

const CHUNKS_PER_READ = 16 // 256 KiB from the source at a time

/** Verifies the header and the final chunk of a ciphertext, then reads from it at any offset. */
export function openChunkedReader(
  key: KeyMaterial,
  context: Uint8Array,
  source: ByteSource,
): Promise<ChunkedReader> {
  return ChunkedReader.open({ aead: CHUNKED_AES_256_GCM, key, context }, source)
}

/**
 * Random access to one message. Reads are independent: they may run concurrently, and one that met a bad chunk
 * leaves the others as they are. Errors of the source pass through unchanged.
 */
export class ChunkedReader {
  readonly #source: ByteSource
  readonly #keys: MessageKeys
  readonly #shape: MessageShape

  private constructor(source: ByteSource, keys: MessageKeys, shape: MessageShape) {
    this.#source = source
    this.#keys = keys
    this.#shape = shape
  }

  /** DECRYPTION_FAILED unless the commitment and the final chunk, and so the length, are authentic. */
  static async open(input: ChunkedInput, source: ByteSource): Promise<ChunkedReader> {
    const shape = shapeOfCiphertext(source.size)
    const keys = resumeMessage(input, await readExactly(source, 0, HEADER_BYTES))
    const offset = chunkOffset(shape.lastIndex)
    freeNow(keys.open(shape.lastIndex, await readExactly(source, offset, shape.ciphertextBytes - offset)))
    return new ChunkedReader(source, keys, shape)
  }

  /** Bytes of the message. `open` has authenticated it. */
  length(): number {
    return this.#shape.messageBytes
  }

  /**
   * The bytes from `offset`, fewer than `length` only where the message ends. At most 64 MiB at a time
   * (LIMIT_EXCEEDED); DECRYPTION_FAILED, and nothing, if any chunk that it needs is bad.
   */
  async read(offset: number, length: number): Promise<Uint8Array> {
    refusePosition('offset', offset)
    refusePosition('length', length)
    const end = Math.min(offset + length, this.#shape.messageBytes)
    if (end <= offset) return new Uint8Array(0)
    refuseLongRead(end - offset)
    const output = new Uint8Array(end - offset)
    const afterLast = Math.ceil(end / CHUNK_BYTES)
    for (let first = Math.floor(offset / CHUNK_BYTES); first < afterLast; first += CHUNKS_PER_READ) {
      await this.#readSpan(first, Math.min(first + CHUNKS_PER_READ, afterLast), { output, offset })
    }
    return output
  }

  /** Opens chunks `first` to before `afterLast` and copies what `wanted` holds of them. */
  async #readSpan(first: number, afterLast: number, wanted: Wanted): Promise<void> {
    const start = chunkOffset(first)
    const end = Math.min(chunkOffset(afterLast), this.#shape.ciphertextBytes)
    const sealed = await readExactly(this.#source, start, end - start)
    for (let index = first; index < afterLast; index += 1) {
      const from = (index - first) * SEALED_CHUNK_BYTES
      const chunk = this.#keys.open(index, sealed.subarray(from, from + SEALED_CHUNK_BYTES))
      copyWanted(chunk, index * CHUNK_BYTES - wanted.offset, wanted.output)
      freeNow(chunk)
    }
  }
}

interface Wanted {
  readonly output: Uint8Array
  /** Where `output` begins in the message. */
  readonly offset: number
}

/** Copies what of `chunk` lies within `output` when it is laid at `position`, which may be negative. */
function copyWanted(chunk: Uint8Array, position: number, output: Uint8Array): void {
  const from = Math.max(-position, 0)
  const to = Math.min(chunk.length, output.length - position)
  output.set(chunk.subarray(from, to), position + from)
}

async function readExactly(source: ByteSource, offset: number, length: number): Promise<Uint8Array> {
  const bytes = await source.read(offset, length)
  if (bytes.length !== length) throw decryptionFailed('truncated')
  return bytes
}

function refusePosition(at: string, value: number): void {
  if (Number.isSafeInteger(value) && value >= 0) return
  throw new CoffreError('INVALID_REQUEST', { facts: { at, expected: 'a whole number from 0' } })
}

function refuseLongRead(bytes: number): void {
  if (bytes <= MAX_WHOLE_BYTES) return
  throw new CoffreError('LIMIT_EXCEEDED', { facts: { at: 'length', mostBytes: MAX_WHOLE_BYTES } })
}
