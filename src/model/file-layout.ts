import { CoffreError } from './errors.ts'
import type { RangeSource } from './streams.ts'

// Where things lie in a file (docs/spec/file.md, docs/spec/chunked.md): what a client without keys needs to know to
// send only a part of one.

/** Magic, construction, key id, version, and the length of the data key's ciphertext. */
export const FILE_FIXED_BYTES = 28
const DATA_KEY_LENGTH_OFFSET = 24
/** A data key's ciphertext has 140 bytes; one under RSA-4096 has 536. */
export const MAX_DATA_KEY_CIPHERTEXT_BYTES = 4_096
/** Salt and commitment, before the first chunk. */
const BODY_HEADER_BYTES = 56
const PLAIN_CHUNK_BYTES = 16 * 1024
const TAG_BYTES = 16
const SEALED_CHUNK_BYTES = PLAIN_CHUNK_BYTES + TAG_BYTES
const SPAN_BYTES = 16 * SEALED_CHUNK_BYTES // 256 KiB from the source at a time

/** Bytes of the plaintext. */
export interface ByteRange {
  readonly offset: number
  readonly length?: number
}

/** The chunks of a body that hold a range. Offsets count from the start of the body. */
export interface RangePlan {
  /** The number of the final chunk, where it lies and how long it is. */
  readonly lastIndex: number
  readonly lastOffset: number
  readonly lastBytes: number
  /** From chunk `first` to before `end`; none where the range is empty. */
  readonly first: number
  readonly end: number
  /** What the first of them has before the range, and what the range has. */
  readonly skip: number
  readonly take: number
}

/** Throws DECRYPTION_FAILED for a length that no body has, INVALID_REQUEST for a range that begins after its end. */
export function planRange(bodyBytes: number, range: ByteRange): RangePlan {
  const chunksBytes = bodyBytes - BODY_HEADER_BYTES
  const lastIndex = Math.floor(chunksBytes / SEALED_CHUNK_BYTES)
  const lastBytes = chunksBytes - lastIndex * SEALED_CHUNK_BYTES
  if (!Number.isSafeInteger(bodyBytes) || chunksBytes < 0 || lastBytes < TAG_BYTES) {
    throw new CoffreError('DECRYPTION_FAILED')
  }
  const messageBytes = lastIndex * PLAIN_CHUNK_BYTES + lastBytes - TAG_BYTES
  const offset = readWhole('offset', range.offset, messageBytes)
  const wanted = range.length === undefined ? messageBytes : readWhole('length', range.length)
  const take = Math.min(wanted, messageBytes - offset)
  const first = Math.floor(offset / PLAIN_CHUNK_BYTES)
  return {
    lastIndex,
    lastOffset: chunkOffset(lastIndex),
    lastBytes,
    first,
    end: take === 0 ? first : Math.ceil((offset + take) / PLAIN_CHUNK_BYTES),
    skip: offset - first * PLAIN_CHUNK_BYTES,
    take,
  }
}

/**
 * What a range read needs of a file, in the order of docs/spec/file.md, "A part of a file": the header, the final
 * chunk, and the chunks of the range.
 */
export async function* readRangeParts(source: RangeSource, range: ByteRange): AsyncGenerator<Uint8Array> {
  if (source.size < FILE_FIXED_BYTES + BODY_HEADER_BYTES) throw new CoffreError('DECRYPTION_FAILED')
  const fixed = await readExactly(source, 0, FILE_FIXED_BYTES)
  const dataKeyBytes = new DataView(fixed.buffer, fixed.byteOffset).getUint32(DATA_KEY_LENGTH_OFFSET)
  const body = FILE_FIXED_BYTES + dataKeyBytes
  if (dataKeyBytes > MAX_DATA_KEY_CIPHERTEXT_BYTES || body + BODY_HEADER_BYTES > source.size) {
    throw new CoffreError('DECRYPTION_FAILED')
  }
  const plan = planRange(source.size - body, range)
  yield await readExactly(source, 0, body + BODY_HEADER_BYTES)
  yield await readExactly(source, body + plan.lastOffset, plan.lastBytes)
  const end = body + Math.min(chunkOffset(plan.end), plan.lastOffset + plan.lastBytes)
  for (let at = body + chunkOffset(plan.first); at < end; at += SPAN_BYTES) {
    yield await readExactly(source, at, Math.min(SPAN_BYTES, end - at))
  }
}

function chunkOffset(index: number): number {
  return BODY_HEADER_BYTES + index * SEALED_CHUNK_BYTES
}

async function readExactly(source: RangeSource, offset: number, length: number): Promise<Uint8Array> {
  const bytes = await source.readAt(offset, length)
  if (bytes.length !== length) throw new CoffreError('DECRYPTION_FAILED')
  return bytes
}

function readWhole(at: string, value: number, maximum = Number.MAX_SAFE_INTEGER): number {
  if (Number.isSafeInteger(value) && value >= 0 && value <= maximum) return value
  throw new CoffreError('INVALID_REQUEST', { facts: { at, from: 0, to: maximum } })
}
