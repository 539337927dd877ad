import { toInstant } from '../../model/clock.ts'
import { CoffreError } from '../../model/errors.ts'
import { type LoginRoleName, parseLoginRoleName, parseTenantId, type TenantId } from '../../model/ids.ts'
import type { LoginRole } from '../../model/login-role.ts'
import type { Database, LoginRoleTable } from './schema.ts'
import { parseStored } from './stored-row.ts'

export async function findLoginRole(
  db: Database,
  tenant: TenantId,
  name: LoginRoleName,
): Promise<LoginRole | undefined> {
  const row = await db
    .selectFrom('login_role')
    .selectAll()
    .where('tenant', '=', tenant)
    .where('name', '=', name)
    .executeTakeFirst()
  return row === undefined ? undefined : parseStored('login_role', () => toLoginRole(row))
}

export async function listLoginRoles(db: Database, tenant: TenantId): Promise<readonly LoginRole[]> {
  const rows = await db
    .selectFrom('login_role')
    .selectAll()
    .where('tenant', '=', tenant)
    .orderBy('name')
    .execute()
  return rows.map((row) => parseStored('login_role', () => toLoginRole(row)))
}

export async function insertLoginRole(db: Database, role: LoginRole): Promise<void> {
  const { tenant, name, document, createdAt } = role
  const inserted = await db
    .insertInto('login_role')
    .values({ tenant, name, document, created_at: createdAt })
    .onConflict((conflict) => conflict.columns(['tenant', 'name']).doNothing())
    .executeTakeFirst()
  if (inserted.numInsertedOrUpdatedRows !== 1n) throw new CoffreError('LOGIN_ROLE_EXISTS')
}

export async function deleteLoginRole(db: Database, tenant: TenantId, name: LoginRoleName): Promise<void> {
  const deleted = await db
    .deleteFrom('login_role')
    .where('tenant', '=', tenant)
    .where('name', '=', name)
    .executeTakeFirst()
  if (deleted.numDeletedRows !== 1n) throw new CoffreError('LOGIN_ROLE_NOT_FOUND')
}

/** The document is judged by the service when it is used; here it must be an object in JSON. */
function toLoginRole(row: LoginRoleTable): LoginRole {
  const document: unknown = JSON.parse(row.document)
  if (typeof document !== 'object' || document === null) throw new TypeError('not a login role')
  return {
    tenant: parseTenantId(row.tenant),
    name: parseLoginRoleName(row.name),
    document: row.document,
    createdAt: toInstant(row.created_at),
  }
}
