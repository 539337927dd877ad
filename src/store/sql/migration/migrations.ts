import type { SchemaWords } from '../engine.ts'
import { accessStatements, loginStatements } from './access-statements.ts'
import { auditProofTables } from './audit-proof-tables.ts'
import { backupTables, drillTables } from './backup-tables.ts'
import { processTables } from './process-tables.ts'
import { sessionTables } from './session-tables.ts'
import { userTables } from './user-tables.ts'

/** One step forward. A released migration never changes; its checksum is compared at every start. */
export interface Migration {
  /** 1, 2, 3 … without gaps. */
  readonly number: number
  readonly name: string
  /**
   * The oldest schema whose Coffre may go on with a store that has this step. Additive steps keep the one before
   * running while an installation is upgraded. Absent: only this Coffre and newer ones.
   */
  readonly runsFrom?: number
  readonly statements: (words: SchemaWords) => readonly string[]
}

export const MIGRATIONS: readonly Migration[] = [
  {
    number: 1,
    name: 'first',
    statements: (words) => [...keyTables(words), ...accessTables(words), ...auditTables(words)],
  },
  // Schema 1 had one process at a time, and counts no changes for others.
  { number: 2, name: 'several processes', runsFrom: 2, statements: processTables },
  // An older Coffre reads no policies, so it would let a confined token reach every key.
  { number: 3, name: 'access', runsFrom: 3, statements: accessStatements },
  { number: 4, name: 'root generations', runsFrom: 3, statements: rootTables },
  { number: 5, name: 'login roles', runsFrom: 3, statements: loginStatements },
  { number: 6, name: 'audit checkpoints', runsFrom: 3, statements: auditProofTables },
  { number: 7, name: 'imported and exportable keys', runsFrom: 3, statements: transferColumns },
  // An older Coffre does not know the role `user`, so it takes no token of that role.
  { number: 8, name: 'users', runsFrom: 3, statements: userTables },
  // An older Coffre has no routes that would take a revoked session.
  { number: 9, name: 'session revocations', runsFrom: 3, statements: sessionTables },
  { number: 10, name: 'scheduled backups', runsFrom: 3, statements: backupTables },
  { number: 11, name: 'drills of scheduled backups', runsFrom: 3, statements: drillTables },
]

/** Of this Coffre. */
export function newestSchema(): number {
  return MIGRATIONS.length
}

function keyTables({ text, integer, bytes, tableEnd }: SchemaWords): readonly string[] {
  return [
    `create table "key" (
      id ${text} primary key not null,
      tenant ${text} not null,
      name ${text} not null,
      algorithm ${text} not null,
      purpose ${text} not null,
      description ${text} not null,
      owner ${text} not null,
      environment ${text} not null,
      security_level ${text} not null,
      tags ${text} not null,
      created_at ${integer} not null,
      updated_at ${integer} not null,
      epoch ${integer} not null check (epoch >= 0),
      floor ${integer} not null check (floor >= 1),
      destroy_at ${integer},
      unique (tenant, name)
    )${tableEnd}`,
    `create index key_destroy_at on "key" (destroy_at) where destroy_at is not null`,
    `create table key_version (
      key_id ${text} not null references "key" (id),
      version ${integer} not null check (version >= 1),
      state ${text} not null check (state in
        ('pre-activation', 'active', 'suspended', 'deactivated', 'compromised', 'destroyed')),
      since ${integer} not null,
      resumes_to ${text} check (resumes_to in ('active', 'deactivated')),
      created_at ${integer} not null,
      public_key ${text},
      wrapped ${bytes},
      uses ${integer} not null default 0 check (uses between 0 and ${Number.MAX_SAFE_INTEGER}),
      primary key (key_id, version),
      check ((state = 'suspended') = (resumes_to is not null)),
      check ((state = 'destroyed') = (wrapped is null))
    )${tableEnd}`,
    `create unique index key_version_active on key_version (key_id) where state = 'active'`,
  ]
}

function accessTables({ text, integer, bytes, tableEnd }: SchemaWords): readonly string[] {
  return [
    `create table token (
      id ${text} primary key not null,
      tenant ${text} not null,
      name ${text} not null,
      role ${text} not null,
      hash ${text} not null,
      created_at ${integer} not null,
      expires_at ${integer},
      revoked_at ${integer}
    )${tableEnd}`,
    `create index token_tenant on token (tenant, created_at, id)`,
    `create table seal_slot (
      id ${text} primary key not null,
      provider ${text} not null,
      wrapped ${bytes} not null,
      created_at ${integer} not null
    )${tableEnd}`,
  ]
}

function transferColumns({ text, integer }: SchemaWords): readonly string[] {
  return [
    `alter table "key" add column exportable ${integer} not null default 0`,
    `alter table key_version add column origin ${text} not null default 'generated'`,
  ]
}

function rootTables({ integer, bytes, tableEnd }: SchemaWords): readonly string[] {
  return [
    `alter table seal_slot add column root ${integer} not null default 1`,
    `alter table key_version add column root ${integer} not null default 1`,
    `create index key_version_root on key_version (root) where wrapped is not null`,
    `create table root_link (
      from_root ${integer} not null check (from_root >= 1),
      to_root ${integer} not null check (to_root >= 1),
      wrapped ${bytes} not null,
      created_at ${integer} not null,
      primary key (from_root, to_root)
    )${tableEnd}`,
  ]
}

function auditTables({ text, integer, bytes, tableEnd }: SchemaWords): readonly string[] {
  return [
    `create table audit_record (
      idx ${integer} primary key not null check (idx >= 0),
      body ${text} not null,
      leaf_hash ${bytes} not null check (length(leaf_hash) = 32)
    )${tableEnd}`,
    `create table audit_head (
      id ${integer} primary key not null check (id = 1),
      size ${integer} not null check (size >= 1),
      root_hash ${bytes} not null check (length(root_hash) = 32),
      frontier ${bytes} not null check (length(frontier) % 32 = 0)
    )${tableEnd}`,
  ]
}
