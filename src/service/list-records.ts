import type { AuditQuery, AuditRecordView } from '../model/coffre.ts'
import { CoffreError } from '../model/errors.ts'
import type { AuditReader } from './audit-trail.ts'

const DEFAULT_LIMIT = 100
const MAX_LIMIT = 1_000

/** One page of the audit log, oldest first. Throws INVALID_REQUEST. */
export async function listRecords(
  audit: AuditReader,
  query: AuditQuery,
): Promise<readonly AuditRecordView[]> {
  if (query.last === undefined) {
    const from = readWhole('from', query.from ?? 0, { minimum: 0, maximum: Number.MAX_SAFE_INTEGER })
    return audit.list(from, readLimit('limit', query.limit ?? DEFAULT_LIMIT))
  }
  const last = readLimit('last', query.last)
  if (query.from !== undefined || query.limit !== undefined) {
    throw new CoffreError('INVALID_REQUEST', {
      facts: { at: 'last', expected: 'alone, without from and limit' },
    })
  }
  return audit.list(Math.max(0, (await audit.size()) - last), last)
}

function readLimit(at: string, value: number): number {
  return readWhole(at, value, { minimum: 1, maximum: MAX_LIMIT })
}

function readWhole(
  at: string,
  value: number,
  bound: { readonly minimum: number; readonly maximum: number },
): number {
  if (Number.isInteger(value) && value >= bound.minimum && value <= bound.maximum) return value
  throw new CoffreError('INVALID_REQUEST', { facts: { at, from: bound.minimum, to: bound.maximum } })
}
