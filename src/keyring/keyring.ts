import type { VersionKey } from '../crypto/algorithm.ts'
import type { KeyMaterial } from '../crypto/key-material.ts'
import type { VersionNumber } from '../model/ids.ts'
import type { Key, KeyVersion } from '../model/key.ts'
import { allowsUse, type KeyUse } from './lifecycle.ts'
import { Refusal } from './refusal.ts'
import { currentVersion, findVersion, stateOf } from './rotation.ts'

/**
 * A key with its unwrapped material. Immutable: after a change the service stores the new key first and
 * then makes a new keyring. `wipe` ends it.
 */
export class Keyring {
  readonly key: Key
  readonly #materials: ReadonlyMap<VersionNumber, KeyMaterial>

  constructor(key: Key, materials: ReadonlyMap<VersionNumber, KeyMaterial>) {
    this.key = key
    this.#materials = materials
  }

  /** The version that protects new data. */
  forProtecting(): VersionKey | Refusal {
    const stopped = this.#refuseWhileStopped()
    if (stopped !== undefined) return stopped
    const current = currentVersion(this.key)
    if (current !== undefined) return this.#versionKey(current)
    const state = stateOf(this.key)
    return state === 'suspended'
      ? new Refusal('KEY_SUSPENDED')
      : new Refusal('KEY_VERSION_UNUSABLE', { state })
  }

  /** The version that a ciphertext names. */
  forReading(version: number, use: Exclude<KeyUse, 'protect'>): VersionKey | Refusal {
    const stopped = this.#refuseWhileStopped()
    if (stopped !== undefined) return stopped
    const found = findVersion(this.key, version)
    if (found === undefined) return new Refusal('KEY_VERSION_NOT_FOUND')
    if (found.state.name === 'suspended') return new Refusal('KEY_SUSPENDED')
    const usable = allowsUse(found.state, use) && found.version >= this.key.floor
    return usable
      ? this.#versionKey(found)
      : new Refusal('KEY_VERSION_UNUSABLE', { version, state: found.state.name })
  }

  /** Every version that may be tried, newest first, for formats that name none. */
  candidates(use: Exclude<KeyUse, 'protect'>): readonly VersionKey[] | Refusal {
    const stopped = this.#refuseWhileStopped()
    if (stopped !== undefined) return stopped
    const usable = this.key.versions.filter(
      (each) => allowsUse(each.state, use) && each.version >= this.key.floor,
    )
    if (usable.length > 0) return usable.toReversed().map((each) => this.#versionKey(each))
    const state = stateOf(this.key)
    return state === 'suspended'
      ? new Refusal('KEY_SUSPENDED')
      : new Refusal('KEY_VERSION_UNUSABLE', { state })
  }

  /** For a keyring that follows this one. */
  materialOf(version: VersionNumber): KeyMaterial | undefined {
    return this.#materials.get(version)
  }

  /** Best effort, as `KeyMaterial.wipe`. */
  wipe(): void {
    for (const material of this.#materials.values()) material.wipe()
  }

  #refuseWhileStopped(): Refusal | undefined {
    return this.key.destroyAt === undefined ? undefined : new Refusal('KEY_PENDING_DESTRUCTION')
  }

  #versionKey(found: KeyVersion): VersionKey {
    const material = this.#materials.get(found.version)
    if (material === undefined) throw new Error('unreachable: only destroyed versions have no material')
    const { tenant, id: keyId, purpose } = this.key
    return { tenant, keyId, version: found.version, purpose, material }
  }
}
