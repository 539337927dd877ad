import { sql } from 'kysely'
import type { Instant } from '../../model/clock.ts'
import type {
  KeyId,
  LoginRoleName,
  PolicyName,
  TenantId,
  TokenId,
  UserId,
  VersionNumber,
} from '../../model/ids.ts'
import type { Key } from '../../model/key.ts'
import type { LoginRole } from '../../model/login-role.ts'
import type { SessionRevocationRow } from '../../model/session.ts'
import type { Policy } from '../../model/policy.ts'
import type { Token } from '../../model/token.ts'
import type { User } from '../../model/user.ts'
import { type RootGeneration, rootOf, type Wrapped } from '../../model/wrapped.ts'
import type {
  AuditHead,
  BackupRun,
  CheckpointCommit,
  JobClaim,
  SealSlot,
  StoredAuditRecord,
  StoredBackupDrill,
  StoredBackupSchedule,
  StoredRootLink,
  StoreTransaction,
  WrappedRow,
} from '../store.ts'
import { appendAudit } from './audit-records.ts'
import { forgetCheckpoints, insertAuditNodes, insertCheckpoint, pruneCheckpoints } from './audit-tree.ts'
import type { SqlEngine } from './engine.ts'
import { pruneBackupRuns, putBackupDrill, putBackupRun, putBackupSchedule } from './backup-runs.ts'
import { claimJob, finishJob, renewJob } from './jobs.ts'
import { markChange } from './changes.ts'
import type { Database } from './schema.ts'
import { deleteRootsBefore, insertRootLink } from './roots.ts'
import { deleteSealSlot, insertSealSlot } from './seal-slots.ts'
import { SqlReader } from './sql-reader.ts'
import { deleteLoginRole, insertLoginRole } from './login-roles.ts'
import { pruneSessionRevocations, putSessionRevocation } from './session-revocations.ts'
import { deletePolicy, insertPolicy, updatePolicy } from './policies.ts'
import {
  deleteTokensOf,
  insertToken,
  markTokenUsed,
  renewToken,
  revokeToken,
  takeTokenUse,
} from './tokens.ts'
import { clearApiKeys, deleteUser, insertUser, updateUser } from './users.ts'
import { storeWrappingCheck } from './wrapping-checks.ts'
import { replaceWrapped } from './wrapped-columns.ts'
import { insertKey, reserveUses, updateKey } from './write-keys.ts'

/** Reads and writes inside one database transaction. */
export class SqlTransaction extends SqlReader implements StoreTransaction {
  readonly #db: Database
  readonly #engine: SqlEngine
  #erased = 0
  #changes = 0

  constructor(db: Database, engine: SqlEngine) {
    super(db, { lock: engine.locksRows })
    this.#db = db
    this.#engine = engine
  }

  /** Whether material was erased, which the database's own log may still hold. */
  get hasErased(): boolean {
    return this.#erased > 0
  }

  /** Whether other processes have to know of it. */
  get hasChanged(): boolean {
    return this.#changes > 0
  }

  async insertKey(key: Key, wrapped: ReadonlyMap<VersionNumber, Wrapped>): Promise<void> {
    await insertKey(this.#db, key, wrapped)
    await this.#markChanged('key', key.id, key.epoch)
  }

  async updateKey(before: Key, after: Key, wrapped?: ReadonlyMap<VersionNumber, Wrapped>): Promise<void> {
    const change = await updateKey(this.#db, { before, after, materials: wrapped ?? new Map() })
    this.#erased += change.destroyedVersions
    await this.#markChanged('key', after.id, after.epoch)
  }

  reserveUses(id: KeyId, version: VersionNumber, count: number): Promise<number> {
    return reserveUses(this.#db, { id, version, count })
  }

  async insertToken(token: Token): Promise<void> {
    await insertToken(this.#db, token)
    await this.#markChanged('token', token.id)
  }

  async revokeToken(tenant: TenantId, id: TokenId, at: Instant): Promise<void> {
    await revokeToken(this.#db, { tenant, id, at })
    await this.#markChanged('token', id)
  }

  async renewToken(id: TokenId, expiresAt: Instant): Promise<void> {
    await renewToken(this.#db, id, expiresAt)
    await this.#markChanged('token', id)
  }

  takeTokenUse(id: TokenId): Promise<boolean> {
    return takeTokenUse(this.#db, id)
  }

  markTokenUsed(id: TokenId, at: Instant): Promise<void> {
    return markTokenUsed(this.#db, id, at)
  }

  insertLoginRole(role: LoginRole): Promise<void> {
    return insertLoginRole(this.#db, role)
  }

  deleteLoginRole(tenant: TenantId, name: LoginRoleName): Promise<void> {
    return deleteLoginRole(this.#db, tenant, name)
  }

  async putSessionRevocation(key: KeyId, row: SessionRevocationRow): Promise<void> {
    await putSessionRevocation(this.#db, key, row)
    await this.#markChanged('session', key)
  }

  pruneSessionRevocations(now: Instant): Promise<number> {
    return pruneSessionRevocations(this.#db, now)
  }

  insertUser(user: User): Promise<void> {
    return insertUser(this.#db, user)
  }

  async updateUser(before: User, after: User): Promise<void> {
    const isLess = before.apiKey !== undefined && before.apiKey.encrypted !== after.apiKey?.encrypted
    if (isLess) this.#erased += 1
    await updateUser(this.#db, before, after)
  }

  async deleteUser(id: UserId): Promise<void> {
    await this.deleteTokensOf(id)
    await deleteUser(this.#db, id)
    this.#erased += 1
  }

  async deleteTokensOf(user: UserId): Promise<number> {
    const deleted = await deleteTokensOf(this.#db, user)
    // One for all of them: whoever does not know this kind forgets every token.
    if (deleted > 0) await this.#markChanged('user', user)
    return deleted
  }

  async clearApiKeys(at: Instant): Promise<number> {
    this.#erased += 1
    return clearApiKeys(this.#db, at)
  }

  storeWrappingCheck(check: Parameters<StoreTransaction['storeWrappingCheck']>[0]): Promise<void> {
    return storeWrappingCheck(this.#db, check)
  }

  async insertPolicy(policy: Policy): Promise<void> {
    await insertPolicy(this.#db, policy)
    await this.#markChanged('policy', `${policy.tenant}/${policy.name}`)
  }

  async updatePolicy(before: Policy, after: Policy): Promise<void> {
    await updatePolicy(this.#db, before, after)
    await this.#markChanged('policy', `${after.tenant}/${after.name}`)
  }

  async deletePolicy(tenant: TenantId, name: PolicyName): Promise<void> {
    await deletePolicy(this.#db, tenant, name)
    await this.#markChanged('policy', `${tenant}/${name}`)
  }

  insertSealSlot(slot: SealSlot): Promise<void> {
    return insertSealSlot(this.#db, slot)
  }

  async deleteSealSlot(id: string): Promise<boolean> {
    this.#erased += 1
    return deleteSealSlot(this.#db, id)
  }

  async insertRootLink(link: StoredRootLink): Promise<void> {
    await insertRootLink(this.#db, link)
    await this.#markChanged('root', `${link.from}-${link.to}`)
  }

  async deleteRootsBefore(root: RootGeneration): Promise<void> {
    this.#erased += 1
    await deleteRootsBefore(this.#db, root)
    await this.#markChanged('root', `${root}`)
  }

  replaceWrapped(row: WrappedRow, wrapped: Wrapped): Promise<boolean> {
    return replaceWrapped(this.#db, { row, wrapped, to: rootOf(wrapped) })
  }

  claimJob(claim: JobClaim): Promise<boolean> {
    return claimJob(this.#db, this.#engine, claim)
  }

  finishJob(done: Parameters<StoreTransaction['finishJob']>[0]): Promise<void> {
    return finishJob(this.#db, this.#engine, done)
  }

  renewJob(claim: JobClaim): Promise<boolean> {
    return renewJob(this.#db, this.#engine, claim)
  }

  putBackupSchedule(schedule: StoredBackupSchedule): Promise<void> {
    return putBackupSchedule(this.#db, schedule)
  }

  putBackupDrill(drill: StoredBackupDrill): Promise<void> {
    return putBackupDrill(this.#db, drill)
  }

  putBackupRun(run: BackupRun): Promise<void> {
    return putBackupRun(this.#db, run)
  }

  pruneBackupRuns(series: string, keep: number): Promise<void> {
    return pruneBackupRuns(this.#db, series, keep)
  }

  /** There and back: an update that leaves a row as it is would write no page. */
  async probe(): Promise<void> {
    const first = this.#db.updateTable('migration').where('number', '=', 1)
    await first.set({ name: sql`name || '.'` }).execute()
    await first.set({ name: sql`substr(name, 1, length(name) - 1)` }).execute()
  }

  appendAudit(records: readonly StoredAuditRecord[], head: AuditHead): Promise<void> {
    return appendAudit(this.#db, records, head)
  }

  async storeCheckpoint({ checkpoint, nodes, keep, afresh }: CheckpointCommit): Promise<void> {
    if (afresh) await forgetCheckpoints(this.#db)
    await insertAuditNodes(this.#db, nodes)
    await insertCheckpoint(this.#db, checkpoint)
    await pruneCheckpoints(this.#db, keep)
  }

  /** For whatever other processes may hold in memory: they drop it (docs/design/store.md, "Changes"). */
  async #markChanged(kind: string, id: string, epoch = 0): Promise<void> {
    await markChange(this.#db, { kind, id, epoch }, this.#engine.announcement)
    this.#changes += 1
  }
}
