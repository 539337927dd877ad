import type { ErrorCode } from './errors.ts'

/** What is done with backups and leaves a record. */
export const BACKUP_ACTIONS = [
  'backup.create',
  'backup.verify',
  'backup.restore',
  'backup.drill',
  'backup.prune',
  'backup.rekey',
  'backup.recovery-key',
] as const

export type BackupAction = (typeof BACKUP_ACTIONS)[number]

/** One of them, as it was done by who holds the target; it never holds what a backup holds. */
export interface BackupEvent {
  readonly action: BackupAction
  /** Why it failed; absent when it did not. */
  readonly code?: ErrorCode
  readonly series?: string
  readonly sequence?: number
  /** Of the backup. */
  readonly id?: string
  /** Of the body that was written, or of the plaintext that was read. */
  readonly bytes?: number
  readonly milliseconds?: number
  /** How many were removed. */
  readonly removed?: number
  /** How many tables, or the whole of it, a drill found to differ; absent when none did. */
  readonly differences?: number
  /** Of a recovery key. */
  readonly fingerprint?: string
  /** Plaintext is about to leave, or has left. */
  readonly phase?: 'start' | 'end'
  /** `rehearsal`: everything was restored and taken away again. */
  readonly purpose?: 'rehearsal' | 'stream'
}

/** Keeps the records of backups, in the log of the Coffre that vouches for them. */
export interface BackupTrail {
  /** Resolves when the record is durable. */
  record(event: BackupEvent): Promise<void>
}
