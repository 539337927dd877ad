/** Writes what becomes of one full chunk into `target` at `offset`. The chunk is only lent. */
export type ConvertChunk = (chunk: Uint8Array, target: Uint8Array, offset: number) => void

// Converted chunks are handed out four at a time: fewer stream steps, and a slab stays a small allocation.
const SLAB_CHUNKS = 4

/** Cuts pieces of any size into full chunks, and holds back what is less than one. */
export class ChunkCutter {
  readonly #held: Uint8Array
  #heldBytes = 0

  constructor(chunkBytes: number) {
    this.#held = new Uint8Array(chunkBytes)
  }

  /** Holds back as much of `piece` as makes one chunk, and answers how many bytes that was. */
  fill(piece: Uint8Array): number {
    const taken = Math.min(this.#held.length - this.#heldBytes, piece.length)
    this.#held.set(piece.subarray(0, taken), this.#heldBytes)
    this.#heldBytes += taken
    return taken
  }

  /** What is held back, at most one chunk. Only lent. */
  rest(): Uint8Array {
    return this.#held.subarray(0, this.#heldBytes)
  }

  /** Yields the conversions of all full chunks, a few joined in one slab that belongs to the caller. */
  *convert(piece: Uint8Array, outputBytes: number, convertChunk: ConvertChunk): Generator<Uint8Array> {
    const chunkBytes = this.#held.length
    let left = Math.floor((this.#heldBytes + piece.length) / chunkBytes)
    let offset = left > 0 ? this.#completeHeld(piece) : 0
    while (left > 0) {
      const count = Math.min(left, SLAB_CHUNKS)
      const slab = allocateSlab(count * outputBytes)
      for (let filled = 0; filled < slab.length; filled += outputBytes) {
        // The first chunk may begin with what was held back, which `offset` then has below zero.
        const chunk = offset < 0 ? this.#held : piece.subarray(offset, offset + chunkBytes)
        convertChunk(chunk, slab, filled)
        offset += chunkBytes
      }
      left -= count
      yield slab
    }
    this.fill(piece.subarray(offset))
  }

  wipe(): void {
    this.#held.fill(0)
    this.#heldBytes = 0
  }

  /** Makes what is held back a full chunk. Answers where that chunk begins in `piece`: at or before its start. */
  #completeHeld(piece: Uint8Array): number {
    const start = 0 - this.#heldBytes
    if (start < 0) this.fill(piece)
    this.#heldBytes = 0
    return start
  }
}

/** Not zeroed first: a slab is yielded only when every byte of it is written. Never from Buffer's shared pool. */
function allocateSlab(bytes: number): Uint8Array<ArrayBuffer> {
  const { buffer } = Buffer.allocUnsafeSlow(bytes)
  return new Uint8Array(buffer)
}
