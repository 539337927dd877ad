import type { Readable } from 'node:stream'
import { MAX_BATCH_ITEMS } from '../../model/limits.ts'
import { type ReadLimit, readPieces, tooLong } from './read-limited.ts'

/** In base64 and with a context on every item this stays below MAX_BODY_BYTES. */
const MAX_BATCH_BYTES = 4 * 1024 * 1024
const LINE_FEED = 0x0a

export interface LineBatch {
  /** Number of the first line, from 1. */
  readonly first: number
  readonly lines: readonly Uint8Array[]
}

/** The lines of a stream, without their line feeds, in batches that one request can carry. Constant memory. */
export async function* readLineBatches(stream: Readable, limit: ReadLimit): AsyncGenerator<LineBatch> {
  let lines: Uint8Array[] = []
  let bytes = 0
  let first = 1
  for await (const line of splitLines(stream, limit)) {
    if (lines.length === MAX_BATCH_ITEMS || (lines.length > 0 && bytes + line.length > MAX_BATCH_BYTES)) {
      yield { first, lines }
      first += lines.length
      lines = []
      bytes = 0
    }
    lines.push(line)
    bytes += line.length
  }
  if (lines.length > 0) yield { first, lines }
}

async function* splitLines(stream: Readable, limit: ReadLimit): AsyncGenerator<Uint8Array> {
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
