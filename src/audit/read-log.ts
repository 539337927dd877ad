import type { AuditRecordView } from '../model/audit.ts'
import { CoffreError } from '../model/errors.ts'
import type { TenantId } from '../model/ids.ts'
import type { ReadStore, StoredAuditRecord, TenantRecordsQuery } from '../store/store.ts'

/** Records as they are shown: the members that every record has, and the body exactly as hashed. */
export async function readLog(
  store: ReadStore,
  from: number,
  limit: number,
): Promise<readonly AuditRecordView[]> {
  const records = await store.readAuditRecords(from, limit)
  return records.map(viewRecord)
}

/** The records of one tenant. The column that finds them is not hashed, so each body has the last word. */
export async function readLogOf(
  store: ReadStore,
  tenant: TenantId,
  query: TenantRecordsQuery,
): Promise<readonly AuditRecordView[]> {
  const records = await store.readAuditRecordsOf(tenant, query)
  const foreign = records.find((record) => parseMembers(record)['tenant'] !== tenant)
  if (foreign !== undefined) throw damaged(foreign)
  return records.map(viewRecord)
}

function viewRecord(record: StoredAuditRecord): AuditRecordView {
  const members = parseMembers(record)
  const text = (name: string): string => {
    const value = members[name]
    return typeof value === 'string' ? value : ''
  }
  return {
    index: record.index,
    at: text('at'),
    action: text('action'),
    principal: text('by'),
    requestId: text('request'),
    outcome: text('outcome'),
    body: record.body,
  }
}

function parseMembers(record: StoredAuditRecord): Readonly<Record<string, unknown>> {
  try {
    const members: unknown = JSON.parse(record.body)
    if (typeof members === 'object' && members !== null) return { ...members }
  } catch (cause) {
    throw damaged(record, cause)
  }
  throw damaged(record)
}

function damaged(record: StoredAuditRecord, cause?: unknown): CoffreError {
  return new CoffreError('AUDIT_DAMAGED', { facts: { index: record.index }, cause })
}
