import { findCacheName } from '../../model/cache-name.ts'
import type { CacheAlert, CacheCounts, CacheStatus } from '../../model/cache.ts'
import { type Clock, type Instant, MINUTE } from '../../model/clock.ts'
import { CoffreError } from '../../model/errors.ts'

/** Where an entry that somebody changed is recorded: the audit log, where a Coffre is there. */
export interface TamperRecord {
  tampered(alert: CacheAlert): Promise<void>
}

export interface CacheWatchParts {
  readonly clock: Clock
  readonly onAlert: (alert: CacheAlert) => void
  readonly record?: TamperRecord | undefined
}

/** One entry that stays changed is told once a minute, however often it is read. */
const REPEAT_AFTER_MS = MINUTE
const MAX_REMEMBERED = 1_000

/** Counts what a cache answers, and tells somebody what he should look at. */
export class CacheWatch {
  readonly #parts: CacheWatchParts
  readonly #results: Record<CacheStatus, number> = {
    HIT: 0,
    MISS: 0,
    EXPIRED: 0,
    WRONG_KEY: 0,
    TAMPERED: 0,
    NOT_JSON: 0,
    UNAVAILABLE: 0,
  }
  /** When a changed entry was told of; by its name in the store. The oldest first. */
  readonly #told = new Map<string, Instant>()
  #isDown = false
  #writes = 0
  #legacyWrites = 0
  #conflicts = 0

  constructor(parts: CacheWatchParts) {
    this.#parts = parts
  }

  get counts(): CacheCounts {
    const [writes, legacyWrites, conflicts] = [this.#writes, this.#legacyWrites, this.#conflicts]
    return { results: { ...this.#results }, writes, legacyWrites, conflicts }
  }

  count(status: CacheStatus): void {
    this.#results[status] += 1
  }

  /** Whether the store did not answer when it was last asked. */
  get isDown(): boolean {
    return this.#isDown
  }

  countWrite(format: 1 | 2): void {
    this.#writes += 1
    if (format === 1) this.#legacyWrites += 1
  }

  countConflict(): void {
    this.#conflicts += 1
  }

  /** What `work` answers, or `undefined` when the store does not; told once until it answers again. */
  async ask<Answer>(work: () => Promise<Answer>): Promise<Answer | undefined> {
    try {
      const answer = await work()
      if (this.#isDown) this.#parts.onAlert({ kind: 'available-again' })
      this.#isDown = false
      return answer
    } catch (error) {
      if (!(error instanceof CoffreError) || error.code !== 'CACHE_UNAVAILABLE') throw error
      if (!this.#isDown) this.#parts.onAlert({ kind: 'unavailable' })
      this.#isDown = true
      return undefined
    }
  }

  /** The record is there before the reader gets his answer; `record` is that of whoever asks. */
  async tellTampered(storedName: string, name: string, record = this.#parts.record): Promise<void> {
    const now = this.#parts.clock()
    const before = this.#told.get(storedName)
    if (before !== undefined && now - before < REPEAT_AFTER_MS) return
    this.#told.delete(storedName)
    this.#told.set(storedName, now)
    const [oldest] = this.#told.keys()
    if (this.#told.size > MAX_REMEMBERED && oldest !== undefined) this.#told.delete(oldest)
    const type = findCacheName(name)?.type
    const alert: CacheAlert = { kind: 'tampered', ...(type === undefined ? {} : { type }) }
    this.#parts.onAlert(alert)
    await record?.tampered(alert)
  }
}
