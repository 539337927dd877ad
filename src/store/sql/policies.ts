import { toInstant } from '../../model/clock.ts'
import { CoffreError } from '../../model/errors.ts'
import { parsePolicyName, parseTenantId, type PolicyName, type TenantId } from '../../model/ids.ts'
import type { Policy, PolicyDocument } from '../../model/policy.ts'
import type { Database, PolicyTable } from './schema.ts'
import { parseStored, toCount } from './stored-row.ts'

export async function findPolicy(
  db: Database,
  tenant: TenantId,
  name: PolicyName,
): Promise<Policy | undefined> {
  const row = await db
    .selectFrom('policy')
    .selectAll()
    .where('tenant', '=', tenant)
    .where('name', '=', name)
    .executeTakeFirst()
  return row === undefined ? undefined : parseStored('policy', () => toPolicy(row))
}

export async function listPolicies(db: Database, tenant: TenantId): Promise<readonly Policy[]> {
  const rows = await db
    .selectFrom('policy')
    .selectAll()
    .where('tenant', '=', tenant)
    .orderBy('name')
    .execute()
  return rows.map((row) => parseStored('policy', () => toPolicy(row)))
}

export async function insertPolicy(db: Database, policy: Policy): Promise<void> {
  const inserted = await db
    .insertInto('policy')
    .values(toPolicyRow(policy))
    .onConflict((conflict) => conflict.columns(['tenant', 'name']).doNothing())
    .executeTakeFirst()
  if (inserted.numInsertedOrUpdatedRows !== 1n) throw new CoffreError('POLICY_EXISTS')
}

export async function updatePolicy(db: Database, before: Policy, after: Policy): Promise<void> {
  const { document, epoch, updated_at } = toPolicyRow(after)
  const updated = await db
    .updateTable('policy')
    .set({ document, epoch, updated_at })
    .where('tenant', '=', before.tenant)
    .where('name', '=', before.name)
    .where('epoch', '=', before.epoch)
    .executeTakeFirst()
  if (updated.numUpdatedRows !== 1n) throw new CoffreError('CONFLICT')
}

export async function deletePolicy(db: Database, tenant: TenantId, name: PolicyName): Promise<void> {
  const deleted = await db
    .deleteFrom('policy')
    .where('tenant', '=', tenant)
    .where('name', '=', name)
    .executeTakeFirst()
  if (deleted.numDeletedRows !== 1n) throw new CoffreError('POLICY_NOT_FOUND')
}

function toPolicy(row: PolicyTable): Policy {
  return {
    tenant: parseTenantId(row.tenant),
    name: parsePolicyName(row.name),
    document: toDocument(row.document),
    epoch: toCount(row.epoch),
    createdAt: toInstant(row.created_at),
    updatedAt: toInstant(row.updated_at),
  }
}

/** The shape; what a rule may say is checked again when it is compiled (service/policy/policy-cache.ts). */
function toDocument(json: string): PolicyDocument {
  const value: unknown = JSON.parse(json)
  if (typeof value !== 'object' || value === null || !('rules' in value) || !Array.isArray(value.rules)) {
    throw new TypeError('not a policy')
  }
  return { rules: value.rules }
}

function toPolicyRow(policy: Policy): PolicyTable {
  return {
    tenant: policy.tenant,
    name: policy.name,
    document: JSON.stringify(policy.document),
    epoch: policy.epoch,
    created_at: policy.createdAt,
    updated_at: policy.updatedAt,
  }
}
