import {
  type CacheSpaceOptions,
  type CacheCounts,
  type CacheSpace,
  type CoffreCache,
} from '../../model/cache.ts'
import type { Clock } from '../../model/clock.ts'
import type { Coffre, ContextPairs } from '../../model/coffre.ts'
import { parseKeyName } from '../../model/ids.ts'
import type { User } from '../../model/user.ts'
import type { Store } from '../../store/store.ts'
import { authorize, refuse } from '../access/authorize.ts'
import type { Permission } from '../access/permission.ts'
import type { AuditTrail } from '../audit-trail.ts'
import type { Caller } from '../caller.ts'
import { requireUser } from '../users/find-user.ts'
import type { UserService } from '../users/user-service.ts'
import type { CacheService } from './cache-service.ts'
import { DEFAULT_CACHE_KEY, wrappingOf } from './coffre-wrapping.ts'
import { UserRows } from './user-rows.ts'
import { type SingleEntries, sourceSpace } from './source-space.ts'
import type { UserCache } from './user-cache.ts'

export interface CallerCachesParts {
  readonly store: Store
  readonly trail: AuditTrail
  readonly clock: Clock
  readonly users: UserService
  /** Opens the cache server, or the memory of this process. Throws CACHE_UNAVAILABLE where there is none. */
  readonly open: () => Promise<CacheService>
}

/** Of Coffre's own job for a caller: users reach no key and no audit log, and their data keys and receipts come from there. */
type JobCoffre = Pick<Coffre, 'encrypt' | 'decrypt' | 'keys' | 'audit'>

/** What reading, writing and governing an entry asks of a caller who is not its user. */
const ASKS = {
  read: { permission: 'data.use', operation: 'data.decrypt' },
  write: { permission: 'data.use', operation: 'data.encrypt' },
  see: { permission: 'user.read' },
  change: { permission: 'user.change' },
} as const

type Ask = keyof typeof ASKS

const NO_COUNTS: CacheCounts = {
  results: { HIT: 0, MISS: 0, EXPIRED: 0, WRONG_KEY: 0, TAMPERED: 0, UNAVAILABLE: 0 },
  writes: 0,
  legacyWrites: 0,
  conflicts: 0,
}

/** The cache of a Coffre, for each caller what it may reach of it. */
export class CallerCaches {
  readonly #parts: CallerCachesParts
  #opening: Promise<CacheService> | undefined
  #opened: CacheService | undefined

  constructor(parts: CallerCachesParts) {
    this.#parts = parts
  }

  get counts(): CacheCounts {
    return this.#opened?.counts ?? NO_COUNTS
  }

  get isDown(): boolean {
    return this.#opened?.isDown === true
  }

  /** Once for all callers. */
  async service(): Promise<CacheService> {
    this.#opening ??= this.#parts.open()
    try {
      this.#opened = await this.#opening
      return this.#opened
    } catch (error) {
      this.#opening = undefined
      throw error
    }
  }

  for(caller: Caller, job: JobCoffre): CoffreCache {
    return { for: (user, options = {}) => this.#space({ caller, job, user, options }) }
  }

  /** When the root key is forgotten: what it wrapped is too. */
  forgetKeys(): void {
    this.#opened?.forgetKeys()
  }

  async close(): Promise<void> {
    const opened = await this.#opening?.catch(() => undefined)
    this.#opening = undefined
    this.#opened = undefined
    await opened?.close()
  }

  #space(asked: Asked): CacheSpace {
    const single = (ask: Ask) => this.#single(asked, ask)
    const whole = (ask: Ask) => this.#whole(asked, ask)
    const lookup: CacheSpace['lookup'] = async (key) => (await single('read')).lookup(key)
    return {
      set: async (key, value, ttl) => (await single('write')).set(key, value, ttl),
      get: async (key) => {
        const result = await lookup(key)
        return result.status === 'HIT' ? result.value : null
      },
      lookup,
      getRange: async (range) => (await single('read')).getRange(range),
      delete: async (key) => (await single('write')).delete(key),
      purge: async (selection, options) => (await whole('change')).purge(selection, options),
      rekey: async (oldSecret, newSecret) => (await whole('change')).rekey(oldSecret, newSecret),
      migrate: async (to, secret, options) => (await whole('change')).migrate(to, secret, options),
      erase: async () => (await whole('change')).erase(),
      status: async () => (await whole('see')).status(),
    }
  }

  /** What single entries are read and written with. */
  async #single(asked: Asked, ask: Ask): Promise<SingleEntries> {
    const space = await this.#whole(asked, ask)
    const { format, secret } = asked.options
    return format === 1 ? sourceSpace(await this.service(), space, secret) : space
  }

  async #whole({ caller, job, user: name, options }: Asked, ask: Ask): Promise<UserCache> {
    const { id, tenant, cacheKey } = await this.#find(caller, name, ask)
    const { store, trail, clock } = this.#parts
    const rows = new UserRows({ store, trail, clock, caller, audit: job.audit })
    const wrapping = wrappingOf(job, DEFAULT_CACHE_KEY)
    const { format: _format, ...rest } = options
    const service = await this.service()
    service.retainKey(id, cacheKey)
    return service.forCaller({ keys: rows, record: rows, wrapping, tenant }, id, rest)
  }

  async #find(caller: Caller, name: string | undefined, ask: Ask): Promise<User> {
    const { store, trail, users } = this.#parts
    if (name === undefined) return users.requireSelf(caller)
    const asks: { readonly permission: Permission; readonly operation?: 'data.decrypt' | 'data.encrypt' } =
      ASKS[ask]
    await authorize(trail, caller, asks.permission)
    if (asks.operation === undefined) return requireUser(store, caller.principal.tenant, name)
    // Whoever may use the key of the cache for a user reaches that user's entries, and nobody else does.
    const { tenant } = caller.principal
    const keyName = parseKeyName(DEFAULT_CACHE_KEY)
    const labels = (await store.findKey(tenant, keyName))?.labels ?? { tags: {} }
    const allowed = caller.access.judge(asks.operation, { name: keyName, labels })
    // Before anybody learns whether there is such a user.
    if (typeof allowed !== 'object') return refuse(trail, caller, asks.operation)
    const user = await requireUser(store, tenant, name)
    const context: ContextPairs = { user: user.id, use: 'cache' }
    return !allowed.asksContext || allowed.admits(context) ? user : refuse(trail, caller, asks.operation)
  }
}

interface Asked {
  readonly caller: Caller
  readonly job: JobCoffre
  /** Absent: whoever asks. */
  readonly user: string | undefined
  readonly options: CacheSpaceOptions
}
