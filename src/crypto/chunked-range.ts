import { freeNow } from '../model/free-bytes.ts'
import type { RangePlan } from '../model/file-layout.ts'
import {
  CHUNK_BYTES,
  type ChunkedInput,
  decryptionFailed,
  HEADER_BYTES,
  type MessageKeys,
  resumeMessage,
  SEALED_CHUNK_BYTES,
} from './chunked-message.ts'
import type { PieceTransform } from './chunked-pieces.ts'

const NOTHING = new Uint8Array(0)

/**
 * Decrypts a part of a message from its header, its final chunk and the chunks of the part, in this order
 * (docs/spec/file.md, "A part of a file"). The final chunk authenticates the length that `plan` was made for.
 */
export class RangeOpener implements PieceTransform {
  readonly #input: ChunkedInput
  readonly #plan: RangePlan
  readonly #held = new Uint8Array(SEALED_CHUNK_BYTES)
  #heldBytes = 0
  #wanted = HEADER_BYTES
  #keys: MessageKeys | undefined
  /** The chunk that comes next; `undefined` while the final one is checked. */
  #index: number | undefined
  #left: number

  constructor(input: ChunkedInput, plan: RangePlan) {
    this.#input = { ...input, context: Uint8Array.from(input.context) }
    this.#plan = plan
    this.#left = plan.take
  }

  *update(piece: Uint8Array): Generator<Uint8Array, void, undefined> {
    let rest = piece
    while (rest.length > 0) {
      // Bytes after the part are none of it.
      if (this.#wanted === 0) throw decryptionFailed('too-long')
      const taken = rest.subarray(0, this.#wanted - this.#heldBytes)
      this.#held.set(taken, this.#heldBytes)
      this.#heldBytes += taken.length
      rest = rest.subarray(taken.length)
      if (this.#heldBytes < this.#wanted) return
      const plain = this.#open(this.#held.subarray(0, this.#heldBytes))
      this.#heldBytes = 0
      if (plain.length > 0) yield plain
    }
  }

  finish(): Uint8Array {
    if (this.#wanted > 0) throw decryptionFailed('truncated')
    this.discard()
    return NOTHING
  }

  discard(): void {
    this.#held.fill(0)
    this.#heldBytes = 0
  }

  #open(part: Uint8Array): Uint8Array {
    const { lastIndex, lastBytes, first } = this.#plan
    if (this.#keys === undefined) {
      this.#keys = resumeMessage(this.#input, part)
      this.#wanted = lastBytes
      return NOTHING
    }
    if (this.#index === undefined) {
      freeNow(this.#keys.open(lastIndex, part))
      this.#index = first
      this.#wanted = this.#nextBytes()
      return NOTHING
    }
    const chunk = this.#keys.open(this.#index, part)
    const skip = this.#index === first ? this.#plan.skip : 0
    const wanted = Uint8Array.from(chunk.subarray(skip, skip + Math.min(this.#left, CHUNK_BYTES - skip)))
    freeNow(chunk)
    this.#left -= wanted.length
    this.#index += 1
    this.#wanted = this.#nextBytes()
    return wanted
  }

  /** Of the chunk that comes next; 0 after the last one. */
  #nextBytes(): number {
    const { end, lastIndex, lastBytes } = this.#plan
    if (this.#index === undefined || this.#index >= end) return 0
    return this.#index === lastIndex ? lastBytes : SEALED_CHUNK_BYTES
  }
}
