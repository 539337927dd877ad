import type { Kysely } from 'kysely'

/**
 * The tables as Kysely sees them, the same in every SQL store. Ids are text, moments and counts are whole
 * numbers below 2^53, bytes are the database's own byte column. migration/migrations.ts creates them.
 */
export interface Schema {
  readonly key: KeyTable
  readonly key_version: KeyVersionTable
  readonly token: TokenTable
  readonly policy: PolicyTable
  readonly users: UserTable
  readonly wrapping_check: WrappingCheckTable
  readonly login_role: LoginRoleTable
  readonly session_revocation: SessionRevocationTable
  readonly seal_slot: SealSlotTable
  readonly root_link: RootLinkTable
  readonly audit_record: AuditRecordTable
  readonly audit_head: AuditHeadTable
  readonly audit_node: AuditNodeTable
  readonly audit_checkpoint: AuditCheckpointTable
  readonly migration: MigrationTable
  readonly migration_support: MigrationSupportTable
  readonly change_head: ChangeHeadTable
  readonly change_log: ChangeLogTable
  readonly job: JobTable
  readonly backup_schedule: BackupScheduleTable
  readonly backup_run: BackupRunTable
  readonly backup_drill: BackupDrillTable
  readonly store_move: StoreMoveTable
}

/** A connection, or a transaction on one. */
export type Database = Kysely<Schema>

export interface KeyTable {
  id: string
  tenant: string
  name: string
  algorithm: string
  purpose: string
  description: string
  owner: string
  environment: string
  security_level: string
  /** A JSON object of strings. */
  tags: string
  created_at: number
  updated_at: number
  epoch: number
  floor: number
  destroy_at: number | null
  /** 0 or 1. */
  exportable: number
}

/** One row per generation of material. A partial unique index admits one active row per key. */
export interface KeyVersionTable {
  key_id: string
  version: number
  state: string
  since: number
  /** Set exactly while suspended. */
  resumes_to: string | null
  created_at: number
  public_key: string | null
  /** NULL exactly when destroyed. */
  wrapped: Uint8Array | null
  uses: number
  /** The root key that `wrapped` is under. */
  root: number
  origin: string
}

export interface TokenTable {
  id: string
  tenant: string
  name: string
  role: string
  hash: string
  created_at: number
  expires_at: number | null
  revoked_at: number | null
  description: string
  /** JSON arrays of texts. */
  policies: string
  cidrs: string
  parent: string | null
  /** Both set exactly when it may renew itself. */
  ttl_seconds: number | null
  renew_until: number | null
  /** Both set exactly when its uses are counted. */
  max_uses: number | null
  uses_left: number | null
  last_used_at: number | null
  /** Set exactly for the role `user`. */
  user_id: string | null
}

export interface SessionRevocationTable {
  key_id: string
  kind: string
  /** An id, a user, or empty for all. */
  subject: string
  before_at: number
  until_at: number
}

export interface UserTable {
  id: string
  tenant: string
  client_id: string
  /** Lower-case hex SHA-256 of a text with at least 128 random bits, or a PHC string. */
  client_secret_hash: string
  created_at: number
  updated_at: number
  epoch: number
  /** The five of a provider's key are set together; `api_key_last_four` only where the key is long. */
  api_key_encrypted: string | null
  api_key_provider: string | null
  api_key_created_at: number | null
  api_key_last_four: string | null
  api_key_fingerprint: string | null
  /** The data key of the user's cache as a ciphertext, and under a key from the client secret. */
  cache_key: string | null
  cache_key_secret: string | null
  /** A JSON object: work on the cache that goes on after a crash. */
  cache_state: string | null
}

/** By which a key that came from outside is known again. */
export interface WrappingCheckTable {
  name: string
  value: string
  created_at: number
}

export interface LoginRoleTable {
  tenant: string
  name: string
  /** JSON, as service/login/login-role-document.ts reads it. */
  document: string
  created_at: number
}

export interface PolicyTable {
  tenant: string
  name: string
  /** JSON, as service/policy/policy-document.ts reads it. */
  document: string
  epoch: number
  created_at: number
  updated_at: number
}

interface SealSlotTable {
  id: string
  provider: string
  wrapped: Uint8Array
  created_at: number
  root: number
}

interface RootLinkTable {
  from_root: number
  to_root: number
  wrapped: Uint8Array
  created_at: number
}

export interface AuditRecordTable {
  idx: number
  body: string
  leaf_hash: Uint8Array
  /** NULL: of the default tenant. */
  tenant: string | null
}

/** No row before the first record, one row with `id` 1 after it. */
interface AuditHeadTable {
  id: number
  size: number
  root_hash: Uint8Array
  frontier: Uint8Array
}

/** Roots of perfect subtrees of 2^level records, for levels 8, 16, 24 …; the leaves are in `audit_record`. */
interface AuditNodeTable {
  level: number
  idx: number
  hash: Uint8Array
}

interface AuditCheckpointTable {
  size: number
  /** A signed note (docs/spec/audit-checkpoint.md). */
  note: string
}

interface MigrationTable {
  number: number
  name: string
  checksum: number
  applied_at: number
}

/** The oldest schema whose Coffre may go on with a store that has this migration. */
interface MigrationSupportTable {
  number: number
  runs_from: number
}

/** One row with `id` 1. */
interface ChangeHeadTable {
  id: number
  seq: number
}

interface ChangeLogTable {
  seq: number
  kind: string
  id: string
  /** Of a key after its change; 0 for what has none. */
  epoch: number
}

interface JobTable {
  name: string
  due_at: number
  leased_until: number
  holder: string | null
}

export interface BackupScheduleTable {
  series: string
  /** Five fields and the time zone. */
  cron: string
  /** Moments up to this one have become runs. */
  seen_until: number
  failures: number
  misses: number
}

export interface BackupDrillTable {
  series: string
  at: number
  /** Of the backup. */
  sequence: number
  /** NULL where it passed. */
  code: string | null
  passed_at: number | null
}

export interface BackupRunTable {
  id: string
  series: string
  work: string
  state: string
  /** The moment of the schedule; NULL where somebody asked. */
  slot: number | null
  asked_by: string
  asked_at: number
  started_at: number | null
  /** NULL exactly while it waits or runs. */
  ended_at: number | null
  /** The process that does it, or did. */
  holder: string | null
  bytes: number
  sequence: number | null
  code: string | null
}

/** At most one row, with `id` 1. */
interface StoreMoveTable {
  id: number
  role: string
  state: string
  /** The same text in source and target. */
  move: string
  /** Host and database of the other side. */
  peer: string
}
