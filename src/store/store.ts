import type { BackupRunState, BackupWork } from '../model/backup-schedule.ts'
import type { Instant } from '../model/clock.ts'
import type { ErrorCode } from '../model/errors.ts'
import type {
  ClientId,
  KeyId,
  KeyName,
  LoginRoleName,
  PolicyName,
  TenantId,
  TokenId,
  UserId,
  VersionNumber,
} from '../model/ids.ts'
import type { Key } from '../model/key.ts'
import type { LoginRole } from '../model/login-role.ts'
import type { SessionRevocationRow } from '../model/session.ts'
import type { Policy } from '../model/policy.ts'
import type { Token } from '../model/token.ts'
import type { User } from '../model/user.ts'
import type { RootGeneration, WrapBinding, Wrapped } from '../model/wrapped.ts'
import type { ReadChanges } from './changes.ts'

/**
 * What a store keeps and promises. It holds wrapped bytes and hashes only and cannot decrypt anything.
 * Every implementation passes test/conformance/store.
 *
 * All methods may be called concurrently. Failures of the medium throw STORE_UNAVAILABLE, and then nothing
 * of the transaction was written; a damaged file throws STORE_DAMAGED.
 */
export interface Store extends ReadStore {
  /**
   * Runs `work` and commits what it wrote, or nothing when it throws. When this resolves the change is
   * durable: it survives kill -9 and power loss. Transactions exclude each other: `work` sees every
   * earlier commit and no later one. It must not await anything but `tx`.
   *
   * `work` may run more than once, when the database asked an attempt to give way to another; nothing of that
   * attempt was written. It therefore decides everything from `tx` and changes nothing outside that a second run
   * would not set right.
   */
  transaction<Result>(work: (tx: StoreTransaction) => Promise<Result>): Promise<Result>
  /**
   * Calls `listener` soon after a commit that changed something, also one of another process. It may be called
   * for nothing, and a call may be lost: who must not miss a change also asks from time to time. Answers how to
   * stop it.
   */
  watchChanges(listener: () => void): () => void
  /** May be called twice. Waits for a running transaction. */
  close(): Promise<void>
}

export interface ReadStore extends ReadChanges {
  /** `known`: an earlier state of this key, which saves reading again the versions that rotations left alone. */
  findKey(tenant: TenantId, name: KeyName, known?: Key): Promise<Key | undefined>
  findKeyById(id: KeyId): Promise<Key | undefined>
  /** Ordered by name; `after` is exclusive. */
  listKeys(query: ListKeysQuery): Promise<readonly Key[]>
  /** Wrapped material of every version, from `from` on where it is given, that still has any. */
  readWrapped(id: KeyId, from?: VersionNumber): Promise<ReadonlyMap<VersionNumber, Wrapped>>
  /** Keys of all tenants whose `destroyAt` is not later than `now` and that still have material. */
  listKeysToDestroy(now: Instant): Promise<readonly Key[]>
  findToken(id: TokenId): Promise<Token | undefined>
  /** Ordered by creation. */
  listTokens(tenant: TenantId): Promise<readonly Token[]>
  /** Of every tenant. */
  listTokensMadeBy(parent: TokenId): Promise<readonly Token[]>
  findPolicy(tenant: TenantId, name: PolicyName): Promise<Policy | undefined>
  /** Ordered by name. */
  listPolicies(tenant: TenantId): Promise<readonly Policy[]>
  findLoginRole(tenant: TenantId, name: LoginRoleName): Promise<LoginRole | undefined>
  /** Ordered by name. */
  listLoginRoles(tenant: TenantId): Promise<readonly LoginRole[]>
  /** Also those that are over and not pruned yet. */
  listSessionRevocations(key: KeyId): Promise<readonly SessionRevocationRow[]>
  findUser(id: UserId): Promise<User | undefined>
  findUserByClient(tenant: TenantId, clientId: ClientId): Promise<User | undefined>
  /** Ordered by id; `after` is exclusive. */
  listUsers(query: ListUsersQuery): Promise<readonly User[]>
  findWrappingCheck(name: string): Promise<string | undefined>
  /** Those of the newest root key first. */
  listSealSlots(): Promise<readonly SealSlot[]>
  /** Between root keys, while a rotation lasts. */
  listRootLinks(): Promise<readonly StoredRootLink[]>
  /** At most `limit` of what is under this root key, in whatever table. */
  listWrapped(root: RootGeneration, limit: number): Promise<readonly WrappedRow[]>
  countWrapped(root: RootGeneration): Promise<number>
  readAuditHead(): Promise<AuditHead>
  /** Records `from`, `from + 1` … in order, at most `limit`. */
  readAuditRecords(from: number, limit: number): Promise<readonly StoredAuditRecord[]>
  /** Those of one tenant: from an index on, or the newest; at most `limit`, in order either way. */
  readAuditRecordsOf(tenant: TenantId, query: TenantRecordsQuery): Promise<readonly StoredAuditRecord[]>
  /** Stored hashes of one level `from`, `from + 1` … in order, at most `limit`; level 0 are the leaves. */
  readAuditNodes(query: AuditNodeQuery): Promise<readonly StoredAuditNode[]>
  /** Those of level 1 and above. */
  countAuditNodes(): Promise<number>
  /** Largest first. */
  readCheckpoints(limit: number): Promise<readonly StoredCheckpoint[]>
  findCheckpoint(size: number): Promise<StoredCheckpoint | undefined>
  findBackupSchedule(series: string): Promise<StoredBackupSchedule | undefined>
  findBackupDrill(series: string): Promise<StoredBackupDrill | undefined>
  findBackupRun(id: string): Promise<BackupRun | undefined>
  /** Newest first. */
  listBackupRuns(query: BackupRunsQuery): Promise<readonly BackupRun[]>
  /** Those of all series that have not ended, oldest first. */
  listOpenBackupRuns(): Promise<readonly BackupRun[]>
}

export interface StoreTransaction extends ReadStore {
  /**
   * Throws KEY_EXISTS when the tenant has a key of that name, destroyed ones included. Material under an older
   * root key than the newest is CONFLICT with `part: 'root'`, here and in `updateKey`.
   */
  insertKey(key: Key, wrapped: ReadonlyMap<VersionNumber, Wrapped>): Promise<void>
  /**
   * Writes what differs between `before` and `after`. Throws CONFLICT when the stored epoch is not
   * `before.epoch`. A new version needs its material in `wrapped`, and comes alone: beside it only the active
   * version steps down, which is what `known` of `findKey` rests on. A version that is destroyed in `after` loses
   * its material for good.
   */
  updateKey(before: Key, after: Key, wrapped?: ReadonlyMap<VersionNumber, Wrapped>): Promise<void>
  /** Adds `count` to the uses of a version and answers the new total. It does not change the epoch. */
  reserveUses(id: KeyId, version: VersionNumber, count: number): Promise<number>
  insertToken(token: Token): Promise<void>
  /** Throws TOKEN_NOT_FOUND. Revoking twice keeps the first moment. */
  revokeToken(tenant: TenantId, id: TokenId, at: Instant): Promise<void>
  /** Throws TOKEN_NOT_FOUND for one that is revoked as well. */
  renewToken(id: TokenId, expiresAt: Instant): Promise<void>
  /** Takes one use of a token whose uses are counted; false when none is left. */
  takeTokenUse(id: TokenId): Promise<boolean>
  markTokenUsed(id: TokenId, at: Instant): Promise<void>
  /** Throws POLICY_EXISTS. */
  insertPolicy(policy: Policy): Promise<void>
  /** Throws CONFLICT when the stored epoch is not `before.epoch`. */
  updatePolicy(before: Policy, after: Policy): Promise<void>
  /** Throws POLICY_NOT_FOUND. */
  deletePolicy(tenant: TenantId, name: PolicyName): Promise<void>
  /** Throws LOGIN_ROLE_EXISTS. */
  insertLoginRole(role: LoginRole): Promise<void>
  /** Throws LOGIN_ROLE_NOT_FOUND. */
  deleteLoginRole(tenant: TenantId, name: LoginRoleName): Promise<void>
  /** One of the same kind and subject keeps the later of both moments. */
  putSessionRevocation(key: KeyId, row: SessionRevocationRow): Promise<void>
  /** Those whose `until` is not later than `now`; answers how many there were. */
  pruneSessionRevocations(now: Instant): Promise<number>
  /** Throws USER_EXISTS when the tenant has a user of that client id. */
  insertUser(user: User): Promise<void>
  /** Throws CONFLICT when the stored epoch is not `before.epoch`. */
  updateUser(before: User, after: User): Promise<void>
  /** With every token of the user. Throws USER_NOT_FOUND. What was in the row is erased. */
  deleteUser(id: UserId): Promise<void>
  /** Answers how many there were. */
  deleteTokensOf(user: UserId): Promise<number>
  /** The provider's keys of all users of all tenants; answers how many there were. They are erased. */
  clearApiKeys(at: Instant): Promise<number>
  storeWrappingCheck(check: {
    readonly name: string
    readonly value: string
    readonly at: Instant
  }): Promise<void>
  insertSealSlot(slot: SealSlot): Promise<void>
  /** Answers whether it was there. */
  deleteSealSlot(id: string): Promise<boolean>
  insertRootLink(link: StoredRootLink): Promise<void>
  /** Slots of older root keys, and links from or to them. */
  deleteRootsBefore(root: RootGeneration): Promise<void>
  /** Answers false, and changes nothing, when the row is not as `row` says any more. */
  replaceWrapped(row: WrappedRow, wrapped: Wrapped): Promise<boolean>
  /**
   * Takes a job for `leaseMs` of the database's time, when it is due and nobody has it. Of all processes exactly one
   * gets true. One that dies with it gives it up when the lease ends.
   */
  claimJob(claim: JobClaim): Promise<boolean>
  /** Gives it back, due again after `againInMs`; nothing when the lease has ended and another holds it. */
  finishJob(done: {
    readonly name: string
    readonly holder: string
    readonly againInMs: number
  }): Promise<void>
  /** Keeps it for `leaseMs` from now; false when another has taken it since the lease ended. */
  renewJob(claim: JobClaim): Promise<boolean>
  putBackupSchedule(schedule: StoredBackupSchedule): Promise<void>
  /** In place of what was known of this series. */
  putBackupDrill(drill: StoredBackupDrill): Promise<void>
  /** A new one, or another state of one that is there. */
  putBackupRun(run: BackupRun): Promise<void>
  /** Of those that have ended: all but the newest `keep` and the last success go. */
  pruneBackupRuns(series: string, keep: number): Promise<void>
  /** Writes, and changes nothing: when the transaction resolves, the medium takes writes. */
  probe(): Promise<void>
  /** `records` continue at the stored head's size; `head` replaces it. */
  appendAudit(records: readonly StoredAuditRecord[], head: AuditHead): Promise<void>
  /** Storing the same again changes nothing; a checkpoint of a size that is there takes its place. */
  storeCheckpoint(commit: CheckpointCommit): Promise<void>
}

export interface JobClaim {
  readonly name: string
  /** Unique to the process. */
  readonly holder: string
  readonly leaseMs: number
}

/** How far the moments of a declared backup have become runs. */
export interface StoredBackupSchedule {
  readonly series: string
  /** Five fields and the time zone. */
  readonly cron: string
  readonly seenUntil: Instant
  readonly failures: number
  readonly misses: number
}

/** The newest drill of a series that a run has made or found. */
export interface StoredBackupDrill {
  readonly series: string
  readonly at: Instant
  /** Of the backup. */
  readonly sequence: number
  /** Why it did not pass. */
  readonly code?: ErrorCode
  /** When the newest began that did, however many came after it. */
  readonly passedAt?: Instant
}

/** One run of a declared backup (docs/design/backup-schedule.md). */
export interface BackupRun {
  readonly id: string
  readonly series: string
  readonly work: BackupWork
  readonly state: BackupRunState
  /** The moment of the schedule; absent where somebody asked. */
  readonly slot?: Instant
  readonly askedBy: string
  readonly askedAt: Instant
  readonly startedAt?: Instant
  /** Absent exactly while it waits or runs. */
  readonly endedAt?: Instant
  /** The process that does it, or did. */
  readonly holder?: string
  readonly bytes: number
  readonly sequence?: number
  readonly code?: ErrorCode
}

export interface BackupRunsQuery {
  readonly series: string
  readonly work?: BackupWork
  readonly state?: BackupRunState
  readonly limit: number
}

export interface ListKeysQuery {
  readonly tenant: TenantId
  readonly after?: KeyName
  readonly limit: number
}

export interface ListUsersQuery {
  /** Absent: of every tenant, for work over all. */
  readonly tenant?: TenantId
  readonly after?: UserId
  readonly limit: number
  /** True: only users with a provider's key. */
  readonly withApiKey?: boolean
}

/** The root key under one seal provider. */
export interface SealSlot {
  readonly id: string
  readonly provider: string
  readonly wrapped: Wrapped
  readonly createdAt: Instant
  /** Which root key it holds. */
  readonly root: RootGeneration
}

/** One root key under another (docs/spec/wrapped-key.md). */
export interface StoredRootLink {
  readonly from: RootGeneration
  readonly to: RootGeneration
  readonly wrapped: Wrapped
  readonly createdAt: Instant
}

/** Something under a root key, with what it is bound to. */
export interface WrappedRow {
  readonly table: string
  readonly root: RootGeneration
  readonly wrapped: Wrapped
  readonly binding: WrapBinding
}

/** One audit record: RFC 6962 leaf hash over the exact bytes of `body` (docs/spec/audit-log.md). */
export interface StoredAuditRecord {
  /** 0, 1, 2 … without gaps. */
  readonly index: number
  readonly body: string
  readonly leafHash: Uint8Array
  /** Whose it is, as `body` says too; absent: the default tenant's. It is no part of what is hashed. */
  readonly tenant?: TenantId
}

export interface TenantRecordsQuery {
  /** Absent: the newest. */
  readonly from?: number
  readonly limit: number
}

/** The Merkle tree after `size` records. An empty log has size 0 and an empty frontier. */
export interface AuditHead {
  readonly size: number
  /** RFC 6962 root hash, 32 bytes. */
  readonly rootHash: Uint8Array
  /** Roots of the perfect subtrees from left to right, 32 bytes each. */
  readonly frontier: Uint8Array
}

/** The root of the perfect subtree over records `index * 2^level` … (docs/spec/audit-checkpoint.md, "Stored hashes"). */
export interface StoredAuditNode {
  readonly level: number
  readonly index: number
  readonly hash: Uint8Array
}

export interface AuditNodeQuery {
  readonly level: number
  readonly from: number
  readonly limit: number
}

/** A signed note over the first `size` records. */
export interface StoredCheckpoint {
  readonly size: number
  readonly note: string
}

export interface CheckpointCommit {
  readonly checkpoint: StoredCheckpoint
  /** Subtrees that this checkpoint covers and the one before did not. */
  readonly nodes: readonly StoredAuditNode[]
  /** So many of the largest checkpoints stay. */
  readonly keep: number
  /** Everything stored by earlier checkpoints goes: they are of a log that was given up. */
  readonly afresh: boolean
}

/** Of a database server, its settings as it writes them. */
export interface ServerFacts {
  readonly major: number
  readonly oldestMajor: number
  readonly encoding: string
  readonly fsync: string
  readonly fullPageWrites: string
  readonly dataChecksums: string
  readonly synchronousCommit: string
  /** The server's clock less this machine's, after what the way there and back may have taken. */
  readonly aheadMilliseconds: number
}

/** Which schema a store has, and which this Coffre makes. */
export interface SchemaFacts {
  /** Absent where there is none yet. */
  readonly schema?: number
  readonly newest: number
}
