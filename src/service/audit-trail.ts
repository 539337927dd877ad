import type { AuditRecordView, AuditVerification } from '../model/coffre.ts'
import type { AuditEvent } from '../model/audit-event.ts'
import type { TenantId } from '../model/ids.ts'
import type { Reliance } from '../store/changes.ts'
import type { StoreTransaction, TenantRecordsQuery } from '../store/store.ts'

/** What the services need of the audit log; `audit/` provides it and `app.ts` joins the two. */
export interface AuditTrail {
  /** Inside the transaction that makes the change: both are stored, or neither. */
  append(tx: StoreTransaction, events: readonly AuditEvent[]): Promise<void>
  /**
   * For data operations. A result is given to the caller only after this answers true. False: something that the
   * operation relies on was changed before its record could be written. There is no record, and it is done again.
   */
  commit(event: AuditEvent, reliance?: Reliance): Promise<boolean>
}

/** Reading the log, for those who may. */
export interface AuditReader {
  /** The number of records; the next one has this index. */
  size(): Promise<number>
  list(from: number, limit: number): Promise<readonly AuditRecordView[]>
  /** Only the records of one tenant. */
  listOf(tenant: TenantId, query: TenantRecordsQuery): Promise<readonly AuditRecordView[]>
  verify(): Promise<AuditVerification>
}
