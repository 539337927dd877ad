import { CoffreError } from '../model/errors.ts'
import type { Secret } from '../model/secret.ts'
import { API_PREFIX } from '../model/wire.ts'
import { strangeAnswer } from './answer-shape.ts'
import { parseProblem } from './parse-problem.ts'
import { type ClientTls, EncryptedTransport, type Send } from './send-encrypted.ts'

export interface ConnectionOptions {
  readonly base: URL
  readonly token: Secret | undefined
  readonly timeoutMilliseconds: number
  readonly maxAnswerBytes: number
  readonly tls: ClientTls
}

export interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Below the API's prefix, with every name already percent-encoded. */
  readonly path: string
  readonly body?: unknown
  readonly timeoutMilliseconds?: number
}

/** One server, one token. It sends a call once: nothing is retried, no redirect is followed. */
export class Connection {
  readonly #options: ConnectionOptions
  readonly #encrypted: EncryptedTransport | undefined
  readonly #send: Send

  /** Throws CONFIG_REFUSED for a certificate or key that is none. */
  constructor(options: ConnectionOptions) {
    this.#options = options
    this.#encrypted = options.base.protocol === 'https:' ? new EncryptedTransport(options.tls) : undefined
    // A redirect would carry the token and the plaintext to somebody else.
    this.#send = this.#encrypted?.send ?? ((url, call) => fetch(url, { ...call, redirect: 'manual' }))
  }

  close(): void {
    this.#encrypted?.close()
  }

  /** The JSON of a good answer (`undefined` when it has no body). Rejects with the server's own error. */
  async send(call: Call): Promise<unknown> {
    const answer = await this.#fetch(call)
    const body = await this.#read(answer)
    if (answer.ok) return body
    throw parseProblem({ status: answer.status, headers: answer.headers, body })
  }

  async #fetch(call: Call): Promise<Response> {
    const url = new URL(this.#options.base)
    const [path = '', query = ''] = call.path.split('?')
    url.pathname = url.pathname.replace(/\/+$/, '') + API_PREFIX + path
    url.search = query
    try {
      return await this.#send(url, {
        method: call.method,
        headers: this.#headers(call),
        signal: AbortSignal.timeout(call.timeoutMilliseconds ?? this.#options.timeoutMilliseconds),
        ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
      })
    } catch (cause) {
      throw unreachable(cause)
    }
  }

  #headers(call: Call): Record<string, string> {
    const token = this.#options.token
    return {
      accept: 'application/json, application/problem+json',
      ...(call.body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(token === undefined ? {} : { authorization: `Bearer ${token.reveal()}` }),
    }
  }

  async #read(answer: Response): Promise<unknown> {
    const text = await this.#readText(answer)
    if (text === '') return undefined
    try {
      return JSON.parse(text)
    } catch {
      if (answer.ok) throw strangeAnswer('body')
      return undefined
    }
  }

  async #readText(answer: Response): Promise<string> {
    const maximum = this.#options.maxAnswerBytes
    const pieces: Uint8Array[] = []
    let length = 0
    try {
      for await (const piece of answer.body ?? []) {
        length += piece.length
        if (length > maximum) break
        pieces.push(piece)
      }
    } catch (cause) {
      throw unreachable(cause)
    }
    if (length > maximum) throw new CoffreError('LIMIT_EXCEEDED', { facts: { at: 'answer', maximum } })
    return Buffer.concat(pieces).toString('utf8')
  }
}

/** The cause stays inside: it can hold the address, never the token. */
function unreachable(cause: unknown): CoffreError {
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
