import {
  type CacheSpaceOptions,
  type CacheCounts,
  type CacheSpace,
  type ClientSecret,
  type CoffreCache,
  type EraseReceipt,
  type StoredCacheKey,
} from '../../model/cache.ts'
import type { Clock } from '../../model/clock.ts'
import type { Coffre, ContextPairs } from '../../model/coffre.ts'
import { hasCode } from '../../model/errors.ts'
import { isUserId, parseKeyName, type TenantId } from '../../model/ids.ts'
import type { DeletedCache, DeletedUser, User } from '../../model/user.ts'
import type { Store } from '../../store/store.ts'
import { authorize, refuse } from '../access/authorize.ts'
import type { Permission } from '../access/permission.ts'
import type { AuditTrail } from '../audit-trail.ts'
import type { Caller } from '../caller.ts'
import { requireUser } from '../users/find-user.ts'
import type { UserService } from '../users/user-service.ts'
import type { CacheService } from './cache-service.ts'
import { DEFAULT_CACHE_KEY, wrappingOf } from './coffre-wrapping.ts'
import { DeletedRow, joinReceipts } from './deleted-user.ts'
import { UserRows, viewRow } from './user-rows.ts'
import { type SingleEntries, sourceSpace } from './source-space.ts'
import type { UserCache } from './user-cache.ts'

export interface CallerCachesParts {
  readonly store: Store
  readonly trail: AuditTrail
  readonly clock: Clock
  readonly users: UserService
  /** Opens the cache server, or the memory of this process. Throws CACHE_UNAVAILABLE where there is none. */
  readonly open: () => Promise<CacheService>
  /** What others wrote may be there. False: the memory of this process, which holds nothing until it is opened. */
  readonly isShared: boolean
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
  results: { HIT: 0, MISS: 0, EXPIRED: 0, WRONG_KEY: 0, TAMPERED: 0, NOT_JSON: 0, UNAVAILABLE: 0 },
  writes: 0,
  legacyWrites: 0,
  conflicts: 0,
}

/** The cache of a Coffre, for each caller what it may reach of it. */
export class CallerCaches {
  readonly #parts: CallerCachesParts
  #opening: Promise<CacheService> | undefined
  #opened: CacheService | undefined
  /** Caches of the application, whose data keys are in the rows of users. */
  readonly #joined = new Set<CacheService>()

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

  /** From now on a user who is deleted is erased there too, until `leave` is called. */
  join(service: CacheService): void {
    this.#joined.add(service)
  }

  leave(service: CacheService): void {
    this.#joined.delete(service)
  }

  /** Throws USER_NOT_FOUND. A store that does not answer does not keep a user who wants to go. */
  async deleteUser(caller: Caller, job: JobCoffre, name: string): Promise<DeletedUser> {
    // Opened first: a setting that is wrong is told while the user is still there.
    const services = await this.#servicesWithEntries()
    const row = await this.#parts.users.delete(caller, name)
    return { id: row.id, cache: await this.#eraseDeleted({ caller, job, row }, services) }
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
      list: async (selection) => (await whole('read')).list(selection),
      purge: async (selection, options) => (await whole('change')).purge(selection, options),
      rekey: async (oldSecret, newSecret) => (await whole('change')).rekey(oldSecret, newSecret),
      migrate: async (to, secret, options) => (await whole('change')).migrate(to, secret, options),
      erase: async () => (await this.#remains(asked, 'change')).erase(),
      status: async () => (await this.#remains(asked, 'see')).status(),
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
    const rows = this.#rowsFor(caller, job)
    const wrapping = wrappingOf(job, DEFAULT_CACHE_KEY)
    const { format: _format, ...rest } = options
    const service = await this.service()
    service.retainKey(id, cacheKey)
    return service.forCaller({ keys: rows, record: rows, wrapping, tenant }, id, rest)
  }

  /** As `#whole`, and of a user who was deleted while the store did not answer: as long as something is left of it. */
  async #remains(asked: Asked, ask: Ask): Promise<UserCache> {
    try {
      return await this.#whole(asked, ask)
    } catch (error) {
      if (!hasCode(error, 'USER_NOT_FOUND')) throw error
      const remains = await this.#deleted(asked)
      if (remains === undefined) throw error
      return remains
    }
  }

  /** Only by id, which is given to no second user. */
  async #deleted({ caller, job, user, options }: Asked): Promise<UserCache | undefined> {
    if (user === undefined || !isUserId(user)) return undefined
    if ((await this.#parts.store.findUser(user)) !== undefined) return undefined
    const { secret } = options
    const gone = { id: user, tenant: caller.principal.tenant, held: {} }
    const space = this.#spaceOfDeleted(await this.service(), { caller, job, gone, secret })
    // A wrong id is told, and gets no receipt; with a secret, what it opens is erased.
    return secret !== undefined || (await space.status()).entries > 0 ? space : undefined
  }

  async #eraseDeleted(
    asked: { readonly caller: Caller; readonly job: JobCoffre; readonly row: User },
    services: readonly CacheService[] | undefined,
  ): Promise<DeletedCache> {
    const { caller, job, row } = asked
    const held = viewRow(row)
    const hadEntries = held.key !== undefined || held.state !== undefined
    if (services === undefined) return { outcome: hadEntries ? 'unreachable' : 'none' }
    const gone = { id: row.id, tenant: row.tenant, held }
    try {
      const receipts: EraseReceipt[] = []
      for (const service of services) {
        receipts.push(await this.#spaceOfDeleted(service, { caller, job, gone }).erase())
      }
      const receipt = joinReceipts(receipts)
      if (receipt === undefined) return { outcome: hadEntries ? 'not-set' : 'none' }
      return { outcome: 'erased', receipt }
    } catch (error) {
      if (hasCode(error, 'CACHE_UNAVAILABLE')) return { outcome: hadEntries ? 'unreachable' : 'none' }
      throw error
    }
  }

  #spaceOfDeleted(service: CacheService, { caller, job, gone, secret }: AskedOfDeleted): UserCache {
    const rows = this.#rowsFor(caller, job)
    const keys = new DeletedRow(rows, gone.held)
    const users = { keys, record: rows, wrapping: wrappingOf(job, DEFAULT_CACHE_KEY), tenant: gone.tenant }
    return service.forCaller(users, gone.id, secret === undefined ? {} : { secret })
  }

  #rowsFor(caller: Caller, job: JobCoffre): UserRows {
    const { store, trail, clock } = this.#parts
    return new UserRows({ store, trail, clock, caller, audit: job.audit })
  }

  async #servicesWithEntries(): Promise<readonly CacheService[] | undefined> {
    if (!this.#parts.isShared && this.#opened === undefined) return [...this.#joined]
    try {
      return [await this.service(), ...this.#joined]
    } catch (error) {
      if (hasCode(error, 'CACHE_UNAVAILABLE')) return undefined
      throw error
    }
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

interface AskedOfDeleted {
  readonly caller: Caller
  readonly job: JobCoffre
  readonly gone: { readonly id: string; readonly tenant: TenantId; readonly held: StoredCacheKey }
  readonly secret?: ClientSecret | undefined
}

interface Asked {
  readonly caller: Caller
  readonly job: JobCoffre
  /** Absent: whoever asks. */
  readonly user: string | undefined
  readonly options: CacheSpaceOptions
}
