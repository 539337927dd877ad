/** Buffers that are used again, so that memory stays with the few parts that are under way at once. */
class PartBuffers {
  readonly #free: Buffer[] = []

  take(bytes: number): Buffer {
    const index = this.#free.findIndex((buffer) => buffer.length >= bytes)
    const [found] = index === -1 ? [] : this.#free.splice(index, 1)
    // Those that are too small now never fit again: parts grow.
    if (found === undefined) this.#free.length = 0
    // Room to grow costs nothing: pages that nobody has written to are not in memory.
    return found ?? Buffer.allocUnsafeSlow(2 ** Math.ceil(Math.log2(bytes)))
  }

  give(buffer: Buffer): void {
    this.#free.push(buffer)
  }
}

export interface Part {
  readonly number: number
  readonly bytes: Uint8Array
  readonly isLast: boolean
  /** Once nobody reads the bytes any more. */
  release(): void
}

/** Cuts a body into parts. Only the last may be shorter, and it is empty only if the body is. */
export async function* partsOf(
  body: AsyncIterable<Uint8Array>,
  sizeOf: (number: number) => number,
): AsyncGenerator<Part> {
  const buffers = new PartBuffers()
  const open = (number: number) => ({
    number,
    size: sizeOf(number),
    buffer: buffers.take(sizeOf(number)),
    length: 0,
  })
  type Open = ReturnType<typeof open>
  const close = ({ number, buffer, length }: Open, isLast: boolean): Part => ({
    number,
    bytes: buffer.subarray(0, length),
    isLast,
    release: () => buffers.give(buffer),
  })
  let part = open(1)
  for await (const chunk of body) {
    for (let at = 0; at < chunk.length; ) {
      if (part.length === part.size) {
        yield close(part, false)
        part = open(part.number + 1)
      }
      const piece = chunk.subarray(at, at + part.size - part.length)
      part.buffer.set(piece, part.length)
      part.length += piece.length
      at += piece.length
    }
  }
  yield close(part, true)
}
