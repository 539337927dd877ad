import { randomBytes } from '../../crypto/random.ts'
import type { AuditAction } from '../../model/audit-event.ts'
import { CoffreError } from '../../model/errors.ts'
import { MAX_STREAMS } from '../../model/limits.ts'
import type {
  ByteStream,
  DecryptPartsRequest,
  DecryptStreamRequest,
  EncryptStreamRequest,
} from '../../model/streams.ts'
import { authorize } from '../access/authorize.ts'
import type { AuditTrail } from '../audit-trail.ts'
import type { Caller } from '../caller.ts'
import type { Outcome } from './batch.ts'
import type { DataService } from './data-service.ts'
import {
  type DataKeyMaker,
  type DataKeyOpener,
  decryptFile,
  decryptFileParts,
  encryptFile,
} from './file-cipher.ts'
import { type StreamEnd, WatchedStream } from './watched-stream.ts'

export interface StreamLimits {
  /** Streams at the same time; MAX_STREAMS when absent. */
  readonly concurrent?: number
  /** Bytes that one stream may take in; no bound when absent. */
  readonly maxBytes?: number
}

export interface StreamServiceParts {
  readonly trail: AuditTrail
  readonly data: DataService
  readonly limits: StreamLimits
}

const DATA_KEY_BYTES = 32

type StreamAction = Extract<AuditAction, `data.${string}-stream` | 'data.decrypt-range'>

/**
 * Data of any length. The key is used once, for the data key in the header, with every check of an encrypt or a
 * decrypt; one record says that the stream began, before its first byte, and one how it ended, before its end.
 */
export class StreamService {
  readonly #parts: StreamServiceParts
  readonly #streams = new Set<WatchedStream>()
  #starting = 0

  constructor(parts: StreamServiceParts) {
    this.#parts = parts
  }

  encrypt(caller: Caller, source: ByteStream, request: EncryptStreamRequest): Promise<ByteStream> {
    return this.#watch(caller, { action: 'data.encrypt-stream', source }, (keys, counted) =>
      encryptFile(keys, counted, request),
    )
  }

  decrypt(caller: Caller, source: ByteStream, request: DecryptStreamRequest): Promise<ByteStream> {
    return this.#watch(caller, { action: 'data.decrypt-stream', source }, (keys, counted) =>
      decryptFile(keys, counted, request),
    )
  }

  /** `parts` is what `readRangeParts` of model/file-layout.ts reads of a file of `range.size` bytes. */
  decryptParts(caller: Caller, parts: ByteStream, range: DecryptPartsRequest): Promise<ByteStream> {
    return this.#watch(caller, { action: 'data.decrypt-range', source: parts }, (keys, counted) =>
      decryptFileParts(keys, counted, range),
    )
  }

  /** Ends every stream with SEALED. Resolves when each has left its last record. */
  async stop(): Promise<void> {
    // A record that cannot be written now is missed at the end of its stream: the log shows a start without one.
    await Promise.allSettled([...this.#streams].map((stream) => stream.fail(new CoffreError('SEALED'))))
  }

  async #watch(
    asking: Caller,
    asked: { readonly action: StreamAction; readonly source: ByteStream },
    convert: (keys: DataKeyMaker & DataKeyOpener, source: ByteStream) => Promise<ByteStream>,
  ): Promise<ByteStream> {
    // The library's caller has a new request id at each look; all records of a stream have the same.
    const caller = { ...asking }
    const { action, source } = asked
    try {
      await authorize(this.#parts.trail, caller, 'data.use')
      this.#requireRoom()
    } catch (error) {
      await source.cancel(error).catch(() => undefined)
      throw error
    }
    this.#starting += 1
    try {
      const { maxBytes } = this.#parts.limits
      const stream: WatchedStream = new WatchedStream(source, {
        ...(maxBytes === undefined ? {} : { maxBytes }),
        onEnd: (end) => {
          this.#streams.delete(stream)
          return this.#recordEnd(caller, action, end)
        },
      })
      const output = stream.connect(await convert(this.#dataKeys(caller, action), stream.input))
      this.#streams.add(stream)
      return output
    } finally {
      this.#starting -= 1
    }
  }

  #requireRoom(): void {
    const maximum = this.#parts.limits.concurrent ?? MAX_STREAMS
    if (this.#streams.size + this.#starting < maximum) return
    throw new CoffreError('TOO_MANY_STREAMS', { facts: { maximum } })
  }

  async #recordEnd(caller: Caller, action: StreamAction, end: StreamEnd): Promise<void> {
    const { principal, requestId } = caller
    const { outcome, code, bytesIn, bytesOut } = end
    await this.#parts.trail.commit({
      action,
      principal,
      requestId,
      outcome,
      ...(code === undefined ? {} : { code }),
      detail: { phase: 'end', bytesIn, bytesOut },
    })
  }

  #dataKeys(caller: Caller, action: StreamAction): DataKeyMaker & DataKeyOpener {
    const record = { action, detail: { phase: 'start' } }
    const { data } = this.#parts
    return {
      generateDataKey: async ({ key, context }) => {
        const plaintext = randomBytes(DATA_KEY_BYTES)
        const request = { key, plaintext, ...(context === undefined ? {} : { context }) }
        const [outcome] = await data.runAs(caller, { operation: 'encrypt', items: [request], record })
        return { ...valueOf(outcome), plaintext }
      },
      decrypt: async (request) => {
        const [outcome] = await data.runAs(caller, { operation: 'decrypt', items: [request], record })
        return valueOf(outcome)
      },
    }
  }
}

function valueOf<Result>(outcome: Outcome<Result> | undefined): Result {
  if (outcome === undefined) throw new Error('unreachable: a batch of one has one outcome')
  if ('error' in outcome) throw outcome.error
  return outcome.value
}
