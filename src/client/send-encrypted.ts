import { Agent, type RequestOptions, request } from 'node:https'
import { Readable } from 'node:stream'
import type { Secret } from '../model/secret.ts'
import type { ByteStream } from '../model/streams.ts'

/** PEM texts. */
export interface ClientTls {
  /** Trusted instead of the certificate authorities that Node knows. */
  readonly ca?: string
  readonly certificate?: string
  /** The private key of `certificate`. */
  readonly key?: Secret
}

/** What `fetch` does of it, so that a connection need not know which of the two it has. */
export type Send = (url: URL, call: OutgoingCall) => Promise<Response>

export interface OutgoingCall {
  readonly method: string
  readonly headers: Record<string, string>
  readonly signal: AbortSignal
  readonly body?: string | ByteStream
}

/** Answers that cannot have a body (RFC 9110). */
const BODILESS = new Set([204, 205, 304])

/**
 * Over TLS 1.2 or later, with the server's certificate and name always checked, whatever the environment says.
 * A new connection for each call costs a handshake, so they are kept until `close`.
 */
export class EncryptedTransport {
  readonly #agent: Agent

  constructor(tls: ClientTls) {
    this.#agent = new Agent({
      keepAlive: true,
      minVersion: 'TLSv1.2',
      rejectUnauthorized: true,
      ALPNProtocols: ['http/1.1'],
      ...(tls.ca === undefined ? {} : { ca: tls.ca }),
      ...(tls.certificate === undefined ? {} : { cert: tls.certificate }),
      ...(tls.key === undefined ? {} : { key: tls.key.reveal() }),
    })
  }

  readonly send: Send = (url, { method, headers, signal, body }) =>
    new Promise((resolve, reject) => {
      const length = typeof body === 'string' ? { 'content-length': String(Buffer.byteLength(body)) } : {}
      const options: RequestOptions = {
        agent: this.#agent,
        method,
        headers: { ...headers, ...length },
        signal,
      }
      const sent = request(url, options, (answer) => {
        const { statusCode: status = 500 } = answer
        const lines = Object.entries(answer.headersDistinct).flatMap(([name, values]) =>
          (values ?? []).map((value): [string, string] => [name, value]),
        )
        if (BODILESS.has(status)) answer.resume()
        const stream = BODILESS.has(status) ? null : toWeb(answer)
        resolve(new Response(stream, { status, headers: lines }))
      })
      // A signal that timed out says so; the request itself would only say that it was aborted.
      sent.on('error', (error) => reject(signal.aborted ? signal.reason : error))
      if (body instanceof ReadableStream)
        Readable.fromWeb(body)
          .on('error', (error) => sent.destroy(error))
          .pipe(sent)
      else sent.end(body)
    })

  close(): void {
    this.#agent.destroy()
  }
}

function toWeb(stream: Readable): ReadableStream<Uint8Array> {
  // Node's own web stream under the name that the DOM types give it.
  return Readable.toWeb(stream) as ReadableStream<Uint8Array>
}
