import type { SchemaWords } from '../engine.ts'

/** Backups that servers make by themselves (docs/design/backup-schedule.md). */
export function backupTables({ text, integer, tableEnd }: SchemaWords): readonly string[] {
  return [
    `create table backup_schedule (
      series ${text} primary key not null,
      cron ${text} not null,
      seen_until ${integer} not null,
      failures ${integer} not null check (failures >= 0),
      misses ${integer} not null check (misses >= 0)
    )${tableEnd}`,
    `create table backup_run (
      id ${text} primary key not null,
      series ${text} not null,
      work ${text} not null check (work in ('create', 'verify')),
      state ${text} not null check (state in ('waiting', 'running', 'done', 'failed', 'missed')),
      slot ${integer},
      asked_by ${text} not null,
      asked_at ${integer} not null,
      started_at ${integer},
      ended_at ${integer},
      holder ${text},
      bytes ${integer} not null check (bytes >= 0),
      sequence ${integer},
      code ${text},
      check ((state in ('waiting', 'running')) = (ended_at is null)),
      check (state <> 'running' or holder is not null)
    )${tableEnd}`,
    `create index backup_run_series on backup_run (series, asked_at, id)`,
    `create index backup_run_open on backup_run (asked_at, id) where ended_at is null`,
  ]
}

/** What runs know of drills: their proofs lie on the target, and a store that stays sealed reads none. */
export function drillTables({ text, integer, tableEnd }: SchemaWords): readonly string[] {
  return [
    `create table backup_drill (
      series ${text} primary key not null,
      at ${integer} not null,
      sequence ${integer} not null,
      code ${text},
      passed_at ${integer},
      check (code is not null or passed_at is not null)
    )${tableEnd}`,
  ]
}
