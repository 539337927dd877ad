import { isDeepStrictEqual } from 'node:util'
import type { Audit, InclusionProof } from '../../model/audit.ts'
import type { AuditAction, AuditEvent } from '../../model/audit-event.ts'
import type { CacheAlert, CacheEvent, CacheKeyChange, CacheKeys, StoredCacheKey } from '../../model/cache.ts'
import type { Clock } from '../../model/clock.ts'
import { CoffreError, hasCode } from '../../model/errors.ts'
import { isUserId } from '../../model/ids.ts'
import type { User } from '../../model/user.ts'
import type { ReadStore, Store } from '../../store/store.ts'
import type { AuditTrail } from '../audit-trail.ts'
import type { Caller } from '../caller.ts'
import type { TamperRecord } from './cache-watch.ts'

export interface UserRowsParts {
  readonly store: Store
  readonly trail: AuditTrail
  readonly audit: Audit
  readonly clock: Clock
  readonly caller: Caller
}

/** Between a record and whoever proves it lies at most this much of others' work. */
const RECENT_RECORDS = 1_000

/** The data keys of users in Coffre's own table, each change together with its audit record. */
export class UserRows implements CacheKeys, TamperRecord {
  readonly #parts: UserRowsParts

  constructor(parts: UserRowsParts) {
    this.#parts = parts
  }

  async read(user: string): Promise<StoredCacheKey> {
    return viewRow(await this.#find(this.#parts.store, user))
  }

  async write(user: string, { before, after, event }: CacheKeyChange): Promise<boolean> {
    const { store, trail, clock } = this.#parts
    try {
      await store.transaction(async (tx) => {
        const row = await this.#find(tx, user)
        if (!isDeepStrictEqual(viewRow(row), before)) throw new CoffreError('CONFLICT')
        await tx.updateUser(row, { ...withCacheKey(row, after), updatedAt: clock(), epoch: row.epoch + 1 })
        await trail.append(tx, [this.#describe(event.action, { user, ...event.detail })])
      })
      return true
    } catch (error) {
      if (hasCode(error, 'CONFLICT')) return false
      throw error
    }
  }

  async record(user: string, { action, detail }: CacheEvent): Promise<void> {
    await this.#parts.trail.commit(this.#describe(action, { user, ...detail }))
  }

  tampered(alert: CacheAlert): Promise<void> {
    return recordTampered(this.#parts, alert)
  }

  async prove(user: string, action: CacheEvent['action']): Promise<InclusionProof | undefined> {
    const records = await this.#parts.audit.list({ last: RECENT_RECORDS })
    const record = records.findLast((each) => each.action === action && userOf(each.body) === user)
    return record === undefined ? undefined : this.#parts.audit.proveInclusion(record.index)
  }

  /** By id only: the id is bound into every entry. */
  async #find(store: Pick<ReadStore, 'findUser'>, user: string): Promise<User> {
    const row = isUserId(user) ? await store.findUser(user) : undefined
    if (row?.tenant === this.#parts.caller.principal.tenant) return row
    throw new CoffreError('USER_NOT_FOUND')
  }

  #describe(action: AuditAction, detail: AuditEvent['detail']): AuditEvent {
    return describe(this.#parts.caller, action, detail)
  }
}

/** An entry that somebody changed was read for the caller. */
export async function recordTampered(
  { trail, caller }: Pick<UserRowsParts, 'trail' | 'caller'>,
  { type }: CacheAlert,
): Promise<void> {
  const detail = type === undefined ? {} : { type }
  await trail.commit({ ...describe(caller, 'cache.tamper', detail), outcome: 'refused' })
}

function describe(
  { principal, requestId }: Caller,
  action: AuditAction,
  detail: AuditEvent['detail'] = {},
): AuditEvent {
  return { action, principal, requestId, outcome: 'ok', detail }
}

export function viewRow({ cacheKey, cacheKeySecret, cacheState }: User): StoredCacheKey {
  return {
    ...(cacheKey === undefined ? {} : { key: cacheKey }),
    ...(cacheKeySecret === undefined ? {} : { keyUnderSecret: cacheKeySecret }),
    ...(cacheState === undefined ? {} : { state: cacheState }),
  }
}

function withCacheKey(row: User, { key, keyUnderSecret, state }: StoredCacheKey): User {
  const { cacheKey: _key, cacheKeySecret: _underSecret, cacheState: _state, ...rest } = row
  return {
    ...rest,
    ...(key === undefined ? {} : { cacheKey: key }),
    ...(keyUnderSecret === undefined ? {} : { cacheKeySecret: keyUnderSecret }),
    ...(state === undefined ? {} : { cacheState: state }),
  }
}

/** Of a record of our own, which is JSON. */
function userOf(body: string): unknown {
  const record: { readonly detail?: { readonly user?: unknown } } = JSON.parse(body)
  return record.detail?.user
}
