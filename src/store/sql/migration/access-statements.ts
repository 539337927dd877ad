import type { SchemaWords } from '../engine.ts'

/** Ways to log in (docs/design/access.md). */
export function loginStatements({ text, integer, tableEnd }: SchemaWords): readonly string[] {
  return [
    `create table login_role (
      tenant ${text} not null,
      name ${text} not null,
      document ${text} not null,
      created_at ${integer} not null,
      primary key (tenant, name)
    )${tableEnd}`,
  ]
}

/** Policies, what a token may and how it is bound, and whose an audit record is (docs/design/access.md). */
export function accessStatements({ text, integer, tableEnd }: SchemaWords): readonly string[] {
  return [
    `create table policy (
      tenant ${text} not null,
      name ${text} not null,
      document ${text} not null,
      epoch ${integer} not null check (epoch >= 1),
      created_at ${integer} not null,
      updated_at ${integer} not null,
      primary key (tenant, name)
    )${tableEnd}`,
    `alter table token add column description ${text} not null default ''`,
    `alter table token add column policies ${text} not null default '[]'`,
    `alter table token add column cidrs ${text} not null default '[]'`,
    `alter table token add column parent ${text}`,
    `alter table token add column ttl_seconds ${integer}`,
    `alter table token add column renew_until ${integer}`,
    `alter table token add column max_uses ${integer}`,
    `alter table token add column uses_left ${integer} check (uses_left >= 0)`,
    `alter table token add column last_used_at ${integer}`,
    `create index token_parent on token (parent) where parent is not null`,
    // NULL: of the default tenant, as every record from before, so that its records pay for no index.
    `alter table audit_record add column tenant ${text}`,
    `create index audit_record_tenant on audit_record (tenant, idx) where tenant is not null`,
  ]
}
