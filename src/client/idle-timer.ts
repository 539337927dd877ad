import { CoffreError, type ErrorFacts } from '../model/errors.ts'
import { pullStream } from '../model/pull-stream.ts'
import type { ByteStream } from '../model/streams.ts'

/** Aborts a request when nothing has moved in either direction for a while. */
export class IdleTimer {
  /** What the caller's own source threw: it is the error then, not that the request broke off. */
  sourceError: unknown
  readonly #controller = new AbortController()
  readonly #milliseconds: number
  #timer: NodeJS.Timeout | undefined

  constructor(milliseconds: number) {
    this.#milliseconds = milliseconds
    this.touch()
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  touch(): void {
    if (this.#timer !== undefined) {
      this.#timer.refresh()
      return
    }
    const abort = () => this.#controller.abort(new DOMException('nothing moved', 'TimeoutError'))
    this.#timer = setTimeout(abort, this.#milliseconds)
  }

  /** Ends the request; whatever its body comes from is let go. */
  abort(reason: unknown): void {
    this.stop()
    this.#controller.abort(reason)
  }

  stop(): void {
    clearTimeout(this.#timer)
  }
}

/** `source` as a body, with each piece noted. */
export function watchBody(source: ByteStream, idle: IdleTimer): ByteStream {
  const reader = source.getReader()
  return pullStream({
    pull: async () => {
      try {
        const { value } = await reader.read()
        idle.touch()
        return value
      } catch (error) {
        idle.sourceError = error
        throw error
      }
    },
    cancel: (reason) => reader.cancel(reason),
  })
}

/** The body of a good answer. Breaking off is an error that names the request. */
export function watchAnswer(answer: Response, idle: IdleTimer, facts: ErrorFacts): ByteStream {
  const reader = answer.body?.getReader()
  return pullStream({
    pull: async () => {
      try {
        const next = await reader?.read()
        idle.touch()
        if (next?.value === undefined) idle.stop()
        return next?.value
      } catch (cause) {
        idle.stop()
        throw idle.sourceError ?? new CoffreError('STREAM_INCOMPLETE', { facts, cause })
      }
    },
    cancel: async (reason) => {
      // Else the rest of the request's body would still be waited for.
      idle.abort(reason)
      await reader?.cancel(reason).catch(() => undefined)
    },
  })
}

/** The cause stays inside: it can hold the address, never the token. */
export function unreachable(cause: unknown): CoffreError {
  const reason = reasonOf(cause)
  const setting = UNTRUSTED.has(reason) ? { setting: 'COFFRE_CACERT' } : {}
  return new CoffreError('SERVER_UNREACHABLE', { facts: { reason, ...setting }, cause })
}

/** OpenSSL's names for a certificate whose issuer is not known here. */
const UNTRUSTED: ReadonlySet<string> = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
])

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'network'
  if (error.name === 'TimeoutError') return 'timeout'
  const inner: unknown = error.cause ?? error
  return inner instanceof Error && 'code' in inner && typeof inner.code === 'string' ? inner.code : 'network'
}
