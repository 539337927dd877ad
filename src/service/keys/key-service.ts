import type { Algorithm } from '../../crypto/algorithm.ts'
import { algorithmFor } from '../../crypto/algorithms.ts'
import type { KeyMaterial } from '../../crypto/key-material.ts'
import { spkiPem } from '../../crypto/pem.ts'
import { randomUuid } from '../../crypto/random.ts'
import { Refusal } from '../../keyring/refusal.ts'
import {
  type AskedMove,
  cancelDestroy,
  destroyKey,
  destroyVersion,
  firstVersion,
  moveKey,
  newestVersion,
  type NewVersion,
  rollbackKey,
  rotateKey,
  scheduleDestroy,
  setFloor,
} from '../../keyring/rotation.ts'
import type { AuditAction } from '../../model/audit-event.ts'
import type { Clock, Instant } from '../../model/clock.ts'
import type { CreateKeyRequest, KeyLabelsView, KeyView, ListQuery } from '../../model/coffre.ts'
import { CoffreError } from '../../model/errors.ts'
import { isKeyName, type KeyName, parseKeyId, parseKeyName, type VersionNumber } from '../../model/ids.ts'
import type { Key } from '../../model/key.ts'
import type { Wrapped } from '../../model/wrapped.ts'
import type { UnsealedVault } from '../../seal/vault.ts'
import type { Store, StoreTransaction } from '../../store/store.ts'
import { authorize } from '../access/authorize.ts'
import type { AuditTrail } from '../audit-trail.ts'
import type { Caller } from '../caller.ts'
import { chooseAlgorithm, mergeLabels } from './key-request.ts'
import { viewKey } from './key-view.ts'
import type { KeyringCache } from './keyring-cache.ts'

const DEFAULT_LIST_LIMIT = 100
const MAX_LIST_LIMIT = 1_000
const DEFAULT_DESTROY_DAYS = 30

export interface KeyServiceParts {
  readonly store: Store
  readonly trail: AuditTrail
  readonly clock: Clock
  readonly vault: UnsealedVault
  readonly cache: KeyringCache
}

interface Change {
  readonly action: AuditAction
  readonly decide: (key: Key, now: Instant) => Key | Refusal
  /** The version that the record names, where the change is about one. */
  readonly version?: number
  /** New material for the version that `decide` adds. */
  readonly material?: KeyMaterial
}

interface Recorded {
  readonly action: AuditAction
  readonly key: Key
  readonly version: number | undefined
}

/** The life of keys: every change is one transaction with its audit record, then memory follows. */
export class KeyService {
  readonly #parts: KeyServiceParts

  constructor(parts: KeyServiceParts) {
    this.#parts = parts
  }

  async create(caller: Caller, request: CreateKeyRequest): Promise<KeyView> {
    return this.#recordingRefusals(caller, { action: 'key.create', name: request.name }, async () => {
      const name = parseKeyName(request.name)
      const { row, purpose } = chooseAlgorithm(request)
      const labels = mergeLabels(request)
      const material = await row.generate()
      const now = this.#parts.clock()
      const first = firstVersion(describeMaterial(row, material, now))
      const key: Key = {
        id: parseKeyId(randomUuid()),
        tenant: caller.principal.tenant,
        name,
        algorithm: row.name,
        purpose,
        labels,
        createdAt: now,
        updatedAt: now,
        epoch: 1,
        floor: first.version,
        versions: [first],
      }
      await this.#parts.store.transaction(async (tx) => {
        await tx.insertKey(key, this.#wrap(key, first.version, material))
        await this.#append(tx, caller, { action: 'key.create', key, version: first.version })
      })
      this.#parts.cache.replace(key, new Map([[first.version, material]]))
      return viewKey(key)
    })
  }

  async list(caller: Caller, query: ListQuery = {}): Promise<readonly KeyView[]> {
    await authorize(this.#parts.trail, caller, 'key.read')
    const limit = query.limit ?? DEFAULT_LIST_LIMIT
    if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIST_LIMIT) {
      throw new CoffreError('INVALID_REQUEST', { facts: { at: 'limit', from: 1, to: MAX_LIST_LIMIT } })
    }
    const { tenant } = caller.principal
    const after = query.after === undefined ? {} : { after: parseKeyName(query.after) }
    const keys = await this.#parts.store.listKeys({ tenant, limit, ...after })
    return keys.map(viewKey)
  }

  async get(caller: Caller, name: string): Promise<KeyView> {
    await authorize(this.#parts.trail, caller, 'key.read')
    const { tenant } = caller.principal
    const key = await this.#parts.store.findKey(tenant, parseKeyName(name))
    if (key === undefined) throw new CoffreError('KEY_NOT_FOUND')
    // Others will trust a public key, so it is shown only once it was compared with its private half.
    const isPair = key.versions.some((version) => version.publicKey !== undefined)
    return viewKey(isPair ? (await this.#parts.cache.findByName(tenant, key.name)).key : key)
  }

  update(caller: Caller, name: string, labels: Partial<KeyLabelsView>): Promise<KeyView> {
    return this.#change(caller, name, {
      action: 'key.update',
      decide: (key, now) => ({
        ...key,
        labels: mergeLabels(labels, key.labels),
        updatedAt: now,
        epoch: key.epoch + 1,
      }),
    })
  }

  /** The commit that adds the version is the moment of rotation; before it nothing has changed. */
  rotate(caller: Caller, name: string): Promise<KeyView> {
    return this.#recordingRefusals(caller, { action: 'key.rotate', name }, async () => {
      const { key } = await this.#parts.cache.findByName(caller.principal.tenant, parseKeyName(name))
      const row = algorithmFor(key.algorithm)
      const material = await row.generate()
      const after = await this.#apply(caller, key.name, {
        action: 'key.rotate',
        decide: (before, now) => rotateKey(before, describeMaterial(row, material, now)),
        material,
      })
      return viewKey(after)
    })
  }

  rollback(caller: Caller, name: string, version?: number): Promise<KeyView> {
    const chosen = version === undefined ? {} : { version }
    return this.#change(caller, name, {
      action: 'key.rollback',
      ...chosen,
      decide: (key, now) => rollbackKey(key, { now, ...chosen }),
    })
  }

  move(caller: Caller, name: string, move: AskedMove, version?: number): Promise<KeyView> {
    const chosen = version === undefined ? {} : { version }
    return this.#change(caller, name, {
      action: `key.${move}`,
      ...chosen,
      decide: (key, now) => moveKey(key, move, { now, ...chosen }),
    })
  }

  setFloor(caller: Caller, name: string, version: number): Promise<KeyView> {
    return this.#change(caller, name, {
      action: 'key.floor',
      version,
      decide: (key, now) => setFloor(key, version, now),
    })
  }

  destroy(caller: Caller, name: string, version: number): Promise<KeyView> {
    return this.#change(caller, name, {
      action: 'key.destroy',
      version,
      decide: (key, now) => destroyVersion(key, version, now),
    })
  }

  scheduleDestroy(caller: Caller, name: string, days = DEFAULT_DESTROY_DAYS): Promise<KeyView> {
    return this.#change(caller, name, {
      action: 'key.schedule-destroy',
      decide: (key, now) => scheduleDestroy(key, days, now),
    })
  }

  cancelDestroy(caller: Caller, name: string): Promise<KeyView> {
    return this.#change(caller, name, { action: 'key.cancel-destroy', decide: cancelDestroy })
  }

  /**
   * Destroys every key whose window has closed. Called at start and by the clock. Answers how many. Throws
   * what went wrong first, once the others are destroyed.
   */
  async sweepDestroyed(caller: Caller): Promise<number> {
    const due = await this.#parts.store.listKeysToDestroy(this.#parts.clock())
    const failures: unknown[] = []
    for (const { name, tenant } of due) {
      const owner = { ...caller, principal: { ...caller.principal, tenant } }
      await this.#change(owner, name, { action: 'key.destroy', decide: destroyIfDue }).catch(
        (error: unknown) => failures.push(error),
      )
    }
    if (failures.length > 0) throw failures[0]
    return due.length
  }

  #change(caller: Caller, name: string, change: Change): Promise<KeyView> {
    return this.#recordingRefusals(caller, { action: change.action, name }, async () =>
      viewKey(await this.#apply(caller, parseKeyName(name), change)),
    )
  }

  async #apply(caller: Caller, name: KeyName, change: Change): Promise<Key> {
    const { store, clock, cache } = this.#parts
    const added = new Map<VersionNumber, KeyMaterial>()
    const after = await store.transaction(async (tx) => {
      const before = await tx.findKey(caller.principal.tenant, name)
      if (before === undefined) throw new CoffreError('KEY_NOT_FOUND')
      const decided = change.decide(before, clock())
      if (decided instanceof Refusal) throw new CoffreError(decided.code, { facts: decided.facts })
      const wrapped = this.#wrapAdded(decided, change.material, added)
      await tx.updateKey(before, decided, wrapped)
      const version = change.material === undefined ? change.version : newestVersion(decided).version
      await this.#append(tx, caller, { action: change.action, key: decided, version })
      return decided
    })
    cache.replace(after, added)
    return after
  }

  #wrapAdded(
    key: Key,
    material: KeyMaterial | undefined,
    added: Map<VersionNumber, KeyMaterial>,
  ): ReadonlyMap<VersionNumber, Wrapped> {
    if (material === undefined) return new Map()
    const { version } = newestVersion(key)
    added.set(version, material)
    return this.#wrap(key, version, material)
  }

  #wrap(key: Key, version: VersionNumber, material: KeyMaterial): ReadonlyMap<VersionNumber, Wrapped> {
    const { tenant, id: keyId, algorithm, purpose } = key
    const binding = { tenant, keyId, version, algorithm, purpose }
    return new Map([[version, this.#parts.vault.wrap(material, binding)]])
  }

  async #append(tx: StoreTransaction, caller: Caller, change: Recorded): Promise<void> {
    const { key, version } = change
    await this.#parts.trail.append(tx, [
      {
        action: change.action,
        principal: caller.principal,
        requestId: caller.requestId,
        outcome: 'ok',
        key: key.name,
        keyId: key.id,
        ...(version === undefined ? {} : { version }),
      },
    ])
  }

  /** A change that was refused leaves a record too. */
  async #recordingRefusals<Result>(
    caller: Caller,
    asked: { readonly action: AuditAction; readonly name: string },
    work: () => Promise<Result>,
  ): Promise<Result> {
    await authorize(this.#parts.trail, caller, 'key.change')
    try {
      return await work()
    } catch (error) {
      if (error instanceof CoffreError && error.code !== 'STORE_UNAVAILABLE') {
        const { principal, requestId } = caller
        // What is no name is not repeated in the record.
        const key = isKeyName(asked.name) ? { key: asked.name } : {}
        await this.#parts.trail.commit({
          action: asked.action,
          principal,
          requestId,
          outcome: 'refused',
          code: error.code,
          ...key,
        })
      }
      throw error
    }
  }
}

/** Somebody may have cancelled since the list was read. */
function destroyIfDue(key: Key, now: Instant): Key | Refusal {
  const isDue = key.destroyAt !== undefined && key.destroyAt <= now
  return isDue ? destroyKey(key, now) : new Refusal('MOVE_REFUSED', { move: 'destroy' })
}

function describeMaterial(row: Algorithm, material: KeyMaterial, now: Instant): NewVersion {
  const der = row.publicKey?.(material)
  if (der === undefined) return { now }
  return { now, publicKey: spkiPem(der) }
}
