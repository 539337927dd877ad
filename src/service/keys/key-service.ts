import { algorithmFor } from '../../crypto/algorithms.ts'
import { randomUuid } from '../../crypto/random.ts'
import { Refusal } from '../../keyring/refusal.ts'
import {
  activatePrepared,
  type AskedMove,
  cancelDestroy,
  destroyKey,
  destroyVersion,
  firstVersion,
  newKey,
  moveKey,
  type NewVersion,
  prepareKey,
  preparedVersion,
  rollbackKey,
  rotateKey,
  scheduleDestroy,
  setFloor,
} from '../../keyring/rotation.ts'
import type { Instant } from '../../model/clock.ts'
import type { CreateKeyRequest, KeyLabelsView, KeyView, ListQuery } from '../../model/coffre.ts'
import { CoffreError } from '../../model/errors.ts'
import { type KeyName, parseKeyId, parseKeyName } from '../../model/ids.ts'
import type { Key } from '../../model/key.ts'
import { readPageLimit } from '../../model/page.ts'
import { authorize } from '../access/authorize.ts'
import type { Caller } from '../caller.ts'
import { Reach } from '../policy/reach.ts'
import { describeMaterial } from './describe-material.ts'
import { type KeyChange, KeyChanges, type KeyChangesParts } from './key-changes.ts'
import { chooseAlgorithm, mergeLabels } from './key-request.ts'
import { viewKey } from './key-view.ts'

const DEFAULT_DESTROY_DAYS = 30

/** The life of keys: what may be asked, and what each asks of keyring/rotation.ts. */
export class KeyService {
  readonly #parts: KeyChangesParts
  readonly #changes: KeyChanges

  constructor(parts: KeyChangesParts) {
    this.#parts = parts
    this.#changes = new KeyChanges(parts)
  }

  create(caller: Caller, request: CreateKeyRequest): Promise<KeyView> {
    return this.#changes.recordingRefusals(caller, { action: 'key.create', name: request.name }, async () => {
      const name = parseKeyName(request.name)
      const { row, purpose } = chooseAlgorithm(request)
      const labels = mergeLabels(request)
      // Before the name is looked for: it may be taken by a key that does not exist for this caller.
      new Reach(caller, 'key.create').requireNew({ name, labels })
      const material = await row.generate()
      const now = this.#parts.clock()
      const first = firstVersion(describeMaterial(row, material, now))
      const key = newKey({
        id: parseKeyId(randomUuid()),
        tenant: caller.principal.tenant,
        name,
        algorithm: row.name,
        purpose,
        labels,
        exportable: request.exportable === true,
        now,
        first,
      })
      await this.#changes.insert(caller, key, { ...first, material })
      return viewKey(key)
    })
  }

  async list(caller: Caller, query: ListQuery = {}): Promise<readonly KeyView[]> {
    await authorize(this.#parts.trail, caller, 'key.read')
    const limit = readPageLimit(query.limit)
    const after = query.after === undefined ? undefined : parseKeyName(query.after)
    const keys = await this.#listAllowed(new Reach(caller, 'key.read'), limit, after)
    return keys.map(viewKey)
  }

  async get(caller: Caller, name: string): Promise<KeyView> {
    await authorize(this.#parts.trail, caller, 'key.read')
    const reach = new Reach(caller, 'key.read')
    const keyName = parseKeyName(name)
    const key = reach.mayCover(keyName) ? await this.#parts.store.findKey(reach.tenant, keyName) : undefined
    if (key === undefined) throw new CoffreError('KEY_NOT_FOUND')
    reach.requireKey(key)
    // Others will trust a public key, so it is shown only once it was compared with its private half.
    const isPair = key.versions.some((version) => version.publicKey !== undefined)
    return viewKey(isPair ? (await this.#parts.cache.findByName(reach, key.name)).key : key)
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

  /**
   * The commit that adds the version, or makes the prepared one current, is the moment of rotation; before it nothing has
   * changed.
   */
  rotate(caller: Caller, name: string): Promise<KeyView> {
    return this.#addVersion(caller, name, 'key.rotate', (key, made) =>
      preparedVersion(key) === undefined ? rotateKey(key, made) : activatePrepared(key, made.now),
    )
  }

  prepare(caller: Caller, name: string): Promise<KeyView> {
    return this.#addVersion(caller, name, 'key.prepare', prepareKey)
  }

  #addVersion(
    caller: Caller,
    name: string,
    action: 'key.rotate' | 'key.prepare',
    decide: (key: Key, made: NewVersion) => Key | Refusal,
  ): Promise<KeyView> {
    return this.#changes.recordingRefusals(caller, { action, name }, async () => {
      const reach = new Reach(caller, 'key.rotate')
      const { key } = await this.#parts.cache.findByName(reach, parseKeyName(name))
      // Before the work of making material.
      reach.requireKey(key)
      const row = algorithmFor(key.algorithm)
      const material = await row.generate()
      const after = await this.#changes.apply(caller, key.name, {
        action,
        decide: (before, now) => decide(before, describeMaterial(row, material, now)),
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

  async hasDestroysDue(): Promise<boolean> {
    return (await this.#parts.store.listKeysToDestroy(this.#parts.clock())).length > 0
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
      await this.#changes
        .ask(owner, name, { action: 'key.destroy', decide: destroyIfDue })
        .catch((error: unknown) => failures.push(error))
    }
    if (failures.length > 0) throw failures[0]
    return due.length
  }

  /** Up to `limit` keys that the caller may read, however many others lie between them. */
  async #listAllowed(reach: Reach, limit: number, start: KeyName | undefined): Promise<readonly Key[]> {
    const allowed: Key[] = []
    let after = start
    while (allowed.length < limit) {
      const from = after === undefined ? {} : { after }
      const page = await this.#parts.store.listKeys({ tenant: reach.tenant, limit, ...from })
      allowed.push(...page.filter((key) => reach.allows(key)))
      after = page.at(-1)?.name
      if (page.length < limit) break
    }
    return allowed.slice(0, limit)
  }

  async #change(caller: Caller, name: string, change: KeyChange): Promise<KeyView> {
    return viewKey(await this.#changes.ask(caller, name, change))
  }
}

/** Somebody may have cancelled since the list was read. */
function destroyIfDue(key: Key, now: Instant): Key | Refusal {
  const isDue = key.destroyAt !== undefined && key.destroyAt <= now
  return isDue ? destroyKey(key, now) : new Refusal('MOVE_REFUSED', { move: 'destroy' })
}
