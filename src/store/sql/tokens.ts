import { type Instant, toInstant } from '../../model/clock.ts'
import { CoffreError } from '../../model/errors.ts'
import {
  parsePolicyName,
  parseTenantId,
  parseTokenId,
  parseUserId,
  type TenantId,
  type TokenId,
  type UserId,
} from '../../model/ids.ts'
import { isRole, type Token } from '../../model/token.ts'
import type { Database, TokenTable } from './schema.ts'
import { parseStored, toCount, toMember } from './stored-row.ts'

const SHA256_HEX = /^[0-9a-f]{64}$/

export async function findToken(db: Database, id: TokenId): Promise<Token | undefined> {
  const row = await db.selectFrom('token').selectAll().where('id', '=', id).executeTakeFirst()
  return row === undefined ? undefined : parseStored('token', () => toToken(row))
}

export async function listTokens(db: Database, tenant: TenantId): Promise<readonly Token[]> {
  const rows = await db
    .selectFrom('token')
    .selectAll()
    .where('tenant', '=', tenant)
    .orderBy('created_at')
    .orderBy('id')
    .execute()
  return rows.map((row) => parseStored('token', () => toToken(row)))
}

export async function listTokensMadeBy(db: Database, parent: TokenId): Promise<readonly Token[]> {
  const rows = await db.selectFrom('token').selectAll().where('parent', '=', parent).orderBy('id').execute()
  return rows.map((row) => parseStored('token', () => toToken(row)))
}

export async function insertToken(db: Database, token: Token): Promise<void> {
  await db.insertInto('token').values(toTokenRow(token)).execute()
}

export interface Revocation {
  readonly tenant: TenantId
  readonly id: TokenId
  readonly at: Instant
}

export async function revokeToken(db: Database, revocation: Revocation): Promise<void> {
  const { tenant, id, at } = revocation
  const updated = await db
    .updateTable('token')
    .set((eb) => ({ revoked_at: eb.fn.coalesce('revoked_at', eb.val(at)) }))
    .where('tenant', '=', tenant)
    .where('id', '=', id)
    .executeTakeFirst()
  if (updated.numUpdatedRows !== 1n) throw new CoffreError('TOKEN_NOT_FOUND')
}

/** Throws TOKEN_NOT_FOUND when it is not there, or revoked meanwhile. */
export async function renewToken(db: Database, id: TokenId, expiresAt: Instant): Promise<void> {
  const updated = await db
    .updateTable('token')
    .set({ expires_at: expiresAt })
    .where('id', '=', id)
    .where('revoked_at', 'is', null)
    .executeTakeFirst()
  if (updated.numUpdatedRows !== 1n) throw new CoffreError('TOKEN_NOT_FOUND')
}

/** Answers whether one was left. */
export async function takeTokenUse(db: Database, id: TokenId): Promise<boolean> {
  const updated = await db
    .updateTable('token')
    .set((eb) => ({ uses_left: eb('uses_left', '-', 1) }))
    .where('id', '=', id)
    .where('uses_left', '>', 0)
    .executeTakeFirst()
  return updated.numUpdatedRows === 1n
}

export async function markTokenUsed(db: Database, id: TokenId, at: Instant): Promise<void> {
  await db.updateTable('token').set({ last_used_at: at }).where('id', '=', id).execute()
}

/** Answers how many there were. */
export async function deleteTokensOf(db: Database, user: UserId): Promise<number> {
  const deleted = await db.deleteFrom('token').where('user_id', '=', user).executeTakeFirst()
  return Number(deleted.numDeletedRows)
}

function toToken(row: TokenTable): Token {
  if (!SHA256_HEX.test(row.hash)) throw new RangeError('not a hash')
  // A token of nobody must not become one of somebody, nor the reverse.
  if ((row.role === 'user') !== (row.user_id !== null)) throw new RangeError('not a holder')
  return {
    id: parseTokenId(row.id),
    tenant: parseTenantId(row.tenant),
    name: row.name,
    description: row.description,
    role: toMember(row.role, isRole),
    policies: toTexts(row.policies).map(parsePolicyName),
    cidrs: toTexts(row.cidrs),
    hash: row.hash,
    createdAt: toInstant(row.created_at),
    ...(row.expires_at === null ? {} : { expiresAt: toInstant(row.expires_at) }),
    ...(row.revoked_at === null ? {} : { revokedAt: toInstant(row.revoked_at) }),
    ...(row.user_id === null ? {} : { user: parseUserId(row.user_id) }),
    ...(row.parent === null ? {} : { parent: parseTokenId(row.parent) }),
    ...toRenewal(row),
    ...toUses(row),
    ...(row.last_used_at === null ? {} : { lastUsedAt: toInstant(row.last_used_at) }),
  }
}

function toRenewal({ ttl_seconds: ttl, renew_until: until }: TokenTable): Pick<Token, 'renewal'> {
  if (ttl === null && until === null) return {}
  return { renewal: { ttlSeconds: toCount(ttl ?? Number.NaN), until: toInstant(until ?? Number.NaN) } }
}

function toUses({ max_uses: maximum, uses_left: left }: TokenTable): Pick<Token, 'uses'> {
  if (maximum === null && left === null) return {}
  return { uses: { maximum: toCount(maximum ?? Number.NaN), left: toCount(left ?? Number.NaN) } }
}

function toTexts(json: string): readonly string[] {
  const value: unknown = JSON.parse(json)
  if (!Array.isArray(value) || !value.every((each) => typeof each === 'string'))
    throw new TypeError('not texts')
  return value
}

function toTokenRow(token: Token): TokenTable {
  return {
    id: token.id,
    tenant: token.tenant,
    name: token.name,
    description: token.description,
    role: token.role,
    policies: JSON.stringify(token.policies),
    cidrs: JSON.stringify(token.cidrs),
    hash: token.hash,
    created_at: token.createdAt,
    expires_at: token.expiresAt ?? null,
    revoked_at: token.revokedAt ?? null,
    parent: token.parent ?? null,
    ttl_seconds: token.renewal?.ttlSeconds ?? null,
    renew_until: token.renewal?.until ?? null,
    max_uses: token.uses?.maximum ?? null,
    uses_left: token.uses?.left ?? null,
    last_used_at: token.lastUsedAt ?? null,
    user_id: token.user ?? null,
  }
}
