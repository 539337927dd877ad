import type { ErrorCode } from './errors.ts'

/** docs/spec/backup.md has these as bytes. */

export const BACKUP_COMPRESSIONS = ['zstd', 'gzip', 'none'] as const
export type BackupCompression = (typeof BACKUP_COMPRESSIONS)[number]

export const BACKUP_SOURCES = ['postgres', 'postgres-globals', 'sqlite', 'files', 'stream', 'coffre'] as const
export type BackupSourceKind = (typeof BACKUP_SOURCES)[number]

/** Texts and numbers of the source: names, versions, sizes. */
export type BackupFacts = Readonly<Record<string, string | number>>

/** What is known before the first byte. */
export interface BackupHeader {
  /** UUID, version 7. */
  readonly id: string
  readonly series: string
  readonly source: BackupSourceKind
  readonly compression: BackupCompression
  /** ISO 8601 in UTC. */
  readonly createdAt: string
  readonly facts: BackupFacts
  readonly note?: string
}

/** What is known after the last one; only who can open the backup reads it. */
export interface BackupRecord {
  readonly plainBytes: number
  /** Hexadecimal. */
  readonly plainSha256: string
  /** After compression. */
  readonly storedBytes: number
  readonly counts: Readonly<Record<string, number>>
  /** Of a source that measured, unless they are too many for a manifest. */
  readonly tables?: readonly BackupTable[]
}

/** A table as its source counted it: a number over the content of its rows, whatever their order. */
export interface BackupTable {
  readonly name: string
  readonly rows: number
  readonly checksum: number
}

/** What opens a backup, without opening it. */
export type BackupSlotView =
  | { readonly slot: 'key'; readonly key: string; readonly version?: number }
  | { readonly slot: 'passphrase' }
  | { readonly slot: 'recovery'; readonly recipient: string }

/** What anybody who can read the target sees. */
export interface BackupSummary extends BackupHeader {
  readonly sequence: number
  readonly bodyBytes: number
  readonly slots: readonly BackupSlotView[]
  /** Who signed it, and whether that is somebody whom this Coffre trusts. */
  readonly signer: string
  readonly isTrusted: boolean
}

export interface BackupList {
  /** Oldest first. */
  readonly backups: readonly BackupSummary[]
  /** The catalogue names them, and their manifests are gone. */
  readonly missing: readonly { readonly sequence: number; readonly id: string }[]
}

/** A series of a target, as the list of all shows it. */
export interface BackupSeries {
  readonly series: string
  /** How many have a manifest. */
  readonly backups: number
  /** Absent where there is none that can be judged; `error` says why. */
  readonly newest?: BackupSummary
  readonly error?: ErrorCode
}

export interface BackupVerdict {
  readonly backup: BackupSummary
  readonly record: BackupRecord
}

/** How many backups of each kind of day `prune` leaves. The newest is always kept. */
export interface BackupRetention {
  readonly last?: number
  readonly daily?: number
  readonly weekly?: number
  readonly monthly?: number
}

/** How far long work with backups is. */
export interface BackupProgress {
  /** `bytes`: of the content while it is backed up, of the encrypted body while it is read. `backups`: whole ones. */
  readonly unit: 'bytes' | 'backups'
  readonly done: number
  /** Absent where nobody knows, as of a stream. */
  readonly of?: number
  /** `of` is an estimate: a dump is seldom as long as its database is large, and `done` may end below it or above. */
  readonly isAbout: boolean
}

/** Called ten times a second at most, and at the end; nobody waits for it, and what it throws stops nothing. */
export type OnBackupProgress = (progress: BackupProgress) => void

export interface BackupPruning {
  /** Sequences. */
  readonly kept: readonly number[]
  readonly removed: readonly number[]
  /** Retention of the target keeps them. */
  readonly locked: readonly number[]
  /** Names of bodies that no manifest names, older than a day: whoever wrote them was killed. */
  readonly orphans: readonly string[]
}

export const DRILL_OUTCOMES = ['passed', 'differs', 'failed'] as const
export type DrillOutcome = (typeof DRILL_OUTCOMES)[number]

/**
 * What a drill compared. `digest`: every byte with what the source gave. `counts` and `tables`: what stands in the database
 * with what the source counted. `source`: with the source as it is now. `audit-log`: of a Coffre, that its log is whole.
 * `unsealed`: of a Coffre, that it opens.
 */
export const DRILL_CHECKS = ['digest', 'counts', 'tables', 'source', 'audit-log', 'unsealed'] as const
export type DrillCheck = (typeof DRILL_CHECKS)[number]

/** The proof of one drill. */
export interface BackupDrill {
  /** UUID, version 7. */
  readonly id: string
  readonly series: string
  readonly sequence: number
  /** Id of the backup. */
  readonly backup: string
  readonly startedAt: string
  readonly milliseconds: number
  readonly outcome: DrillOutcome
  /** Of the error of one that failed. */
  readonly code?: string
  readonly checks: readonly DrillCheck[]
  /** What opened backups then, with the current version of each key of the Coffre. */
  readonly keys: readonly string[]
  /** Of the signed text of the manifest, SHA-256 in hexadecimal. */
  readonly manifest: string
}

/** One table that is not as it was expected to be; what is absent was not there. `*` is all of what has no tables. */
export interface TableDifference {
  readonly name: string
  readonly against: 'record' | 'source'
  readonly expected?: BackupTable
  readonly found?: BackupTable
}

/** What a drill saw, besides what it proves to others. */
export interface DrillReport {
  readonly drill: BackupDrill
  /** Of what was restored. */
  readonly counts: Readonly<Record<string, number>>
  readonly tables: readonly BackupTable[]
  readonly differences: readonly TableDifference[]
}

export const DRILL_REASONS = ['never', 'failed', 'keys-changed', 'rekeyed', 'old'] as const
/** Why a drill is due: there was none, the last one did not pass, other keys open backups since, or it is long ago. */
export type DrillReason = (typeof DRILL_REASONS)[number]

export interface DrillList {
  /** The newest first. */
  readonly drills: readonly BackupDrill[]
  /** Signed by nobody whom we trust, or no proof at all: they do not count. */
  readonly untrusted: number
  readonly due?: DrillReason
}
