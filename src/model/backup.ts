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

export interface BackupPruning {
  /** Sequences. */
  readonly kept: readonly number[]
  readonly removed: readonly number[]
  /** Retention of the target keeps them. */
  readonly locked: readonly number[]
  /** Names of bodies that no manifest names, older than a day: whoever wrote them was killed. */
  readonly orphans: readonly string[]
}
