import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import type { TestContext } from 'node:test'

/**
 * What happens to the connection that carries the next COMMIT. `before`: it never arrives. `after`: it arrives,
 * and its answer does not. `silent`: it never arrives, and the server is not told that the client is gone.
 */
export type Cut = 'before' | 'after' | 'silent'

/** A simple query that ends so; what follows the text is the zero byte of the protocol. */
const COMMIT = /commit\0/

/** Stands between a client and a server, and cuts the line exactly at a COMMIT. */
export class CuttingProxy {
  readonly #server: Server
  readonly #target: number
  readonly #sockets = new Set<Socket>()
  #next: Cut | undefined
  cuts = 0

  private constructor(target: number) {
    this.#target = target
    this.#server = createServer((client) => this.#join(client))
  }

  static async start(t: Pick<TestContext, 'after'>, target: number): Promise<CuttingProxy> {
    const proxy = new CuttingProxy(target)
    proxy.#server.listen(0, '127.0.0.1')
    await once(proxy.#server, 'listening')
    t.after(() => {
      for (const socket of proxy.#sockets) socket.destroy()
      proxy.#server.close()
    })
    return proxy
  }

  get port(): number {
    const address = this.#server.address()
    assert.ok(typeof address === 'object' && address !== null)
    return address.port
  }

  cutNextCommit(cut: Cut): void {
    this.#next = cut
  }

  #join(client: Socket): void {
    const server = connect(this.#target, '127.0.0.1')
    for (const socket of [client, server]) {
      this.#sockets.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => this.#sockets.delete(socket))
    }
    client.on('end', () => server.end())
    server.on('data', (bytes: Buffer) => client.writable && client.write(bytes))
    server.on('end', () => client.end())
    client.on('data', (bytes: Buffer) => {
      const cut = COMMIT.test(bytes.toString('latin1')) ? this.#next : undefined
      if (cut !== undefined) this.#cut(cut, { client, server, bytes })
      else server.write(bytes)
    })
  }

  #cut(cut: Cut, at: { readonly client: Socket; readonly server: Socket; readonly bytes: Buffer }): void {
    this.#next = undefined
    this.cuts += 1
    at.client.removeAllListeners('end')
    at.server.removeAllListeners('data')
    // Read and thrown away, so that the server is not held up by a full buffer.
    at.server.resume()
    if (cut === 'after') at.server.end(at.bytes)
    if (cut === 'before') at.server.destroy()
    at.client.destroy()
  }
}
