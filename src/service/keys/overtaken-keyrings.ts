import type { Keyring } from '../../keyring/keyring.ts'
import type { KeyId } from '../../model/ids.ts'

/** Whoever uses a key reads it again within this; material that was destroyed elsewhere stays no longer. */
const KEPT_MS = 10_000
/** Few keys change so often that it matters. */
const MAX_KEPT = 64

interface Overtaken {
  readonly keyring: Keyring
  readonly epoch: number
  readonly timer: NodeJS.Timeout
}

/**
 * Keyrings that a change has overtaken, by id. Nothing is done under them; what they hold of versions that the change
 * left alone need not be read and unwrapped again.
 */
export class OvertakenKeyrings {
  readonly #byId = new Map<KeyId, Overtaken>()

  find(id: KeyId | undefined): Keyring | undefined {
    return id === undefined ? undefined : this.#byId.get(id)?.keyring
  }

  /** The newest epoch that the key is known to have reached; 0 when nothing is held. */
  epochOf(id: KeyId): number {
    return this.#byId.get(id)?.epoch ?? 0
  }

  /** `epoch`: which the key has reached at least. */
  keep(keyring: Keyring, epoch: number): void {
    const { id } = keyring.key
    const known = this.#byId.get(id)
    // A further change of the same gives it no more time.
    if (known?.keyring === keyring) return void this.#byId.set(id, { ...known, epoch })
    this.delete(id)
    const timer = setTimeout(() => this.#byId.delete(id), KEPT_MS).unref()
    this.#byId.set(id, { keyring, epoch, timer })
    const oldest = this.#byId.keys().next().value
    if (this.#byId.size > MAX_KEPT && oldest !== undefined) this.delete(oldest)
  }

  delete(id: KeyId): void {
    clearTimeout(this.#byId.get(id)?.timer)
    this.#byId.delete(id)
  }

  clear(): void {
    for (const id of this.#byId.keys()) this.delete(id)
  }

  wipe(): void {
    for (const { keyring } of this.#byId.values()) keyring.wipe()
    this.clear()
  }
}
