import type { KeyMaterial } from '../../crypto/key-material.ts'
import { Refusal } from '../../keyring/refusal.ts'
import { newestVersion } from '../../keyring/rotation.ts'
import type { AuditAction } from '../../model/audit-event.ts'
import type { Clock, Instant } from '../../model/clock.ts'
import { CoffreError } from '../../model/errors.ts'
import { isKeyName, type KeyName, parseKeyName, type TenantId, type VersionNumber } from '../../model/ids.ts'
import type { Key, KeyVersion } from '../../model/key.ts'
import type { Wrapped } from '../../model/wrapped.ts'
import type { UnsealedVault } from '../../seal/vault.ts'
import type { Store, StoreTransaction } from '../../store/store.ts'
import { authorize } from '../access/authorize.ts'
import type { AuditTrail } from '../audit-trail.ts'
import type { Caller } from '../caller.ts'
import type { Roots } from '../operator/roots.ts'
import { hiddenKey, isOutsidePolicy, Reach } from '../policy/reach.ts'
import { type KeyAction, permissionFor } from './key-permission.ts'
import type { KeyringCache } from './keyring-cache.ts'

export interface KeyChangesParts {
  readonly store: Store
  readonly trail: AuditTrail
  readonly clock: Clock
  readonly vault: UnsealedVault
  readonly cache: KeyringCache
  readonly roots: Pick<Roots, 'wrapping'>
}

/** One change of one key: what is recorded, and the pure decision from the stored key to the next. */
export interface KeyChange {
  readonly action: KeyAction
  readonly decide: (key: Key, now: Instant) => Key | Refusal
  /** The version that the record names, where the change is about one. */
  readonly version?: number
  /** New material for the version that `decide` adds, if it adds one. */
  readonly material?: KeyMaterial
}

interface Recorded {
  readonly action: AuditAction
  readonly key: Key
  readonly version: number | undefined
}

/** The write path of keys (docs/design/architecture.md): one transaction with its record, then memory follows. */
export class KeyChanges {
  readonly #parts: KeyChangesParts

  constructor(parts: KeyChangesParts) {
    this.#parts = parts
  }

  /** A new key with its first version. Throws KEY_EXISTS. */
  async insert(
    caller: Caller,
    key: Key,
    first: KeyVersion & { readonly material: KeyMaterial; readonly action?: KeyAction },
  ): Promise<void> {
    const { cache } = this.#parts
    const { version, material, action = 'key.create' } = first
    await this.#commit(key, async (tx) => {
      // The id of an imported key is that of its token, which serves once.
      const isUsed = action === 'key.import' && (await tx.findKeyById(key.id)) !== undefined
      if (isUsed) throw new CoffreError('IMPORT_TOKEN_INVALID')
      await tx.insertKey(key, this.#wrap(key, version, material))
      await this.#append(tx, caller, { action, key, version })
    })
    cache.replace(key, new Map([[version, material]]))
  }

  /** As `apply`, for a name as it was asked; a refusal leaves a record too. */
  ask(caller: Caller, name: string, change: KeyChange): Promise<Key> {
    return this.recordingRefusals(caller, { action: change.action, name }, () =>
      this.apply(caller, parseKeyName(name), change),
    )
  }

  /** Throws KEY_NOT_FOUND, the code of a refusal, or what the store throws. */
  async apply(caller: Caller, name: KeyName, change: KeyChange): Promise<Key> {
    const { clock, cache } = this.#parts
    const added = new Map<VersionNumber, KeyMaterial>()
    const reach = new Reach(caller, permissionFor(change.action))
    if (!reach.mayCover(name)) throw hiddenKey()
    const after = await this.#commit({ tenant: reach.tenant, name }, async (tx) => {
      // A rotation needs no more than the newest versions of what may be thousands.
      const known = change.material === undefined ? undefined : cache.lastKnown(reach.tenant, name)
      const before = await tx.findKey(reach.tenant, name, known)
      if (before === undefined) throw new CoffreError('KEY_NOT_FOUND')
      reach.requireKey(before)
      const decided = change.decide(before, clock())
      if (decided instanceof Refusal) throw new CoffreError(decided.code, { facts: decided.facts })
      // Whoever changes tags must still reach the key afterwards.
      reach.requireNew(decided)
      const isAdded = newestVersion(decided).version > newestVersion(before).version
      const wrapped = this.#wrapAdded(decided, isAdded ? change.material : undefined, added)
      await tx.updateKey(before, decided, wrapped)
      const version = change.material === undefined ? change.version : newestVersion(decided).version
      await this.#append(tx, caller, { action: change.action, key: decided, version })
      return decided
    })
    cache.replace(after, added)
    return after
  }

  /**
   * A commit whose answer was lost may have happened. Memory then knows nothing of the key until it is read again:
   * what was true before must not go on protecting or reading.
   */
  async #commit<Result>(
    of: { readonly tenant: TenantId; readonly name: KeyName },
    work: (tx: StoreTransaction) => Promise<Result>,
  ): Promise<Result> {
    let isWritten = false
    try {
      return await this.#parts.roots.wrapping(() =>
        this.#parts.store.transaction(async (tx) => {
          const result = await work(tx)
          isWritten = true
          return result
        }),
      )
    } catch (error) {
      if (isWritten) this.#parts.cache.drop(of.tenant, of.name)
      throw error
    }
  }

  /** Runs `work` for a caller who may change keys, and records it when it is refused. */
  async recordingRefusals<Result>(
    caller: Caller,
    asked: { readonly action: KeyAction; readonly name: string },
    work: () => Promise<Result>,
  ): Promise<Result> {
    await authorize(this.#parts.trail, caller, permissionFor(asked.action))
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
          ...(isOutsidePolicy(error) ? { detail: { outsidePolicy: 1 } } : {}),
        })
      }
      throw error
    }
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
}
