import { CoffreError } from '../model/errors.ts'
import type { Secret } from '../model/secret.ts'
import type { ByteStream } from '../model/streams.ts'
import { API_PREFIX, REQUEST_ID_HEADER } from '../model/wire.ts'
import { strangeAnswer } from './answer-shape.ts'
import { IdleTimer, unreachable, watchAnswer, watchBody } from './idle-timer.ts'
import { parseProblem } from './parse-problem.ts'
import { type ClientTls, EncryptedTransport, type Send } from './send-encrypted.ts'

/** Of what goes through every entry of a user before the answer comes. */
export const WALK_TIMEOUT_MS = 3_600_000

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
  /** In place of `body`: JSON that is sent as it is. */
  readonly bodyText?: string
  readonly timeoutMilliseconds?: number
  /** In place of the token of the connection. */
  readonly credential?: BasicCredential
}

/** A user by id or client id, as HTTP Basic has it. */
export interface BasicCredential {
  readonly name: string
  readonly secret: Secret
}

/** A good answer as it came. */
export interface Exchanged {
  readonly text: string
  readonly headers: Headers
}

export interface StreamCall {
  readonly path: string
  readonly body: ByteStream
  readonly type: string
  /** `type` when absent. */
  readonly accept?: string
  readonly headers: Readonly<Record<string, string>>
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
    this.#send =
      this.#encrypted?.send ?? ((url, call) => fetch(url, { ...call, redirect: 'manual', duplex: 'half' }))
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

  /** As `send`, with the text of the answer and its headers. */
  async exchange(call: Call): Promise<Exchanged> {
    const answer = await this.#fetch(call)
    if (answer.ok) return { text: await this.#readText(answer), headers: answer.headers }
    const body = await this.#read(answer)
    throw parseProblem({ status: answer.status, headers: answer.headers, body })
  }

  /**
   * Sends a body of any length and gives the answer as it comes. Instead of the whole, the wait between two pieces
   * is bounded. An answer that breaks off fails with STREAM_INCOMPLETE; it must not pass for a short one.
   */
  async sendStream(call: StreamCall): Promise<ByteStream> {
    const idle = new IdleTimer(this.#options.timeoutMilliseconds)
    const answer = await this.#fetchStream(call, idle)
    if (!answer.ok) {
      const body = await this.#read(answer).finally(() => idle.stop())
      throw parseProblem({ status: answer.status, headers: answer.headers, body })
    }
    const requestId = answer.headers.get(REQUEST_ID_HEADER)
    return watchAnswer(answer, idle, requestId === null ? {} : { requestId })
  }

  async #fetchStream(call: StreamCall, idle: IdleTimer): Promise<Response> {
    const { authorization } = this.#headers({ method: 'POST', path: call.path })
    try {
      return await this.#send(this.#urlOf(call.path), {
        method: 'POST',
        headers: {
          accept: `${call.accept ?? call.type}, application/problem+json`,
          'content-type': call.type,
          ...(authorization === undefined ? {} : { authorization }),
          ...call.headers,
        },
        signal: idle.signal,
        body: watchBody(call.body, idle),
      })
    } catch (cause) {
      idle.stop()
      throw idle.sourceError ?? unreachable(cause)
    }
  }

  #urlOf(pathAndQuery: string): URL {
    const url = new URL(this.#options.base)
    const [path = '', query = ''] = pathAndQuery.split('?')
    url.pathname = url.pathname.replace(/\/+$/, '') + API_PREFIX + path
    url.search = query
    return url
  }

  async #fetch(call: Call): Promise<Response> {
    const body = writeBody(call)
    try {
      return await this.#send(this.#urlOf(call.path), {
        method: call.method,
        headers: this.#headers(call),
        signal: AbortSignal.timeout(call.timeoutMilliseconds ?? this.#options.timeoutMilliseconds),
        ...(body === undefined ? {} : { body }),
      })
    } catch (cause) {
      throw unreachable(cause)
    }
  }

  #headers(call: Call): Record<string, string> {
    const authorization = authorizationOf(call.credential, this.#options.token)
    return {
      accept: 'application/json, application/problem+json',
      ...(call.body === undefined && call.bodyText === undefined
        ? {}
        : { 'content-type': 'application/json' }),
      ...(authorization === undefined ? {} : { authorization }),
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

function writeBody({ body, bodyText }: Call): string | undefined {
  return bodyText ?? (body === undefined ? undefined : JSON.stringify(body))
}

function authorizationOf(
  credential: BasicCredential | undefined,
  token: Secret | undefined,
): string | undefined {
  if (credential === undefined) return token === undefined ? undefined : `Bearer ${token.reveal()}`
  const pair = `${credential.name}:${credential.secret.reveal()}`
  return `Basic ${Buffer.from(pair).toString('base64')}`
}
