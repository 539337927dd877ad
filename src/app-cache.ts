import { readFile } from 'node:fs/promises'
import { coreOf } from './app.ts'
import type { Audit } from './model/audit.ts'
import type { CacheAlert, CacheKeys, CacheStep, JsonStyle, TtlByType } from './model/cache.ts'
import { type Clock, toInstant } from './model/clock.ts'
import type { Coffre } from './model/coffre.ts'
import { Secret } from './model/secret.ts'
import type { AuditTrail } from './service/audit-trail.ts'
import { localCaller, systemCaller } from './service/caller.ts'
import { CacheService, type CacheServiceParts } from './service/cache/cache-service.ts'
import { DEFAULT_CACHE_KEY, wrappingOf } from './service/cache/coffre-wrapping.ts'
import type { TamperRecord } from './service/cache/cache-watch.ts'
import { recordTampered, UserRows } from './service/cache/user-rows.ts'
import type { Core } from './service/operator/core.ts'
import type { CacheStore } from './store/cache-store.ts'
import { LruCacheStore } from './store/lru/lru-cache-store.ts'

export { CacheService, type LookupOptions } from './service/cache/cache-service.ts'
export type { ClientSecret } from './model/cache.ts'
export type { UserCache, UserCacheOptions } from './service/cache/user-cache.ts'

export interface CacheOptions {
  /** `valkey://user:password@host:port/database` and the like; absent: inside this process, and gone with it. */
  readonly url?: string | Secret
  /** PEM file with the CA of a server with TLS; the system's when absent. */
  readonly caFile?: string
  /** How long a command to the server may take; 2,000 when absent. */
  readonly timeoutMs?: number
  /** Of the cache inside the process; 64 MiB when absent. */
  readonly maxBytes?: number
  /** 86,400 when absent. */
  readonly ttlSeconds?: number
  /** Of entries of a type, in place of `ttlSeconds`. */
  readonly ttlSecondsByType?: TtlByType
  /** `compact` when absent. */
  readonly jsonStyle?: JsonStyle
  /** For what stops nothing and somebody should look at; a process warning when absent. */
  readonly onAlert?: (alert: CacheAlert) => void
  /** Told how far each read has come, to see where its time goes. */
  readonly onStep?: (step: CacheStep) => void
  readonly clock?: Clock
  /** Wraps the data keys of users, and records what is done to them. In this process or, with `keys`, a server's. */
  readonly coffre?: Pick<Coffre, 'encrypt' | 'decrypt' | 'keys' | 'audit'>
  /**
   * Where the wrapped data keys are kept: two texts and a state for each user, in a table of the application. Absent:
   * in the table of users of `coffre`, if that is in this process.
   */
  readonly keys?: CacheKeys
  /** The managed key that they are under; `cache`, which is made when it is first needed, when absent. */
  readonly keyName?: string
}

export type CoreCacheOptions = Pick<
  CacheOptions,
  'url' | 'caFile' | 'timeoutMs' | 'maxBytes' | 'ttlSeconds' | 'ttlSecondsByType'
>

const DEFAULT_MAX_BYTES = 64 * 1024 * 1024

/** A cache whose values nobody reads on its server. A server that is down is no error: everything is a miss then. */
export async function openCache(options: CacheOptions = {}): Promise<CacheService> {
  const { ttlSeconds, ttlSecondsByType, jsonStyle } = options
  const { onAlert = warnProcess, onStep, clock = systemClock } = options
  const ways = { clock, ttlSeconds, ttlSecondsByType, jsonStyle, onAlert, onStep }
  const store = await openCacheStore(options)
  try {
    return joinCoffre(new CacheService({ store, ...ways, ...joinUsers(options) }), options)
  } catch (error) {
    await store.close()
    throw error
  }
}

/** The cache of one Coffre. What a changed entry of format 1 was read for is not known, so its record is the job's. */
export async function openCoreCache(
  trail: AuditTrail,
  options: CoreCacheOptions & { readonly clock: Clock },
): Promise<CacheService> {
  const { ttlSeconds, ttlSecondsByType, clock } = options
  const caller = systemCaller('cache')
  const record: TamperRecord = { tampered: (alert) => recordTampered({ trail, caller }, alert) }
  return new CacheService({
    store: await openCacheStore(options),
    clock,
    ttlSeconds,
    ttlSecondsByType,
    onAlert: warnProcess,
    record,
  })
}

/** A user whom that Coffre deletes is erased in this cache too, as long as it is open. */
function joinCoffre(service: CacheService, { coffre, keys }: CacheOptions): CacheService {
  const caches = coffre === undefined || keys !== undefined ? undefined : coreOf(coffre)?.caches
  caches?.join(service)
  service.whenClosed(() => caches?.leave(service))
  return service
}

function joinUsers(options: CacheOptions): Pick<CacheServiceParts, 'users' | 'record'> {
  const { coffre, keyName = DEFAULT_CACHE_KEY } = options
  if (coffre === undefined) return {}
  const core = coreOf(coffre)
  const rows = core === undefined ? undefined : rowsOf(core, coffre.audit, options.clock)
  const keys = options.keys ?? rows
  const users = keys === undefined ? undefined : { keys, wrapping: wrappingOf(coffre, keyName) }
  return { users, record: rows }
}

function rowsOf({ store, trail }: Core, audit: Audit, clock: Clock = systemClock): UserRows {
  return new UserRows({ store, trail, audit, clock, caller: localCaller() })
}

async function openCacheStore(options: CacheOptions): Promise<CacheStore> {
  const { url, caFile, timeoutMs, maxBytes = DEFAULT_MAX_BYTES } = options
  if (url === undefined) return new LruCacheStore({ maxBytes, now: () => performance.now() })
  // Loaded here: most processes have no cache server.
  const [{ ValkeyCacheStore }, { parseValkeyUrl }] = await Promise.all([
    import('./store/valkey/valkey-cache-store.ts'),
    import('./store/valkey/valkey-url.ts'),
  ])
  const address = parseValkeyUrl(url instanceof Secret ? url.reveal() : url)
  const ca = caFile === undefined ? {} : { ca: await readFile(caFile, 'utf8') }
  return ValkeyCacheStore.open(address, { ...ca, ...(timeoutMs === undefined ? {} : { timeoutMs }) })
}

function systemClock() {
  return toInstant(Date.now())
}

/** For whoever gave no ear to alerts. It names no meter and no day. */
function warnProcess({ kind, type }: CacheAlert): void {
  const what = type === undefined ? kind : `${kind} (${type})`
  process.emitWarning(`the cache: ${what}`, { type: 'CoffreWarning', code: `cache-${kind}` })
}
