import type { AuditQuery, AuditRecordView } from '../model/audit.ts'
import { CoffreError } from '../model/errors.ts'
import { DEFAULT_TENANT, type TenantId } from '../model/ids.ts'
import { readPageLimit } from '../model/page.ts'
import type { AuditReader } from './audit-trail.ts'

/** One page of what a tenant may see of the audit log, oldest first: `default` sees all of it. Throws INVALID_REQUEST. */
export async function listRecords(
  audit: AuditReader,
  query: AuditQuery,
  tenant: TenantId,
): Promise<readonly AuditRecordView[]> {
  if (query.last === undefined) {
    const from = readFrom(query.from ?? 0)
    const limit = readPageLimit(query.limit)
    return tenant === DEFAULT_TENANT ? audit.list(from, limit) : audit.listOf(tenant, { from, limit })
  }
  const last = readPageLimit(query.last, 'last')
  if (query.from !== undefined || query.limit !== undefined) {
    throw new CoffreError('INVALID_REQUEST', {
      facts: { at: 'last', expected: 'alone, without from and limit' },
    })
  }
  if (tenant !== DEFAULT_TENANT) return audit.listOf(tenant, { limit: last })
  return audit.list(Math.max(0, (await audit.size()) - last), last)
}

function readFrom(from: number): number {
  if (Number.isSafeInteger(from) && from >= 0) return from
  throw new CoffreError('INVALID_REQUEST', { facts: { at: 'from', from: 0, to: Number.MAX_SAFE_INTEGER } })
}
