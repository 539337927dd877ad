import type { VersionNumber } from '../model/ids.ts'

/** Uses reserved at once: a crash loses at most this many, which counts them as used, never the reverse. */
export const USE_BLOCK = 65_536

/**
 * Counts what one version may still protect before the next reservation. Reserved blocks are stored before
 * they are spent, so the stored count is never below the true one.
 */
export class UseBudget {
  readonly #left = new Map<string, number>()

  /** Takes `count` from the reserve, or answers how many must be reserved first. */
  take(keyId: string, version: VersionNumber, count: number): number {
    const name = `${keyId}:${version}`
    const left = this.#left.get(name) ?? 0
    if (left < count) return Math.max(USE_BLOCK, count)
    this.#left.set(name, left - count)
    return 0
  }

  add(keyId: string, version: VersionNumber, count: number): void {
    const name = `${keyId}:${version}`
    this.#left.set(name, (this.#left.get(name) ?? 0) + count)
  }

  clear(): void {
    this.#left.clear()
  }
}
