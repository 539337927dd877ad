import { CoffreError } from './errors.ts'

/** How many things a list gives at once. */
export const PAGE_LIMIT = { from: 1, to: 1_000 } as const
export const DEFAULT_PAGE_LIMIT = 100

/** Throws INVALID_REQUEST; `at` is the name under which it was given. */
export function readPageLimit(limit: number = DEFAULT_PAGE_LIMIT, at = 'limit'): number {
  if (Number.isInteger(limit) && limit >= PAGE_LIMIT.from && limit <= PAGE_LIMIT.to) return limit
  throw new CoffreError('INVALID_REQUEST', { facts: { at, ...PAGE_LIMIT } })
}
