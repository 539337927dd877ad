import { availableParallelism } from 'node:os'
import type { Transform } from 'node:stream'
import { promisify } from 'node:util'
import {
  constants,
  createGunzip,
  createZstdCompress,
  createZstdDecompress,
  gzip,
  type ZstdCompress,
} from 'node:zlib'
import type { BackupCompression } from '../../model/backup.ts'
import { CoffreError } from '../../model/errors.ts'

/**
 * Blocks of a MiB are compressed side by side, each a zstd frame or gzip member of its own: both formats are such a row, so
 * every tool reads them, and two cores do twice the work. It costs about a hundredth in size (bench/backup.ts).
 */
const BLOCK_BYTES = 1024 * 1024
/** As much as a block: a larger window would hold nothing, and takes memory in whoever reads it too. */
const ZSTD_WINDOW_LOG = 20
/** What zstd calls its default. */
const ZSTD_LEVEL = 3
const GZIP_LEVEL = 6
const OUTPUT_BYTES = 128 * 1024
/** One more than there are threads, so that none waits for the reader. */
const LANES = Math.min(availableParallelism(), 4) + 1

/** One block at a time, in a buffer that is used again: memory does not grow with the source. */
interface Lane {
  readonly block: Uint8Array
  /** The first `length` bytes of `block`, as a frame of its own. */
  compress(length: number): Promise<readonly Uint8Array[]>
  close(): void
}

const MAKE_LANE: Readonly<Record<BackupCompression, () => Lane>> = {
  zstd: () => new ZstdLane(),
  gzip: () => plainLane(async (block) => [await promisify(gzip)(block, { level: GZIP_LEVEL })]),
  // A copy: the block is filled again before the reader is done with it.
  none: () => plainLane(async (block) => [Uint8Array.from(block)]),
}

/** In constant memory and in order. Nothing gives one empty frame, which tools take for an empty file. */
export async function* compress(
  source: AsyncIterable<Uint8Array>,
  how: BackupCompression,
): AsyncGenerator<Uint8Array, void, undefined> {
  const lanes = Array.from({ length: LANES }, MAKE_LANE[how])
  const reader = new BlockReader(source)
  const waiting: Promise<readonly Uint8Array[]>[] = []
  try {
    let length = BLOCK_BYTES
    for (let turn = 0; length === BLOCK_BYTES; turn += 1) {
      if (waiting.length === LANES) yield* (await waiting.shift()) ?? []
      const lane = lanes[turn % LANES]
      if (lane === undefined) throw new Error('unreachable: there are as many lanes')
      length = await reader.fill(lane.block)
      if (length === 0 && turn > 0) break
      const frame = lane.compress(length)
      // A failure is thrown where it is awaited, however much later that is.
      frame.catch(() => {})
      waiting.push(frame)
    }
    for (const frame of waiting) yield* await frame
  } finally {
    await Promise.allSettled(waiting)
    for (const lane of lanes) lane.close()
    await reader.close()
  }
}

const MAKE_DECOMPRESSION = {
  zstd: () => createZstdDecompress({ chunkSize: OUTPUT_BYTES }),
  gzip: () => createGunzip({ chunkSize: OUTPUT_BYTES }),
} as const

/** Throws BACKUP_DAMAGED for what is not whole frames of that kind. */
export async function* decompress(
  source: AsyncIterable<Uint8Array>,
  how: BackupCompression,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (how === 'none') return yield* source
  const stream = MAKE_DECOMPRESSION[how]()
  const feeding = feed(stream, source)
  // Awaited where the stream has failed or ended, however much later that is.
  feeding.catch(() => {})
  try {
    for await (const piece of stream) yield piece as Uint8Array
  } catch (cause) {
    // What the source throws is the better one of the two.
    await feeding
    throw new CoffreError('BACKUP_DAMAGED', { facts: { at: 'compression' }, cause })
  } finally {
    stream.destroy()
    await Promise.allSettled([feeding])
  }
}

/** Asks for a piece when the one before it was taken in. Throws what the source throws. */
async function feed(stream: Transform, source: AsyncIterable<Uint8Array>): Promise<void> {
  const closed = new Promise<void>((resolve) => stream.once('close', resolve))
  try {
    for await (const piece of source) {
      await Promise.race([new Promise<void>((taken) => stream.write(piece, () => taken())), closed])
      if (stream.destroyed) return
    }
    stream.end()
  } catch (error) {
    stream.destroy(error instanceof Error ? error : undefined)
    throw error
  }
}

/** One context for all blocks: making one for each would hold a hundred MiB until they are collected. */
class ZstdLane implements Lane {
  readonly block = new Uint8Array(BLOCK_BYTES)
  readonly #stream: ZstdCompress
  #pieces: Uint8Array[] = []
  #failure: Error | undefined

  constructor() {
    const params = {
      [constants.ZSTD_c_compressionLevel]: ZSTD_LEVEL,
      [constants.ZSTD_c_windowLog]: ZSTD_WINDOW_LOG,
    }
    this.#stream = createZstdCompress({ chunkSize: OUTPUT_BYTES, params })
    this.#stream.on('data', (piece: Uint8Array) => this.#pieces.push(piece))
    this.#stream.on('error', (error) => {
      this.#failure = error
    })
  }

  compress(length: number): Promise<readonly Uint8Array[]> {
    return new Promise((resolve, reject) => {
      const fail = (error: Error) => reject(error)
      if (this.#failure !== undefined) return fail(this.#failure)
      this.#stream.once('error', fail)
      this.#stream.write(this.block.subarray(0, length))
      this.#stream.flush(constants.ZSTD_e_end, () => {
        this.#stream.off('error', fail)
        const pieces = this.#pieces
        this.#pieces = []
        resolve(pieces)
      })
    })
  }

  close(): void {
    this.#stream.destroy()
  }
}

function plainLane(work: (block: Uint8Array) => Promise<readonly Uint8Array[]>): Lane {
  const block = new Uint8Array(BLOCK_BYTES)
  return { block, compress: (length) => work(block.subarray(0, length)), close: () => {} }
}

/** Fills blocks from pieces of any size. */
class BlockReader {
  readonly #pieces: AsyncIterator<Uint8Array>
  #rest: Uint8Array = new Uint8Array(0)
  #isEnded = false

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#pieces = source[Symbol.asyncIterator]()
  }

  /** How many bytes there were: fewer than the block has only at the end. */
  async fill(block: Uint8Array): Promise<number> {
    let filled = 0
    while (filled < block.length) {
      if (this.#rest.length === 0 && !(await this.#next())) break
      const taken = this.#rest.subarray(0, block.length - filled)
      block.set(taken, filled)
      filled += taken.length
      this.#rest = this.#rest.subarray(taken.length)
    }
    return filled
  }

  /** Ends the source where it was given up. */
  async close(): Promise<void> {
    if (!this.#isEnded) await this.#pieces.return?.()
  }

  async #next(): Promise<boolean> {
    const { done, value } = await this.#pieces.next()
    if (done === true) this.#isEnded = true
    else this.#rest = value
    return done !== true
  }
}
