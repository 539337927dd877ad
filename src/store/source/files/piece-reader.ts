/** Takes exact lengths out of pieces of any length. What it gives is good until it is asked again. */
export class PieceReader {
  readonly #pieces: AsyncIterator<Uint8Array>
  #held: Buffer = Buffer.alloc(0)

  constructor(pieces: AsyncIterable<Uint8Array>) {
    this.#pieces = pieces[Symbol.asyncIterator]()
  }

  /** Exactly so many bytes, or `undefined` where the pieces end before. Only for what is short. */
  async take(length: number): Promise<Buffer | undefined> {
    while (this.#held.length < length) {
      // A copy: whoever makes the pieces uses their memory again.
      const rest = Buffer.from(this.#held)
      const { done, value } = await this.#pieces.next()
      if (done === true) return undefined
      this.#held = Buffer.concat([rest, value])
    }
    const taken = this.#held.subarray(0, length)
    this.#held = this.#held.subarray(length)
    return taken
  }

  /** At least one byte and at most so many, or `undefined` at the end. */
  async takeSome(atMost: number): Promise<Buffer | undefined> {
    while (this.#held.length === 0) {
      const { done, value } = await this.#pieces.next()
      if (done === true) return undefined
      this.#held = Buffer.from(value.buffer, value.byteOffset, value.length)
    }
    const taken = this.#held.subarray(0, atMost)
    this.#held = this.#held.subarray(taken.length)
    return taken
  }

  /** Lets whoever makes the pieces end. */
  async close(): Promise<void> {
    await this.#pieces.return?.()
  }
}
