import type { Checkpoint, TreeHead } from '../crypto/transparency/checkpoint.ts'
import type {
  AuditRecordView,
  AuditVerification,
  AuditVerifyOptions,
  CheckpointView,
  ConsistencyProof,
  InclusionProof,
  VerifierKeyView,
} from '../model/audit.ts'
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
  verify(options?: AuditVerifyOptions): Promise<AuditVerification>
  /** Throws NOT_FOUND before the first. */
  checkpoint(): Promise<CheckpointView>
  verifierKeys(): Promise<readonly VerifierKeyView[]>
  proveInclusion(index: number, size?: number): Promise<InclusionProof>
  proveConsistency(from: number, to?: number): Promise<ConsistencyProof>
}

/** Signs checkpoints of the log with a key that only an unsealed Coffre has. */
export interface LogSigner {
  readonly origin: string
  /** A signed note (docs/spec/audit-checkpoint.md). */
  sign(checkpoint: Checkpoint): Promise<string>
}

export interface CheckpointHealth {
  /** Of the last checkpoint of this process; -1 before it. */
  readonly size: number
  /** What is wrong now, in one word; absent when nothing is. */
  readonly alert?: string
  readonly failures: number
}

/** Signed checkpoints of the log: written as it grows, and now when somebody asks. */
export interface Checkpoints {
  readonly health: CheckpointHealth
  /** There is a key to sign with from now on. What fails in `open` is tried again later: it never throws. */
  begin(open: () => Promise<LogSigner>): Promise<void>
  /** A last one, then none until `begin`. It never throws, and takes seconds at most. */
  end(): Promise<void>
  /** `undefined` while there is no key. `restored` is what is given up, where a restored log is accepted. */
  write(restored?: TreeHead): Promise<{ readonly size: number; readonly note: string } | undefined>
}
