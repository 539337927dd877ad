import type { KeyStateName } from './key-state.ts'

/** The audit log, as a user of Coffre holds it. */
export interface Audit {
  /** Oldest first. */
  list(query?: AuditQuery): Promise<readonly AuditRecordView[]>
  /**
   * Recomputes every leaf and the root, and compares them with every signed checkpoint that is kept. A damaged
   * log is an answer, not an error.
   */
  verify(options?: AuditVerifyOptions): Promise<AuditVerification>
  /** The newest signed checkpoint. Throws NOT_FOUND before the first. */
  checkpoint(): Promise<CheckpointView>
  /** Signs the log as it is now, unless that has been done, and writes the copy outside the database. */
  writeCheckpoint(): Promise<CheckpointView>
  /** Of every generation of the signing key, the newest first. They are public. */
  verifierKeys(): Promise<readonly VerifierKeyView[]>
  /** From now on checkpoints are signed by a new generation; the old ones stay valid. */
  rotateSigningKey(): Promise<readonly VerifierKeyView[]>
  /** That a record is in the log (RFC 6962, section 2.1.1); in that of the newest checkpoint when `size` is absent. */
  proveInclusion(index: number, options?: { readonly size?: number }): Promise<InclusionProof>
  /** That the log of `to` records begins with that of `from` (RFC 6962, section 2.1.2); `to` as `size` above. */
  proveConsistency(from: number, to?: number): Promise<ConsistencyProof>
}

export interface AuditVerifyOptions {
  /** A checkpoint that the auditor has kept, as a signed note. */
  readonly checkpoint?: string
  /** Who may have signed it; this Coffre's own keys when absent. */
  readonly verifierKeys?: readonly string[]
}

export interface CheckpointView {
  readonly origin: string
  readonly size: number
  /** Hex. */
  readonly rootHash: string
  /** The signed note (docs/spec/audit-checkpoint.md). */
  readonly note: string
}

export interface VerifierKeyView {
  readonly version: number
  readonly state: KeyStateName
  /** `name+hash+key`, as the C2SP tools take it. */
  readonly verifierKey: string
}

/** Hashes are hex. */
export interface InclusionProof {
  readonly index: number
  readonly size: number
  readonly rootHash: string
  readonly leafHash: string
  readonly path: readonly string[]
  /** The record exactly as hashed. */
  readonly body: string
  /** c2sp.org/tlog-proof, where there is a checkpoint of this size. */
  readonly text?: string
}

/** Hashes are hex. */
export interface ConsistencyProof {
  readonly from: number
  readonly to: number
  readonly fromRootHash: string
  readonly toRootHash: string
  readonly path: readonly string[]
  /** As c2sp.org/tlog-witness writes it, where there is a checkpoint of the size `to`. */
  readonly text?: string
}

export interface AuditQuery {
  /** The first index; 0 when absent. */
  readonly from?: number
  /** 1 to 1,000; 100 when absent. */
  readonly limit?: number
  /** Instead of both: the newest so many, 1 to 1,000. */
  readonly last?: number
}

export interface AuditRecordView {
  readonly index: number
  readonly at: string
  readonly action: string
  readonly principal: string
  readonly requestId: string
  readonly outcome: string
  /** The record exactly as hashed. */
  readonly body: string
}

export interface AuditVerification {
  readonly valid: boolean
  readonly size: number
  /** Hex of the RFC 6962 root hash. */
  readonly rootHash: string
  /** Of a forked log: the first record that no checkpoint vouches for. */
  readonly firstBadIndex?: number
  readonly reason?: string
  /** The size of the newest signed checkpoint that the log agrees with. */
  readonly signedSize?: number
  /** What is missing around a log that is itself sound. */
  readonly findings: readonly AuditFinding[]
}

/**
 * `copy-missing`: no copy of the checkpoints outside the database, although the log was signed before.
 * `copy-damaged`: some of it does not read or verify. `unsigned`: no checkpoint vouches for this log.
 */
export type AuditFinding = 'copy-missing' | 'copy-damaged' | 'unsigned'
