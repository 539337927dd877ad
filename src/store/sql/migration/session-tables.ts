import type { SchemaWords } from '../engine.ts'

/** Sessions that are over before their time (docs/design/sessions.md). */
export function sessionTables({ text, integer, tableEnd }: SchemaWords): readonly string[] {
  return [
    `create table session_revocation (
      key_id ${text} not null,
      kind ${text} not null check (kind in ('id', 'user', 'all')),
      subject ${text} not null,
      before_at ${integer} not null,
      until_at ${integer} not null,
      primary key (key_id, kind, subject)
    )${tableEnd}`,
    `create index session_revocation_until on session_revocation (until_at)`,
  ]
}
