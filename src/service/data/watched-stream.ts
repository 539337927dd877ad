import { CoffreError, type ErrorCode } from '../../model/errors.ts'
import type { ByteStream } from '../../model/streams.ts'
import { pullStream } from '../../model/pull-stream.ts'

export interface StreamEnd {
  /** `partial`: something came out before it failed or was given up. */
  readonly outcome: 'ok' | 'refused' | 'partial'
  readonly code?: ErrorCode
  readonly bytesIn: number
  readonly bytesOut: number
}

export interface WatchedStreamParts {
  /** LIMIT_EXCEEDED for a source that has more. */
  readonly maxBytes?: number
  /** Called once. The end is given out only when this has resolved. */
  readonly onEnd: (end: StreamEnd) => Promise<void>
}

/** One stream under way: counts what goes in and out, and tells how it ended. */
export class WatchedStream {
  /** The source, counted. */
  readonly input: ByteStream
  readonly #parts: WatchedStreamParts
  #output: ReadableStreamDefaultReader<Uint8Array> | undefined
  #bytesIn = 0
  #bytesOut = 0
  #end: Promise<void> | undefined
  #failure: CoffreError | undefined

  constructor(source: ByteStream, parts: WatchedStreamParts) {
    this.#parts = parts
    const reader = source.getReader()
    this.input = pullStream({
      pull: async () => {
        const { value } = await reader.read()
        this.#bytesIn += value?.length ?? 0
        if (this.#bytesIn <= (parts.maxBytes ?? Number.MAX_SAFE_INTEGER)) return value
        const error = new CoffreError('LIMIT_EXCEEDED', {
          facts: { at: 'stream', maximum: parts.maxBytes ?? 0 },
        })
        await reader.cancel(error).catch(() => undefined)
        throw error
      },
      cancel: (reason) => reader.cancel(reason),
    })
  }

  /** What the caller reads: `converted`, until it ends. */
  connect(converted: ByteStream): ByteStream {
    const reader = converted.getReader()
    this.#output = reader
    return pullStream({
      pull: () => this.#pull(reader),
      cancel: async (reason) => {
        await reader.cancel(reason).catch(() => undefined)
        await this.#finish({ outcome: 'partial' })
      },
    })
  }

  /** Ends it with an error, whoever waits for what. */
  async fail(error: CoffreError): Promise<void> {
    this.#failure = error
    await this.#output?.cancel(error).catch(() => undefined)
    await this.#finish({ outcome: 'partial', code: error.code })
  }

  async #pull(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<Uint8Array | undefined> {
    try {
      const { value } = await reader.read()
      // A reader that was cancelled reads an end, which must not pass for one.
      if (this.#failure !== undefined) throw this.#failure
      this.#bytesOut += value?.length ?? 0
      if (value === undefined) await this.#finish({ outcome: 'ok' })
      return value
    } catch (error) {
      const code = error instanceof CoffreError ? error.code : undefined
      const outcome = this.#bytesOut === 0 ? 'refused' : 'partial'
      // What went wrong first is what the caller hears, also where this record fails too.
      await this.#finish({ outcome, ...(code === undefined ? {} : { code }) }).catch(() => undefined)
      throw error
    }
  }

  #finish(end: Pick<StreamEnd, 'outcome' | 'code'>): Promise<void> {
    this.#end ??= this.#parts.onEnd({ ...end, bytesIn: this.#bytesIn, bytesOut: this.#bytesOut })
    return this.#end
  }
}
