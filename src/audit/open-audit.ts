import type { AuditFinding } from '../model/audit.ts'
import type { Clock } from '../model/clock.ts'
import type { Store } from '../store/store.ts'
import { AuditLog } from './audit-log.ts'
import type { CheckpointCopy } from './checkpoint/checkpoint-copy.ts'
import { CheckpointSchedule } from './checkpoint/checkpoint-schedule.ts'
import { type CheckpointAlert, Checkpointer } from './checkpoint/checkpointer.ts'
import { compareWithCopy, type CopyComparison, requireAgreement } from './checkpoint/compare-copy.ts'
import { LogReader } from './log-reader.ts'

export interface AuditOptions {
  readonly store: Store
  readonly clock: Clock
  readonly copy: CheckpointCopy
  /** For what stops nothing and somebody should look at. */
  readonly onAlert: (alert: CheckpointAlert, error?: unknown) => void
  readonly maxWaitMs?: number
}

/** The writer, the reader and the checkpoints of one log, joined. */
export class AuditParts {
  readonly trail: AuditLog
  readonly reader: LogReader
  readonly checkpoints: CheckpointSchedule
  readonly #options: AuditOptions

  constructor(options: AuditOptions) {
    const { store, clock, copy, onAlert } = options
    this.#options = options
    this.checkpoints = new CheckpointSchedule({
      makeCheckpointer: (raise) => new Checkpointer({ store, copy, onAlert: raise }),
      onAlert,
    })
    const { maxWaitMs } = options
    this.trail = new AuditLog({
      store,
      clock,
      onAppend: (count) => this.checkpoints.appended(count),
      ...(maxWaitMs === undefined ? {} : { maxWaitMs }),
    })
    this.reader = new LogReader(store, copy)
  }

  compare(): Promise<CopyComparison> {
    return compareWithCopy(this.#options.store, this.#options.copy)
  }

  /**
   * The log beside the copy of its checkpoints, before anything is added to it. Throws AUDIT_ROLLED_BACK or
   * AUDIT_FORKED; a copy that is not there, or not whole, is an alert and the answer.
   */
  async requireAgreement(): Promise<AuditFinding | undefined> {
    const { copy, onAlert } = this.#options
    const comparison = await this.compare()
    requireAgreement(comparison, copy.place)
    const { finding } = comparison
    if (finding === 'copy-missing' || finding === 'copy-damaged') onAlert(finding)
    return finding
  }
}

/** For whoever gave no ear to alerts. Nothing secret: an alert is one of a few words. */
export function warnProcess(alert: CheckpointAlert): void {
  process.emitWarning(`the audit log's checkpoints: ${alert}`, { type: 'CoffreWarning', code: alert })
}
