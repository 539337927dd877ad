import type { Readable } from 'node:stream'
import { type ReadLimit, readPieces, tooLong } from './read-limited.ts'

const LINE_FEED = 0x0a

/** The lines of a stream, without their line feeds. Constant memory. */
export async function* readLines(stream: Readable, limit: ReadLimit): AsyncGenerator<Uint8Array> {
  let started: Uint8Array[] = []
  let length = 0
  let number = 1
  const extend = (piece: Uint8Array) => {
    length += piece.length
    if (length > limit.maximumBytes) throw tooLong(limit, { line: number })
    started.push(piece)
  }
  for await (const piece of readPieces(stream, limit.name)) {
    let from = 0
    for (let at = piece.indexOf(LINE_FEED); at >= 0; at = piece.indexOf(LINE_FEED, from)) {
      extend(piece.subarray(from, at))
      yield join(started)
      started = []
      length = 0
      number += 1
      from = at + 1
    }
    if (from < piece.length) extend(piece.subarray(from))
  }
  // The last line may lack its line feed; after a line feed there is no further line.
  if (started.length > 0) yield join(started)
}

function join(pieces: readonly Uint8Array[]): Uint8Array {
  const [only] = pieces
  return pieces.length === 1 && only !== undefined ? only : Buffer.concat(pieces)
}
