import { type Instant, toInstant } from '../../model/clock.ts'
import { CoffreError } from '../../model/errors.ts'
import { parseTenantId, parseTokenId, type TenantId, type TokenId } from '../../model/ids.ts'
import { isRole, type Token } from '../../model/token.ts'
import type { Database, TokenTable } from './schema.ts'
import { parseStored, toMember } from './stored-row.ts'

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

function toToken(row: TokenTable): Token {
  if (!SHA256_HEX.test(row.hash)) throw new RangeError('not a hash')
  return {
    id: parseTokenId(row.id),
    tenant: parseTenantId(row.tenant),
    name: row.name,
    role: toMember(row.role, isRole),
    hash: row.hash,
    createdAt: toInstant(row.created_at),
    ...(row.expires_at === null ? {} : { expiresAt: toInstant(row.expires_at) }),
    ...(row.revoked_at === null ? {} : { revokedAt: toInstant(row.revoked_at) }),
  }
}

function toTokenRow(token: Token): TokenTable {
  return {
    id: token.id,
    tenant: token.tenant,
    name: token.name,
    role: token.role,
    hash: token.hash,
    created_at: token.createdAt,
    expires_at: token.expiresAt ?? null,
    revoked_at: token.revokedAt ?? null,
  }
}
