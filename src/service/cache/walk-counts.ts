import type { CacheWalk } from '../../model/cache.ts'

export type WalkStep = Exclude<keyof CacheWalk, 'dryRun'>

/** Counts the steps of a walk. `undefined` steps concern somebody else. */
export class WalkCounts {
  readonly #counts: Record<WalkStep, number> = { done: 0, already: 0, kept: 0, tampered: 0 }

  add(steps: readonly (WalkStep | undefined)[]): void {
    for (const step of steps) if (step !== undefined) this.#counts[step] += 1
  }

  result(dryRun: boolean): CacheWalk {
    return { dryRun, ...this.#counts }
  }
}
