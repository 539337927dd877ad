import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http'
import type { Scope } from './temporary.ts'

/**
 * What happens to one request. `before`: it never arrives. `half`: half of it does. `after`: it is done, and its answer is
 * lost; `cut`: half of its answer comes. `busy`: the server answers 503 SlowDown. `late error`: it answers 200 and then tells an error, as S3 may.
 */
export type Fault = 'before' | 'half' | 'after' | 'cut' | 'busy' | 'late error'

const BUSY =
  '<?xml version="1.0"?><Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>'
const LATE = '<?xml version="1.0"?><Error><Code>InternalError</Code><Message>We are sorry.</Message></Error>'

/** Stands between a client and a server that speak HTTP, and does as a bad network or a busy server does. */
export class FaultyProxy {
  readonly #server: Server
  readonly #target: number
  #faultOf: (number: number, request: IncomingMessage) => Fault | undefined = () => undefined
  #onFault: () => void = () => {}
  /** Since the last `arm`. */
  requests = 0
  faults = 0

  private constructor(target: number) {
    this.#target = target
    this.#server = createServer((incoming, answer) => void this.#pass(incoming, answer))
  }

  static async start(scope: Scope, target: number): Promise<FaultyProxy> {
    const proxy = new FaultyProxy(target)
    proxy.#server.listen(0, '127.0.0.1')
    await once(proxy.#server, 'listening')
    scope.after(() => {
      proxy.#server.closeAllConnections()
      proxy.#server.close()
    })
    return proxy
  }

  get port(): number {
    const address = this.#server.address()
    assert.ok(typeof address === 'object' && address !== null)
    return address.port
  }

  /**
   * From now on each request, numbered from 1, is asked for its fault. `onFault` comes when it has happened, before the client
   * knows.
   */
  arm(
    faultOf: (number: number, request: IncomingMessage) => Fault | undefined,
    onFault: () => void = () => {},
  ): void {
    this.#onFault = onFault
    this.requests = 0
    this.faults = 0
    this.#faultOf = faultOf
  }

  async #pass(incoming: IncomingMessage, answer: ServerResponse): Promise<void> {
    this.requests += 1
    const fault = this.#faultOf(this.requests, incoming)
    if (fault !== undefined) this.faults += 1
    incoming.on('error', () => undefined)
    answer.on('error', () => undefined)
    if (fault === 'before') {
      this.#onFault()
      return void incoming.socket.destroy()
    }
    const chunks: Buffer[] = []
    for await (const chunk of incoming) chunks.push(chunk as Buffer)
    const body = Buffer.concat(chunks)
    if (fault === 'busy') return void answer.writeHead(503, { 'content-type': 'application/xml' }).end(BUSY)
    if (fault === 'late error')
      return void answer.writeHead(200, { 'content-type': 'application/xml' }).end(LATE)
    const { method, url, headers } = incoming
    const options = { host: '127.0.0.1', port: this.#target, method, path: url, headers, agent: false }
    const outgoing = request(options)
    // Swift ends its answer to HEAD with an empty chunk that belongs to no answer.
    let isAnswered = false
    outgoing.on('error', () => isAnswered || answer.destroy())
    if (fault === 'half') {
      outgoing.write(body.subarray(0, body.length / 2), () => {
        this.#onFault()
        outgoing.destroy()
        incoming.socket.destroy()
      })
      return
    }
    outgoing.end(body)
    outgoing.on('response', (response) => {
      isAnswered = method === 'HEAD'
      if (fault === 'after') {
        response.resume().on('end', () => {
          this.#onFault()
          incoming.socket.destroy()
        })
        return
      }
      answer.writeHead(response.statusCode ?? 502, response.headers)
      if (fault === 'cut') void cutAnswer(response, answer)
      else response.pipe(answer)
    })
  }
}

async function cutAnswer(response: IncomingMessage, answer: ServerResponse): Promise<void> {
  const body = Buffer.concat(await Array.fromAsync(response as AsyncIterable<Buffer>))
  answer.write(body.subarray(0, Math.ceil(body.length / 2)), () => answer.destroy())
}
