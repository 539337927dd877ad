import { algorithmFor } from '../../crypto/algorithms.ts'
import type { KeyMaterial } from '../../crypto/key-material.ts'
import { spkiPem } from '../../crypto/pem.ts'
import { Keyring } from '../../keyring/keyring.ts'
import { CoffreError } from '../../model/errors.ts'
import { type KeyId, type KeyName, parseKeyId, type TenantId, type VersionNumber } from '../../model/ids.ts'
import type { Key, KeyVersion } from '../../model/key.ts'
import { rootOf, type Wrapped } from '../../model/wrapped.ts'
import type { UnsealedVault } from '../../seal/vault.ts'
import type { Change } from '../../store/changes.ts'
import type { ReadStore } from '../../store/store.ts'
import type { ChangeListener } from '../change-feed.ts'
import { hiddenKey, type Reach } from '../policy/reach.ts'

/** Keyrings in memory. An unwrapped RSA key takes a few KiB, so this stays below 32 MiB. */
const MAX_KEYRINGS = 4_096
/** A destruction may land between the two reads of a load; it cannot do so for ever. */
const MAX_LOADS = 3

type Materials = ReadonlyMap<VersionNumber, Wrapped>

/** Unwrapped keyrings by id and by name. After a change the store commits first, then `replace` swaps. */
export class KeyringCache implements ChangeListener {
  readonly #store: ReadStore
  readonly #vault: UnsealedVault
  readonly #followRoot: () => Promise<void>
  /** In order of last load. */
  readonly #byId = new Map<KeyId, Keyring>()
  readonly #idByName = new Map<string, KeyId>()
  /** Rises with every change. A load that began before one may have read what was true before it. */
  #changes = 0
  #isSealed = false

  /** `followRoot` brings the vault to the newest root key, for material that another process has wrapped. */
  constructor(store: ReadStore, vault: UnsealedVault, followRoot: () => Promise<void>) {
    this.#store = store
    this.#vault = vault
    this.#followRoot = followRoot
  }

  /** Throws KEY_NOT_FOUND, for a key outside of `reach` too. */
  async findByName(reach: Reach, name: KeyName): Promise<Keyring> {
    if (!reach.mayCover(name)) throw hiddenKey()
    const id = this.#idByName.get(indexName(reach.tenant, name))
    const known = id === undefined ? undefined : this.#byId.get(id)
    if (known !== undefined && reach.sees(known.key)) return known
    const changes = this.#changes
    // For a hidden key as well: one that does not exist is looked for each time, and takes as long.
    const key = await this.#store.findKey(reach.tenant, name)
    if (key === undefined) throw new CoffreError('KEY_NOT_FOUND')
    if (!reach.sees(key)) throw hiddenKey()
    return this.#load(key, changes)
  }

  /** `undefined` for an id that no key has, or only one outside of `reach`. */
  async findById(reach: Reach, id: KeyId): Promise<Keyring | undefined> {
    const isVisible = (key: Key) => key.tenant === reach.tenant && reach.sees(key)
    const known = this.#byId.get(id)
    if (known !== undefined && isVisible(known.key)) return known
    const changes = this.#changes
    const key = await this.#store.findKeyById(id)
    return key === undefined || !isVisible(key) ? undefined : this.#load(key, changes)
  }

  /** After a commit. Materials of versions that stay are kept, those of destroyed ones wiped. */
  replace(key: Key, added: ReadonlyMap<VersionNumber, KeyMaterial>): void {
    this.#changes += 1
    // A change that was committed while the Coffre was sealed.
    if (this.#isSealed) return wipeAll(added)
    const before = this.#byId.get(key.id)
    // Answers of two commits may arrive here in either order.
    if (before !== undefined && before.key.epoch >= key.epoch) return
    const materials = new Map(added)
    for (const version of key.versions) {
      const kept = before?.materialOf(version.version)
      if (kept === undefined) continue
      if (isDestroyed(version)) kept.wipe()
      else materials.set(version.version, kept)
    }
    const whole = key.versions.every((each) => isDestroyed(each) || materials.has(each.version))
    // A keyring that was never loaded, or fell out meanwhile, is read again when it is needed.
    if (whole) this.#keep(new Keyring(key, materials))
    else this.#byId.delete(key.id)
  }

  /** What is stored may have changed; the next use reads it again. */
  drop(tenant: TenantId, name: KeyName): void {
    this.#changes += 1
    const index = indexName(tenant, name)
    const id = this.#idByName.get(index)
    this.#idByName.delete(index)
    if (id !== undefined) this.#byId.delete(id)
  }

  /** Another process, or this one, has committed a change. */
  forget(change: Change): void {
    if (['token', 'policy', 'root'].includes(change.kind)) return
    if (change.kind !== 'key') return this.forgetAll()
    const id = parseKeyId(change.id)
    // What this process changed itself was swapped in already.
    if ((this.#byId.get(id)?.key.epoch ?? -1) >= change.epoch) return
    this.#changes += 1
    this.#byId.delete(id)
  }

  /** Requests that are under way may still use what they have found, so nothing is wiped here. */
  forgetAll(): void {
    this.#changes += 1
    this.#byId.clear()
    this.#idByName.clear()
  }

  /** For good: what comes later is wiped as well. */
  clear(): void {
    this.#isSealed = true
    this.#changes += 1
    for (const keyring of this.#byId.values()) keyring.wipe()
    this.#byId.clear()
    this.#idByName.clear()
  }

  /** `changes` is what it was before `key` was read. */
  async #load(key: Key, changes: number): Promise<Keyring> {
    let read: Key | undefined = key
    for (let loads = 0; loads < MAX_LOADS && read !== undefined; loads += 1) {
      const wrapped = await this.#store.readWrapped(read.id)
      // A change may have been committed and swapped in while this one was reading.
      const newer = this.#byId.get(read.id)
      if (newer !== undefined && newer.key.epoch >= read.epoch) return newer
      await this.#reachRoots(wrapped)
      const materials = this.#unwrapAll(read, wrapped)
      if (materials !== undefined) {
        const keyring = new Keyring(read, materials)
        // It answers this request, which overlaps with the change; the next one reads anew.
        return changes === this.#changes ? this.#keep(keyring) : keyring
      }
      read = await this.#store.findKeyById(read.id)
    }
    throw new CoffreError('STORE_DAMAGED', { facts: { part: 'key_version' } })
  }

  async #reachRoots(wrapped: Materials): Promise<void> {
    for (const blob of wrapped.values()) {
      if (!this.#vault.knows(rootOf(blob))) return this.#followRoot()
    }
  }

  /**
   * `undefined` when a version that should have material has none, or was read just before its root key went:
   * what is stored now is under the next one.
   */
  #unwrapAll(key: Key, wrapped: Materials): Map<VersionNumber, KeyMaterial> | undefined {
    const materials = new Map<VersionNumber, KeyMaterial>()
    for (const version of key.versions) {
      if (isDestroyed(version)) continue
      const blob = wrapped.get(version.version)
      if (blob === undefined || this.#isUnderGoneRoot(blob)) return undefined
      const { tenant, id: keyId, algorithm, purpose } = key
      const binding = { tenant, keyId, version: version.version, algorithm, purpose }
      const material = this.#vault.unwrap(blob, binding)
      requireOwnPublicKey(key, version, material)
      materials.set(version.version, material)
    }
    return materials
  }

  #isUnderGoneRoot(blob: Wrapped): boolean {
    const root = rootOf(blob)
    return root < this.#vault.generation && !this.#vault.knows(root)
  }

  #keep(keyring: Keyring): Keyring {
    const { id, tenant, name } = keyring.key
    this.#byId.set(id, keyring)
    this.#idByName.set(indexName(tenant, name), id)
    if (this.#byId.size > MAX_KEYRINGS) this.#forgetOldest()
    return keyring
  }

  #forgetOldest(): void {
    const oldest = this.#byId.values().next().value
    if (oldest === undefined) return
    this.#byId.delete(oldest.key.id)
    this.#idByName.delete(indexName(oldest.key.tenant, oldest.key.name))
  }
}

/** It lies beside the blob in clear, where whoever writes to the store could put another. */
function requireOwnPublicKey(key: Key, version: KeyVersion, material: KeyMaterial): void {
  const der = algorithmFor(key.algorithm).publicKey?.(material)
  const own = der === undefined ? undefined : spkiPem(der)
  if (own === version.publicKey) return
  throw new CoffreError('STORE_DAMAGED', { facts: { part: 'public_key', version: version.version } })
}

function wipeAll(materials: ReadonlyMap<VersionNumber, KeyMaterial>): void {
  for (const material of materials.values()) material.wipe()
}

function isDestroyed(version: KeyVersion): boolean {
  return version.state.name === 'destroyed'
}

function indexName(tenant: TenantId, name: KeyName): string {
  return `${tenant}/${name}`
}
