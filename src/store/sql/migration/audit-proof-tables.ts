import type { SchemaWords } from '../engine.ts'

/** Signed checkpoints, and hashes to prove from. An older Coffre that goes on with the store writes neither. */
export function auditProofTables({ text, integer, bytes, tableEnd }: SchemaWords): readonly string[] {
  return [
    `create table audit_node (
      level ${integer} not null check (level >= 1),
      idx ${integer} not null check (idx >= 0),
      hash ${bytes} not null check (length(hash) = 32),
      primary key (level, idx)
    )${tableEnd}`,
    `create table audit_checkpoint (
      size ${integer} primary key not null check (size >= 0),
      note ${text} not null
    )${tableEnd}`,
  ]
}
