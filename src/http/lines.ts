import { CoffreError } from '../model/errors.ts'
import { MAX_ITEM_BYTES } from '../model/limits.ts'

const LINE_FEED = 0x0a

/** One line without its line feed, or what is wrong with it. */
export type Line = Uint8Array | CoffreError

/** The lines of a body. A line that is too long is skipped to its end and answered for by itself. */
export async function* splitLines(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Line> {
  const open = new OpenLine()
  for await (const piece of pieces) {
    let from = 0
    for (let at = piece.indexOf(LINE_FEED); at >= 0; at = piece.indexOf(LINE_FEED, from)) {
      yield open.close(piece.subarray(from, at))
      from = at + 1
    }
    open.extend(piece.subarray(from))
  }
  // The last line may lack its line feed; after a line feed there is no further line.
  if (open.length > 0) yield open.close(new Uint8Array(0))
}

class OpenLine {
  #pieces: Uint8Array[] = []
  length = 0

  extend(piece: Uint8Array): void {
    this.length += piece.length
    if (this.length > MAX_ITEM_BYTES) this.#pieces = []
    else if (piece.length > 0) this.#pieces.push(piece)
  }

  close(last: Uint8Array): Line {
    this.extend(last)
    const [only] = this.#pieces
    const line = this.#pieces.length === 1 && only !== undefined ? only : Buffer.concat(this.#pieces)
    const isTooLong = this.length > MAX_ITEM_BYTES
    this.#pieces = []
    this.length = 0
    return isTooLong
      ? new CoffreError('LIMIT_EXCEEDED', { facts: { at: 'line', maximum: MAX_ITEM_BYTES } })
      : line
  }
}
