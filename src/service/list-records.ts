import type { AuditQuery, AuditRecordView } from '../model/audit.ts'
import { CoffreError } from '../model/errors.ts'
import { DEFAULT_TENANT, type TenantId } from '../model/ids.ts'
import type { AuditReader } from './audit-trail.ts'

const DEFAULT_LIMIT = 100
const MAX_LIMIT = 1_000

/** One page of what a tenant may see of the audit log, oldest first: `default` sees all of it. Throws INVALID_REQUEST. */
export async function listRecords(
  audit: AuditReader,
  query: AuditQuery,
  tenant: TenantId,
): Promise<readonly AuditRecordView[]> {
  if (query.last === undefined) {
    const from = readWhole('from', query.from ?? 0, { minimum: 0, maximum: Number.MAX_SAFE_INTEGER })
    const limit = readLimit('limit', query.limit ?? DEFAULT_LIMIT)
    return tenant === DEFAULT_TENANT ? audit.list(from, limit) : audit.listOf(tenant, { from, limit })
  }
  const last = readLimit('last', query.last)
  if (query.from !== undefined || query.limit !== undefined) {
    throw new CoffreError('INVALID_REQUEST', {
      facts: { at: 'last', expected: 'alone, without from and limit' },
    })
  }
  if (tenant !== DEFAULT_TENANT) return audit.listOf(tenant, { limit: last })
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
