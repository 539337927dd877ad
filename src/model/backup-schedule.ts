import type { BackupList, BackupPruning, BackupRetention, BackupSourceKind, BackupSummary } from './backup.ts'
import type { BackupTrail } from './backup-trail.ts'
import type { ErrorCode } from './errors.ts'

/** What a run does. */
export const BACKUP_WORKS = ['create', 'verify'] as const
export type BackupWork = (typeof BACKUP_WORKS)[number]

/** `missed`: nobody was there to do it in time. */
export const BACKUP_RUN_STATES = ['waiting', 'running', 'done', 'failed', 'missed'] as const
export type BackupRunState = (typeof BACKUP_RUN_STATES)[number]

export const BACKUP_HEALTHS = ['ok', 'failed', 'missed', 'none', 'drill-failed', 'drill-overdue'] as const
/**
 * How it stands with a declared backup: by its newest run that has ended, then by the drills that it declares. `none`:
 * there was no run yet.
 */
export type BackupHealth = (typeof BACKUP_HEALTHS)[number]

/** Whether an operator has to look. */
export function isTrouble(health: BackupHealth): boolean {
  return health !== 'ok' && health !== 'none'
}

export const BACKUP_DRILL_STATES = ['none', 'passed', 'failed', 'overdue'] as const
/** `none`: of no drill is anything known. `overdue`: one that is declared should have been by now. */
export type BackupDrillState = (typeof BACKUP_DRILL_STATES)[number]

/** The drills of a declared backup, as its newest run found them. */
export interface BackupDrillsView {
  readonly state: BackupDrillState
  /** Absent: none is declared, and somebody drills by hand or nobody does. */
  readonly everyDays?: number
  readonly lastAt?: string
  /** Of the backup that the last drill restored. */
  readonly sequence?: number
  /** Why the last drill did not pass. */
  readonly code?: ErrorCode
  readonly passedAt?: string
}

/** One run of a declared backup. */
export interface BackupRunView {
  readonly id: string
  readonly series: string
  readonly work: BackupWork
  readonly state: BackupRunState
  /** The moment of the schedule that it is for; absent where somebody asked for it. */
  readonly scheduledFor?: string
  /** `schedule`, or who asked. */
  readonly askedBy: string
  readonly askedAt: string
  readonly startedAt?: string
  readonly endedAt?: string
  /** Read or written so far. */
  readonly bytes: number
  /** Of the backup that it made or verified. */
  readonly sequence?: number
  /** Why it failed, or why pruning after it did. */
  readonly code?: ErrorCode
}

/** A backup that the server makes by itself, and how it stands. */
export interface BackupScheduleView {
  readonly series: string
  readonly source: BackupSourceKind
  /** A folder or `s3://bucket/prefix`. */
  readonly target: string
  /** Five fields. */
  readonly cron: string
  /** IANA name. */
  readonly timeZone: string
  /** Absent: nothing is pruned. */
  readonly keep?: BackupRetention
  readonly nextAt: string
  readonly health: BackupHealth
  /** What has not ended: running, or waiting for its turn. */
  readonly current?: BackupRunView
  /** The newest that has ended. */
  readonly last?: BackupRunView
  readonly lastSuccess?: BackupRunView
  readonly drills: BackupDrillsView
  /** Since the backup was declared. */
  readonly failures: number
  readonly misses: number
}

export interface BackupRunRequest {
  /** `create` when absent. */
  readonly work?: BackupWork
  /** Of the backup to verify; the newest when absent. */
  readonly sequence?: number
}

export interface BackupScheduleQuery {
  /** As it would stand at this moment if nothing happened until then; now when absent. */
  readonly at?: string
}

/** Declared backups. Restoring is not among them: whoever can ask a server is not whoever may replace a database. */
export interface CoffreBackups extends BackupTrail {
  schedules(query?: BackupScheduleQuery): Promise<readonly BackupScheduleView[]>
  /** Throws BACKUP_SCHEDULE_NOT_FOUND, as every method with a series does. */
  schedule(series: string, query?: BackupScheduleQuery): Promise<BackupScheduleView>
  /** Newest first; 1 to 100, 20 when absent. */
  runs(series: string, query?: { readonly limit?: number }): Promise<readonly BackupRunView[]>
  /** Throws BACKUP_RUN_NOT_FOUND. */
  findRun(id: string): Promise<BackupRunView>
  /** A job of the server; what becomes of it, `findRun` tells. Throws BACKUP_RUN_UNDER_WAY. */
  run(series: string, request?: BackupRunRequest): Promise<BackupRunView>
  list(series: string): Promise<BackupList>
  /** The newest when `sequence` is absent. */
  inspect(series: string, sequence?: number): Promise<BackupSummary>
  /** What its retention would remove now. */
  planPruning(series: string): Promise<BackupPruning>
}
