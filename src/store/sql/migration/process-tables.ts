import type { SchemaWords } from '../engine.ts'

/** What several processes on one store need of each other. */
export function processTables({ text, integer, tableEnd }: SchemaWords): readonly string[] {
  return [
    // One row: how many changes were committed.
    `create table change_head (
      id ${integer} primary key not null check (id = 1),
      seq ${integer} not null check (seq >= 0)
    )${tableEnd}`,
    `insert into change_head (id, seq) values (1, 0)`,
    // The newest of them, by which other processes drop what they hold in memory.
    `create table change_log (
      seq ${integer} primary key not null check (seq >= 1),
      kind ${text} not null,
      id ${text} not null,
      epoch ${integer} not null
    )${tableEnd}`,
    `create table job (
      name ${text} primary key not null,
      due_at ${integer} not null,
      leased_until ${integer} not null,
      holder ${text}
    )${tableEnd}`,
    // One row while this store is being moved to another database, and after that.
    `create table store_move (
      id ${integer} primary key not null check (id = 1),
      role ${text} not null check (role in ('source', 'target')),
      state ${text} not null check (state in ('moving', 'done')),
      move ${text} not null,
      peer ${text} not null
    )${tableEnd}`,
    // What became of a COMMIT whose answer was lost on the way from the server.
    `create table commit_ledger (
      id ${text} primary key not null,
      sequence ${integer} not null,
      at ${integer} not null
    )${tableEnd}`,
  ]
}
