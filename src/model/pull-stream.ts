import type { ByteStream } from './streams.ts'

export interface PullSource {
  /** The next piece; `undefined` at the end. */
  pull(): Promise<Uint8Array | undefined>
  cancel(reason: unknown): Promise<void> | void
}

/**
 * A stream that reads ahead of nobody. A generator would do for everything but `cancel`, which waits behind a
 * piece that may never come.
 */
export function pullStream(source: PullSource): ByteStream {
  return new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        const piece = await source.pull()
        if (piece === undefined) controller.close()
        else controller.enqueue(piece)
      },
      cancel: (reason) => source.cancel(reason),
    },
    new CountQueuingStrategy({ highWaterMark: 0 }),
  )
}
