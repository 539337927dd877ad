import { availableParallelism } from 'node:os'
import { Readable } from 'node:stream'
import { promisify } from 'node:util'
import { constants, createGunzip, createZstdDecompress, gzip, zstdCompress } from 'node:zlib'
import type { BackupCompression } from '../../model/backup.ts'
import { CoffreError } from '../../model/errors.ts'

/**
 * Blocks of a MiB are compressed side by side, each a zstd frame or gzip member of its own: both formats are such a row, so
 * every tool reads them, and two cores do twice the work. It costs about a hundredth in size (bench/backup.ts).
 */
const BLOCK_BYTES = 1024 * 1024
/** What zstd calls its default. */
const ZSTD_LEVEL = 3
const GZIP_LEVEL = 6
/** One more than there are threads, so that none waits for the reader. */
const BLOCKS_IN_FLIGHT = Math.min(availableParallelism(), 4) + 1

type Compress = (block: Uint8Array) => Promise<Uint8Array>

const zstd = promisify(zstdCompress)
const deflate = promisify(gzip)
const COMPRESS: Readonly<Record<BackupCompression, Compress>> = {
  zstd: (block) => zstd(block, { params: { [constants.ZSTD_c_compressionLevel]: ZSTD_LEVEL } }),
  gzip: (block) => deflate(block, { level: GZIP_LEVEL }),
  none: (block) => Promise.resolve(block),
}

/** In constant memory and in order. Nothing gives one empty frame, which tools take for an empty file. */
export async function* compress(
  source: AsyncIterable<Uint8Array>,
  how: BackupCompression,
): AsyncGenerator<Uint8Array, void, undefined> {
  const waiting: Promise<Uint8Array>[] = []
  try {
    for await (const block of cutBlocks(source)) {
      const compressed = COMPRESS[how](block)
      // A failure is thrown where it is awaited, however much later that is.
      compressed.catch(() => {})
      waiting.push(compressed)
      if (waiting.length < BLOCKS_IN_FLIGHT) continue
      const first = await waiting.shift()
      if (first !== undefined) yield first
    }
    for (const block of waiting) yield await block
  } finally {
    await Promise.allSettled(waiting)
  }
}

/** Throws BACKUP_DAMAGED for what is not whole frames of that kind. */
export async function* decompress(
  source: AsyncIterable<Uint8Array>,
  how: BackupCompression,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (how === 'none') return yield* source
  const stream = how === 'zstd' ? createZstdDecompress() : createGunzip()
  const input = Readable.from(source, { objectMode: false })
  let failure: unknown
  // `pipe` does not pass errors on, and what the source throws is the better one of the two.
  input.once('error', (error) => {
    failure = error
    stream.destroy(error)
  })
  try {
    for await (const piece of input.pipe(stream)) yield piece as Uint8Array
  } catch (cause) {
    if (failure !== undefined) throw failure
    throw new CoffreError('BACKUP_DAMAGED', { facts: { at: 'compression' }, cause })
  } finally {
    input.destroy()
    stream.destroy()
  }
}

/** Blocks of exactly `BLOCK_BYTES`, the last one shorter; one empty block for an empty source. */
async function* cutBlocks(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  let block = Buffer.allocUnsafe(BLOCK_BYTES)
  let filled = 0
  let isFirst = true
  for await (const piece of source) {
    for (let at = 0; at < piece.length; ) {
      const taken = piece.subarray(at, at + BLOCK_BYTES - filled)
      block.set(taken, filled)
      filled += taken.length
      at += taken.length
      if (filled < BLOCK_BYTES) continue
      yield block
      block = Buffer.allocUnsafe(BLOCK_BYTES)
      filled = 0
      isFirst = false
    }
  }
  if (filled > 0 || isFirst) yield block.subarray(0, filled)
}
