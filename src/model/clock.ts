import type { Brand } from './brand.ts'

/** Milliseconds since 1970-01-01T00:00:00Z. */
export type Instant = Brand<number, 'Instant'>

/** Time is an argument everywhere below `app.ts`, so tests need no mocks. */
export type Clock = () => Instant

export function toInstant(milliseconds: number): Instant {
  if (!Number.isSafeInteger(milliseconds) || milliseconds < 0) throw new RangeError('not an instant')
  return milliseconds as Instant
}

export function addMilliseconds(instant: Instant, milliseconds: number): Instant {
  return toInstant(instant + milliseconds)
}

export const SECOND = 1_000
export const MINUTE = 60 * SECOND
export const HOUR = 3_600 * SECOND
export const DAY = 86_400 * SECOND

export function formatInstant(instant: Instant): string {
  return new Date(instant).toISOString()
}
