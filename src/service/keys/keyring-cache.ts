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
import { OvertakenKeyrings } from './overtaken-keyrings.ts'

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
  readonly #overtaken = new OvertakenKeyrings()
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
    const key = await this.#store.findKey(reach.tenant, name, this.#overtaken.find(id)?.key)
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

  /** What is in memory of a key, overtaken or not: an earlier state of the one that is stored. */
  lastKnown(tenant: TenantId, name: KeyName): Key | undefined {
    const id = this.#idByName.get(indexName(tenant, name))
    return id === undefined ? undefined : this.#held(id)?.key
  }

  /** After a commit. Materials of versions that stay are kept, those of destroyed ones wiped. */
  replace(key: Key, added: ReadonlyMap<VersionNumber, KeyMaterial>): void {
    this.#changes += 1
    // A change that was committed while the Coffre was sealed.
    if (this.#isSealed) return wipeAll(added)
    const before = this.#held(key.id)
    // Answers of two commits may arrive here in either order.
    if (before !== undefined && before.key.epoch >= key.epoch) return
    const materials = keepMaterials(key, before)
    for (const [version, material] of added) materials.set(version, material)
    const whole = key.versions.every((each) => isDestroyed(each) || materials.has(each.version))
    const reached = this.#overtaken.epochOf(key.id)
    if (whole && reached <= key.epoch) this.#keep(new Keyring(key, materials))
    // A keyring that was never loaded, or lacks what others did meanwhile, is read again when it is needed.
    else if (before !== undefined) {
      this.#byId.delete(key.id)
      this.#overtaken.keep(whole ? new Keyring(key, materials) : before, Math.max(reached, key.epoch))
    }
  }

  /** What is stored may have changed; the next use reads it again. */
  drop(tenant: TenantId, name: KeyName): void {
    this.#changes += 1
    const index = indexName(tenant, name)
    const id = this.#idByName.get(index)
    this.#idByName.delete(index)
    if (id === undefined) return
    this.#byId.delete(id)
    this.#overtaken.delete(id)
  }

  /** Another process, or this one, has committed a change. */
  forget(change: Change): void {
    if (['token', 'policy', 'root', 'session'].includes(change.kind)) return
    if (change.kind !== 'key') return this.forgetAll()
    const id = parseKeyId(change.id)
    // What this process changed itself was swapped in already.
    if ((this.#byId.get(id)?.key.epoch ?? -1) >= change.epoch) return
    this.#changes += 1
    const held = this.#held(id)
    this.#byId.delete(id)
    if (held !== undefined) this.#overtaken.keep(held, Math.max(this.#overtaken.epochOf(id), change.epoch))
  }

  /** Requests that are under way may still use what they have found, so nothing is wiped here. */
  forgetAll(): void {
    this.#changes += 1
    this.#byId.clear()
    this.#idByName.clear()
    this.#overtaken.clear()
  }

  /** For good: what comes later is wiped as well. */
  clear(): void {
    this.#isSealed = true
    this.#changes += 1
    for (const keyring of this.#byId.values()) keyring.wipe()
    this.#overtaken.wipe()
    this.#byId.clear()
    this.#idByName.clear()
  }

  #held(id: KeyId): Keyring | undefined {
    return this.#byId.get(id) ?? this.#overtaken.find(id)
  }

  /** `changes` is what it was before `key` was read. */
  async #load(key: Key, changes: number): Promise<Keyring> {
    const before = this.#overtaken.find(key.id)
    let read: Key | undefined = key
    for (let loads = 0; loads < MAX_LOADS && read !== undefined; loads += 1) {
      const wrapped = await this.#readMissing(read, before)
      if (this.#isSealed) throw new CoffreError('SEALED')
      // A change may have been committed and swapped in while this one was reading.
      const newer = this.#byId.get(read.id)
      if (newer !== undefined && newer.key.epoch >= read.epoch) return newer
      await this.#reachRoots(wrapped)
      const materials = this.#unwrapAll(read, wrapped, before)
      if (materials !== undefined) {
        const keyring = new Keyring(read, materials)
        if (changes === this.#changes) return this.#keep(keyring)
        // It answers this request, which overlaps with the change; the next one reads anew.
        if (before !== undefined) this.#overtaken.keep(keyring, Number.POSITIVE_INFINITY)
        return keyring
      }
      read = await this.#store.findKeyById(read.id)
    }
    throw new CoffreError('STORE_DAMAGED', { facts: { part: 'key_version' } })
  }

  /** Nothing where `before` has the material of every version that has any. */
  async #readMissing(key: Key, before: Keyring | undefined): Promise<Materials> {
    const missing = key.versions.find(
      (each) => !isDestroyed(each) && keptMaterial(each, before) === undefined,
    )
    return missing === undefined ? new Map() : await this.#store.readWrapped(key.id, missing.version)
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
  #unwrapAll(
    key: Key,
    wrapped: Materials,
    before: Keyring | undefined,
  ): Map<VersionNumber, KeyMaterial> | undefined {
    const materials = keepMaterials(key, before)
    for (const version of key.versions) {
      if (isDestroyed(version) || materials.has(version.version)) continue
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
    this.#overtaken.delete(id)
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

/** From an earlier keyring of this key. The material of destroyed versions is wiped. */
function keepMaterials(key: Key, before: Keyring | undefined): Map<VersionNumber, KeyMaterial> {
  const materials = new Map<VersionNumber, KeyMaterial>()
  for (const version of key.versions) {
    const kept = keptMaterial(version, before)
    if (kept === undefined) continue
    if (isDestroyed(version)) kept.wipe()
    else materials.set(version.version, kept)
  }
  return materials
}

/**
 * Material is written once, with its version. What else stays for the life of a version differs where an older database
 * was restored under this process, and a public key also where somebody has put another.
 */
function keptMaterial(version: KeyVersion, before: Keyring | undefined): KeyMaterial | undefined {
  const known = before?.key.versions[version.version - 1]
  const isSame = known?.createdAt === version.createdAt && known.publicKey === version.publicKey
  return isSame ? before?.materialOf(version.version) : undefined
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
