import { type FSWatcher, watch } from 'node:fs'
import type { RequestListener } from 'node:http'
import { createServer, type Server, type ServerOptions } from 'node:https'
import type { Socket } from 'node:net'
import { dirname } from 'node:path'
import { type SecureContextOptions, TLSSocket } from 'node:tls'
import { type Clock, formatInstant } from '../../model/clock.ts'
import { CoffreError } from '../../model/errors.ts'
import type { ServerCertificate } from '../../service/access/server-certificate.ts'
import { fingerprintTlsFiles, readTlsFiles, type TlsFiles, type TlsMaterial } from './tls-files.ts'

/** Forward secrecy and authenticated encryption only; TLS 1.3 first. */
const CIPHERS = [
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'TLS_AES_128_GCM_SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
].join(':')
/** Node waits for two minutes; a stranger holds a socket no longer than this. */
const HANDSHAKE_TIMEOUT_MS = 10_000
/** Where the file system tells nothing (NFS, some containers), a change is seen this late. */
const CHECK_INTERVAL_MS = 10_000
/** Certificate and key are replaced one after the other. */
const SETTLE_MS = 100

export interface TlsLog {
  info(facts: object, text: string): void
  warn(facts: object, text: string): void
}

export interface TlsListenerParts {
  readonly files: TlsFiles
  readonly clock: Clock
}

/** `kept`: the files changed, are not good, and the pair from before goes on. */
export type Reloaded = 'unchanged' | 'reloaded' | 'kept'

/** TLS from files, which are read again when they change. New connections get the new certificate. */
export class TlsListener {
  readonly #parts: TlsListenerParts
  readonly #servers = new Set<Server>()
  readonly #watchers: FSWatcher[] = []
  /** By which files a connection was judged. */
  readonly #judged = new WeakMap<Socket, TlsMaterial>()
  #log: TlsLog | undefined
  #material: TlsMaterial
  /** Of the files that were last tried, good or not: each state is tried and reported once. */
  #tried: string
  #running: Promise<unknown> = Promise.resolve()
  #timer: NodeJS.Timeout | undefined
  #settling: NodeJS.Timeout | undefined

  private constructor(parts: TlsListenerParts, material: TlsMaterial, tried: string) {
    this.#parts = parts
    this.#material = material
    this.#tried = tried
  }

  /** Throws CONFIG_REFUSED. A certificate that is over is served, with a warning: unsealing must stay possible. */
  static async open(parts: TlsListenerParts): Promise<TlsListener> {
    const tried = await fingerprintTlsFiles(parts.files)
    return new TlsListener(parts, await readTlsFiles(parts.files), tried)
  }

  get certificate(): ServerCertificate {
    return this.#material.facts
  }

  /** `options` as `node:http` takes them. */
  createServer(listener: RequestListener, options: ServerOptions): Server {
    const { files } = this.#parts
    const server = createServer(
      {
        ...options,
        ...this.#context(),
        ALPNProtocols: ['http/1.1'],
        handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
        // A client without a certificate goes on with its token; the login route judges certificates.
        requestCert: files.clientCaFile !== undefined,
        rejectUnauthorized: false,
      },
      listener,
    )
    server.on('secureConnection', (socket: TLSSocket) => this.#judged.set(socket, this.#material))
    this.#servers.add(server)
    return server
  }

  /**
   * DER of the client certificate that was verified when this connection was made. A connection from before the
   * CAs or revocation lists changed has none any more: its certificate was judged by others.
   */
  clientCertificate(socket: Socket): Uint8Array | undefined {
    if (!(socket instanceof TLSSocket) || !socket.authorized || this.#parts.files.clientCaFile === undefined)
      return undefined
    if (this.#judged.get(socket) !== this.#material) return undefined
    const { raw } = socket.getPeerCertificate()
    // Node's types say that it is always there.
    const der: Uint8Array | undefined = raw
    return der
  }

  /** Starts to look at the files. `stop` ends it. */
  start(log: TlsLog): void {
    this.#log = log
    if (this.#isOver(this.#material.facts)) log.warn(this.#describe(), 'the TLS certificate is not valid now')
    const soon = () => {
      this.#settling ??= setTimeout(() => {
        this.#settling = undefined
        void this.reload()
      }, SETTLE_MS)
    }
    for (const folder of this.#folders()) {
      try {
        // The folder, because files are replaced by renaming.
        const watcher = watch(folder, { persistent: false }, soon)
        this.#watchers.push(watcher.on('error', () => watcher.close()))
      } catch {
        // No inotify left, or a file system without: the interval below sees it.
      }
    }
    this.#timer = setInterval(soon, CHECK_INTERVAL_MS)
    this.#timer.unref()
  }

  stop(): void {
    for (const watcher of this.#watchers.splice(0)) watcher.close()
    clearInterval(this.#timer)
    clearTimeout(this.#settling)
  }

  /** Reads the files if they changed since they were last tried. Never throws: what serves goes on serving. */
  reload(): Promise<Reloaded> {
    const next = this.#running.then(() => this.#reload())
    this.#running = next
    return next
  }

  async #reload(): Promise<Reloaded> {
    const { files } = this.#parts
    const found = await fingerprintTlsFiles(files)
    if (found === this.#tried) return 'unchanged'
    this.#tried = found
    try {
      const material = await readTlsFiles(files)
      if (this.#isOver(material.facts)) throw notValidNow()
      this.#material = material
      for (const server of this.#servers) server.setSecureContext(this.#context())
      this.#log?.info(this.#describe(), 'the TLS certificate was reloaded')
      return 'reloaded'
    } catch (error) {
      const facts = error instanceof CoffreError ? error.facts : { reason: 'unexpected' }
      const text = 'the new TLS files are not good: the certificate from before stays'
      this.#log?.warn({ ...this.#describe(), ...facts }, text)
      return 'kept'
    }
  }

  #context(): SecureContextOptions {
    const { certificate, key, clientCa, clientCrl, facts } = this.#material
    return {
      cert: certificate,
      key,
      ...(clientCa === undefined ? {} : { ca: clientCa }),
      ...(clientCrl === undefined ? {} : { crl: clientCrl }),
      minVersion: this.#parts.files.minimumVersion === '1.3' ? 'TLSv1.3' : 'TLSv1.2',
      ciphers: CIPHERS,
      honorCipherOrder: true,
      secureOptions: facts.secureOptions,
    }
  }

  #folders(): ReadonlySet<string> {
    const { certificateFile, keyFile, clientCaFile = keyFile, clientCrlFile = keyFile } = this.#parts.files
    return new Set([certificateFile, keyFile, clientCaFile, clientCrlFile].map((path) => dirname(path)))
  }

  #isOver({ notBefore, notAfter }: ServerCertificate): boolean {
    const now = this.#parts.clock()
    return now < notBefore || now > notAfter
  }

  #describe(): Readonly<Record<string, string>> {
    const { serial, notBefore, notAfter } = this.#material.facts
    return { serial, notBefore: formatInstant(notBefore), notAfter: formatInstant(notAfter) }
  }
}

function notValidNow(): CoffreError {
  return new CoffreError('CONFIG_REFUSED', { facts: { COFFRE_TLS_CERT: 'a certificate that is valid now' } })
}
