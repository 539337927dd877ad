import { type Instant, toInstant } from '../../model/clock.ts'
import { CoffreError } from '../../model/errors.ts'
import {
  type ClientId,
  parseClientId,
  parseTenantId,
  parseUserId,
  type TenantId,
  type UserId,
} from '../../model/ids.ts'
import type { StoredApiKey, User } from '../../model/user.ts'
import type { ListUsersQuery } from '../store.ts'
import type { Database, UserTable } from './schema.ts'
import { parseStored, toCount } from './stored-row.ts'

export async function findUser(db: Database, id: UserId): Promise<User | undefined> {
  const row = await db.selectFrom('users').selectAll().where('id', '=', id).executeTakeFirst()
  return row === undefined ? undefined : parseUser(row)
}

export async function findUserByClient(
  db: Database,
  tenant: TenantId,
  clientId: ClientId,
): Promise<User | undefined> {
  const row = await db
    .selectFrom('users')
    .selectAll()
    .where('tenant', '=', tenant)
    .where('client_id', '=', clientId)
    .executeTakeFirst()
  return row === undefined ? undefined : parseUser(row)
}

export async function listUsers(db: Database, query: ListUsersQuery): Promise<readonly User[]> {
  let rows = db.selectFrom('users').selectAll().orderBy('id').limit(query.limit)
  if (query.tenant !== undefined) rows = rows.where('tenant', '=', query.tenant)
  if (query.after !== undefined) rows = rows.where('id', '>', query.after)
  if (query.withApiKey === true) rows = rows.where('api_key_encrypted', 'is not', null)
  return (await rows.execute()).map(parseUser)
}

export async function insertUser(db: Database, user: User): Promise<void> {
  const inserted = await db
    .insertInto('users')
    .values(toUserRow(user))
    .onConflict((conflict) => conflict.columns(['tenant', 'client_id']).doNothing())
    .executeTakeFirst()
  if (inserted.numInsertedOrUpdatedRows !== 1n) throw new CoffreError('USER_EXISTS')
}

export async function updateUser(db: Database, before: User, after: User): Promise<void> {
  const { id: _id, tenant: _tenant, created_at: _createdAt, ...row } = toUserRow(after)
  const updated = await db
    .updateTable('users')
    .set(row)
    .where('id', '=', before.id)
    .where('epoch', '=', before.epoch)
    .executeTakeFirst()
  if (updated.numUpdatedRows !== 1n) throw new CoffreError('CONFLICT')
}

export async function deleteUser(db: Database, id: UserId): Promise<void> {
  const deleted = await db.deleteFrom('users').where('id', '=', id).executeTakeFirst()
  if (deleted.numDeletedRows !== 1n) throw new CoffreError('USER_NOT_FOUND')
}

const NO_API_KEY = {
  api_key_encrypted: null,
  api_key_provider: null,
  api_key_created_at: null,
  api_key_last_four: null,
  api_key_fingerprint: null,
}

/** Answers of how many users. */
export async function clearApiKeys(db: Database, at: Instant): Promise<number> {
  const updated = await db
    .updateTable('users')
    .set((eb) => ({ ...NO_API_KEY, updated_at: at, epoch: eb('epoch', '+', 1) }))
    .where('api_key_encrypted', 'is not', null)
    .executeTakeFirst()
  return Number(updated.numUpdatedRows)
}

function parseUser(row: UserTable): User {
  return parseStored('users', () => ({
    id: parseUserId(row.id),
    tenant: parseTenantId(row.tenant),
    clientId: parseClientId(row.client_id),
    secretHash: row.client_secret_hash,
    createdAt: toInstant(row.created_at),
    updatedAt: toInstant(row.updated_at),
    epoch: toCount(row.epoch),
    ...toApiKey(row),
    ...(row.cache_key === null ? {} : { cacheKey: row.cache_key }),
    ...(row.cache_key_secret === null ? {} : { cacheKeySecret: row.cache_key_secret }),
    ...(row.cache_state === null ? {} : { cacheState: row.cache_state }),
  }))
}

function toApiKey(row: UserTable): Pick<User, 'apiKey'> {
  const { api_key_encrypted: encrypted, api_key_provider: provider, api_key_fingerprint: fingerprint } = row
  if (encrypted === null || provider === null || fingerprint === null) return {}
  const apiKey: StoredApiKey = {
    encrypted,
    provider,
    fingerprint,
    createdAt: toInstant(row.api_key_created_at ?? Number.NaN),
    ...(row.api_key_last_four === null ? {} : { lastFour: row.api_key_last_four }),
  }
  return { apiKey }
}

function toUserRow(user: User): UserTable {
  const { apiKey } = user
  return {
    id: user.id,
    tenant: user.tenant,
    client_id: user.clientId,
    client_secret_hash: user.secretHash,
    created_at: user.createdAt,
    updated_at: user.updatedAt,
    epoch: user.epoch,
    api_key_encrypted: apiKey?.encrypted ?? null,
    api_key_provider: apiKey?.provider ?? null,
    api_key_created_at: apiKey?.createdAt ?? null,
    api_key_last_four: apiKey?.lastFour ?? null,
    api_key_fingerprint: apiKey?.fingerprint ?? null,
    cache_key: user.cacheKey ?? null,
    cache_key_secret: user.cacheKeySecret ?? null,
    cache_state: user.cacheState ?? null,
  }
}
