import { CoffreError } from '../../model/errors.ts'

/** docs/spec/cache.md, "Bounds": a year. */
const MAX_TTL_SECONDS = 31_536_000

/** Throws INVALID_REQUEST for what is no time to live. 0 is none either: it means that nothing is stored. */
export function parseTtl(seconds: number): number {
  if (Number.isInteger(seconds) && seconds >= 1 && seconds <= MAX_TTL_SECONDS) return seconds
  throw new CoffreError('INVALID_REQUEST', {
    facts: { at: 'ttl', expected: `whole seconds, 0 to ${MAX_TTL_SECONDS}` },
  })
}
