import type { Instant } from '../../model/clock.ts'
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
} from '../../model/ids.ts'
import type { Key } from '../../model/key.ts'
import type { LoginRole } from '../../model/login-role.ts'
import type { SessionRevocationRow } from '../../model/session.ts'
import type { Policy } from '../../model/policy.ts'
import type { Token } from '../../model/token.ts'
import type { User } from '../../model/user.ts'
import type { RootGeneration, Wrapped } from '../../model/wrapped.ts'
import type {
  AuditHead,
  AuditNodeQuery,
  BackupRun,
  BackupRunsQuery,
  ListKeysQuery,
  ListUsersQuery,
  ReadStore,
  SealSlot,
  StoredAuditNode,
  StoredAuditRecord,
  StoredBackupDrill,
  StoredBackupSchedule,
  StoredCheckpoint,
  StoredRootLink,
  TenantRecordsQuery,
  WrappedRow,
} from '../store.ts'
import type { Change } from '../changes.ts'
import {
  countAuditNodes,
  findCheckpoint,
  readAuditLeaves,
  readAuditNodes,
  readCheckpoints,
} from './audit-tree.ts'
import {
  findBackupDrill,
  findBackupRun,
  findBackupSchedule,
  listBackupRuns,
  listOpenBackupRuns,
} from './backup-runs.ts'
import { listChanges, readChangeCount } from './changes.ts'
import { readAuditHead, readAuditRecords, readAuditRecordsOf } from './audit-records.ts'
import { findKey, findKeyById, listKeys, listKeysToDestroy, type Reading, readWrapped } from './read-keys.ts'
import type { Database } from './schema.ts'
import { listRootLinks } from './roots.ts'
import { listSealSlots } from './seal-slots.ts'
import { findLoginRole, listLoginRoles } from './login-roles.ts'
import { listSessionRevocations } from './session-revocations.ts'
import { findPolicy, listPolicies } from './policies.ts'
import { findToken, listTokens, listTokensMadeBy } from './tokens.ts'
import { findUser, findUserByClient, listUsers } from './users.ts'
import { findWrappingCheck } from './wrapping-checks.ts'
import { countWrapped, listWrapped } from './wrapped-columns.ts'

/** The reading half of the contract on one connection. Each method is one statement, so it sees one moment. */
export class SqlReader implements ReadStore {
  readonly #db: Database
  readonly #reading: Reading

  constructor(db: Database, reading: Reading = { lock: false }) {
    this.#db = db
    this.#reading = reading
  }

  findKey(tenant: TenantId, name: KeyName, known?: Key): Promise<Key | undefined> {
    return findKey(this.#db, { tenant, name, known }, this.#reading)
  }

  findKeyById(id: KeyId): Promise<Key | undefined> {
    return findKeyById(this.#db, id, this.#reading)
  }

  listKeys(query: ListKeysQuery): Promise<readonly Key[]> {
    return listKeys(this.#db, query)
  }

  readWrapped(id: KeyId, from?: VersionNumber): Promise<ReadonlyMap<VersionNumber, Wrapped>> {
    return readWrapped(this.#db, id, from)
  }

  listKeysToDestroy(now: Instant): Promise<readonly Key[]> {
    return listKeysToDestroy(this.#db, now)
  }

  findToken(id: TokenId): Promise<Token | undefined> {
    return findToken(this.#db, id)
  }

  listTokens(tenant: TenantId): Promise<readonly Token[]> {
    return listTokens(this.#db, tenant)
  }

  listTokensMadeBy(parent: TokenId): Promise<readonly Token[]> {
    return listTokensMadeBy(this.#db, parent)
  }

  findPolicy(tenant: TenantId, name: PolicyName): Promise<Policy | undefined> {
    return findPolicy(this.#db, tenant, name)
  }

  listPolicies(tenant: TenantId): Promise<readonly Policy[]> {
    return listPolicies(this.#db, tenant)
  }

  findLoginRole(tenant: TenantId, name: LoginRoleName): Promise<LoginRole | undefined> {
    return findLoginRole(this.#db, tenant, name)
  }

  listLoginRoles(tenant: TenantId): Promise<readonly LoginRole[]> {
    return listLoginRoles(this.#db, tenant)
  }

  listSessionRevocations(key: KeyId): Promise<readonly SessionRevocationRow[]> {
    return listSessionRevocations(this.#db, key)
  }

  findUser(id: UserId): Promise<User | undefined> {
    return findUser(this.#db, id)
  }

  findUserByClient(tenant: TenantId, clientId: ClientId): Promise<User | undefined> {
    return findUserByClient(this.#db, tenant, clientId)
  }

  listUsers(query: ListUsersQuery): Promise<readonly User[]> {
    return listUsers(this.#db, query)
  }

  findWrappingCheck(name: string): Promise<string | undefined> {
    return findWrappingCheck(this.#db, name)
  }

  listSealSlots(): Promise<readonly SealSlot[]> {
    return listSealSlots(this.#db)
  }

  listRootLinks(): Promise<readonly StoredRootLink[]> {
    return listRootLinks(this.#db)
  }

  listWrapped(root: RootGeneration, limit: number): Promise<readonly WrappedRow[]> {
    return listWrapped(this.#db, { root, limit })
  }

  countWrapped(root: RootGeneration): Promise<number> {
    return countWrapped(this.#db, root)
  }

  readChangeCount(): Promise<number> {
    return readChangeCount(this.#db)
  }

  listChanges(after: number, limit: number): Promise<readonly Change[]> {
    return listChanges(this.#db, after, limit)
  }

  readAuditHead(): Promise<AuditHead> {
    return readAuditHead(this.#db)
  }

  readAuditRecords(from: number, limit: number): Promise<readonly StoredAuditRecord[]> {
    return readAuditRecords(this.#db, from, limit)
  }

  readAuditRecordsOf(tenant: TenantId, query: TenantRecordsQuery): Promise<readonly StoredAuditRecord[]> {
    return readAuditRecordsOf(this.#db, tenant, query)
  }

  readAuditNodes(query: AuditNodeQuery): Promise<readonly StoredAuditNode[]> {
    const { level, from, limit } = query
    return level === 0 ? readAuditLeaves(this.#db, from, limit) : readAuditNodes(this.#db, query)
  }

  countAuditNodes(): Promise<number> {
    return countAuditNodes(this.#db)
  }

  readCheckpoints(limit: number): Promise<readonly StoredCheckpoint[]> {
    return readCheckpoints(this.#db, limit)
  }

  findCheckpoint(size: number): Promise<StoredCheckpoint | undefined> {
    return findCheckpoint(this.#db, size)
  }

  findBackupSchedule(series: string): Promise<StoredBackupSchedule | undefined> {
    return findBackupSchedule(this.#db, series)
  }

  findBackupDrill(series: string): Promise<StoredBackupDrill | undefined> {
    return findBackupDrill(this.#db, series)
  }

  findBackupRun(id: string): Promise<BackupRun | undefined> {
    return findBackupRun(this.#db, id)
  }

  listBackupRuns(query: BackupRunsQuery): Promise<readonly BackupRun[]> {
    return listBackupRuns(this.#db, query)
  }

  listOpenBackupRuns(): Promise<readonly BackupRun[]> {
    return listOpenBackupRuns(this.#db)
  }
}
