import { openCore, type OpenOptions, ROOT_LINGER_MS } from './app.ts'
import { clockOf } from './app-store.ts'
import { dropFernetKey, requireKnownFernetKeys } from './app-fernet.ts'
import { isLoopback } from './config.ts'
import type { TlsFiles } from './http/tls/tls-files.ts'
import { CoffreError } from './model/errors.ts'
import type { Core } from './service/operator/core.ts'
import { firstTokenFile } from './service/operator/first-token.ts'

export interface ServeOptions extends OpenOptions {
  readonly host: string
  /** 0: any free port. */
  readonly port: number
  readonly logLevel: string
  /** Absent: plain HTTP. */
  readonly tls?: TlsFiles
  /** The page /docs; there when absent. */
  readonly docs?: boolean
  /** Proxies whose `x-forwarded-for` is believed; none when absent. */
  readonly trustedProxies?: readonly string[]
  /** Processes that serve together; 1 when absent, and then this process serves. */
  readonly workers?: number
}

export interface RunningServer {
  readonly url: string
  readonly initialisedNow: boolean
  readonly sealed: boolean
  readonly firstTokenFile: string
  /** Finishes what is under way, then closes the store. May be called twice. */
  close(): Promise<void>
}

/** Opens the Coffre and serves it. A passphrase that is not given leaves it sealed until `unseal`. */
export async function serve(options: ServeOptions): Promise<RunningServer> {
  const served = { rootLingerMs: ROOT_LINGER_MS, ...options, startSealed: true }
  const { core, initialisedNow } = await openCore(served)
  try {
    await requireKnownFernetKeys(core, options.environment)
    // A wrong address of a cache server shows at the start, not in the first answer.
    if (options.cache?.url !== undefined) await core.caches.service()
    core.backups?.runner.start()
    // Whoever asks whether the log holds has an answer from the first moment on.
    await signFirst(core)
    const { url, close } = await startServing(core, options)
    // Workers that are started again read it again.
    if ((options.workers ?? 1) === 1 && options.environment === undefined) dropFernetKey(process.env)
    return {
      url,
      initialisedNow,
      sealed: core.isSealed,
      firstTokenFile: firstTokenFile(options.dataDir),
      close: once(async () => {
        await close()
        await core.close()
      }),
    }
  } catch (error) {
    await core.close()
    throw error
  }
}

export interface Serving {
  readonly url: string
  /** Requests that are under way get their answers. */
  readonly close: () => Promise<void>
}

/** In this process, or in several that this one starts and watches. */
async function startServing(core: Core, options: ServeOptions): Promise<Serving> {
  if ((options.workers ?? 1) === 1) return listenOver(core, options)
  const { startWorkers } = await import('./app-workers.ts')
  return startWorkers(core, options)
}

/** An HTTP server over a Coffre, listening. `renderMetrics` is there where several processes count together. */
export async function listenOver(
  core: Core,
  options: ServeOptions,
  renderMetrics?: () => Promise<string>,
): Promise<Serving> {
  // Loaded here so that the embedded library and the CLI start without an HTTP server.
  const { buildServer, listen } = await import('./http/server.ts')
  const { Metrics } = await import('./monitor/metrics.ts')
  const metrics = new Metrics(() => core.isSealed)
  metrics.watchLegacyWrites('api-keys', () => core.legacyWrites)
  metrics.watchCheckpoints(() => core.checkpoints.health)
  metrics.watchLegacyWrites('cache', () => core.caches.counts.legacyWrites)
  metrics.watchCache(() => ({ ...core.caches.counts, isDown: core.caches.isDown }))
  metrics.watchBackupEvents(() => core.backupCounts.list())
  metrics.watchBackups(async () => (await core.backups?.views()) ?? [])
  metrics.watchSessions(() => core.sessions.faults)
  const idle = options.streams?.idleMilliseconds
  if (renderMetrics !== undefined) metrics.shareWithParent()
  const server = await buildServer({
    core,
    metrics,
    renderMetrics: renderMetrics ?? (() => metrics.render()),
    logLevel: options.logLevel,
    openMetrics: isLoopback(options.host),
    clock: clockOf(options),
    docs: options.docs !== false,
    trustedProxies: options.trustedProxies ?? [],
    ...(idle === undefined ? {} : { streamIdleMilliseconds: idle }),
    ...(options.tls === undefined ? {} : { tls: options.tls }),
  })
  try {
    return { url: await listen(server, options), close: () => server.close() }
  } catch (error) {
    throw toStartError(error, options)
  }
}

/** Where it fails, the schedule tries again and alerts. */
async function signFirst(core: Core): Promise<void> {
  await core.checkpoints.write().catch(() => undefined)
}

function toStartError(error: unknown, options: ServeOptions): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code !== 'EADDRINUSE' && code !== 'EACCES' && code !== 'EADDRNOTAVAIL') return error
  const facts = { COFFRE_HOST: options.host, COFFRE_PORT: options.port, reason: code }
  return new CoffreError('CONFIG_REFUSED', { facts, cause: error })
}

function once(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined
  return () => (done ??= work())
}
