import type { SchemaWords } from '../engine.ts'

/** People and programs that an application serves, and what is kept for each (docs/design/users.md). */
export function userTables({ text, integer, tableEnd }: SchemaWords): readonly string[] {
  return [
    `create table users (
      id ${text} primary key not null,
      tenant ${text} not null,
      client_id ${text} not null,
      client_secret_hash ${text} not null,
      created_at ${integer} not null,
      updated_at ${integer} not null,
      epoch ${integer} not null check (epoch >= 1),
      api_key_encrypted ${text},
      api_key_provider ${text},
      api_key_created_at ${integer},
      api_key_last_four ${text},
      api_key_fingerprint ${text},
      cache_key ${text},
      cache_key_secret ${text},
      cache_state ${text},
      unique (tenant, client_id),
      check ((api_key_encrypted is null) = (api_key_provider is null)),
      check ((api_key_encrypted is null) = (api_key_created_at is null)),
      check ((api_key_encrypted is null) = (api_key_fingerprint is null))
    )${tableEnd}`,
    `create index users_tenant on users (tenant, id)`,
    `create index users_api_key on users (id) where api_key_encrypted is not null`,
    `create table wrapping_check (
      name ${text} primary key not null,
      value ${text} not null,
      created_at ${integer} not null
    )${tableEnd}`,
    `alter table token add column user_id ${text}`,
    `create index token_user on token (user_id) where user_id is not null`,
  ]
}
