import type { KeyId, VersionNumber } from '../model/ids.ts'

/** Uses reserved at once: a crash loses at most this many, which counts them as used, never the reverse. */
export const USE_BLOCK = 65_536

/**
 * Counts what one version may still protect before the next reservation. Reserved blocks are stored before
 * they are spent, so the stored count is never below the true one.
 */
export class UseBudget {
  readonly #left = new Map<string, number>()

  /** Answers false, and takes nothing, when a block must be reserved first. */
  take(keyId: KeyId, version: VersionNumber, count: number): boolean {
    const name = `${keyId}:${version}`
    const left = this.#left.get(name) ?? 0
    if (left < count) return false
    this.#left.set(name, left - count)
    return true
  }

  add(keyId: KeyId, version: VersionNumber, count: number): void {
    const name = `${keyId}:${version}`
    this.#left.set(name, (this.#left.get(name) ?? 0) + count)
  }
}
