import { createReadStream } from 'node:fs'
import type { Readable } from 'node:stream'
import { CoffreError } from '../../model/errors.ts'
import { UsageError } from '../usage-error.ts'

export interface ReadLimit {
  /** Of the option or stream, for the reader. */
  readonly name: string
  readonly maximumBytes: number
}

/** Everything in the stream. Throws LIMIT_EXCEEDED as soon as it is longer than the limit. */
export async function readLimited(stream: Readable, limit: ReadLimit): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  let length = 0
  for await (const piece of readPieces(stream, limit.name)) {
    length += piece.length
    if (length > limit.maximumBytes) throw tooLong(limit)
    pieces.push(piece)
  }
  return Buffer.concat(pieces)
}

/** The first bytes of the stream; the rest is not read. */
export async function readHead(stream: Readable, limit: ReadLimit): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  let length = 0
  for await (const piece of readPieces(stream, limit.name)) {
    pieces.push(piece)
    length += piece.length
    if (length >= limit.maximumBytes) break
  }
  return Buffer.concat(pieces).subarray(0, limit.maximumBytes)
}

export function readLimitedFile(path: string, limit: ReadLimit): Promise<Uint8Array> {
  return readLimited(createReadStream(path), limit)
}

export function tooLong(limit: ReadLimit, facts: Readonly<Record<string, number>> = {}): CoffreError {
  return new CoffreError('LIMIT_EXCEEDED', {
    facts: { at: limit.name, maximum: limit.maximumBytes, ...facts },
  })
}

export async function* readPieces(stream: Readable, name: string): AsyncGenerator<Uint8Array> {
  try {
    for await (const piece of stream) yield typeof piece === 'string' ? Buffer.from(piece) : toBytes(piece)
  } catch (error) {
    if (error instanceof CoffreError) throw error
    throw UsageError.of('usage.fileUnreadable', { name })
  }
}

function toBytes(piece: unknown): Uint8Array {
  if (piece instanceof Uint8Array) return piece
  throw new Error('unreachable: the stream is binary')
}
