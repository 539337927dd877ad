import { BACKUP_RUN_STATES, BACKUP_WORKS } from '../../model/backup-schedule.ts'
import { toInstant } from '../../model/clock.ts'
import { type ErrorCode, isErrorCode } from '../../model/errors.ts'
import type { BackupRun, BackupRunsQuery, StoredBackupDrill, StoredBackupSchedule } from '../store.ts'
import type { BackupDrillTable, BackupRunTable, BackupScheduleTable, Database } from './schema.ts'
import { parseStored } from './stored-row.ts'

export async function findBackupSchedule(
  db: Database,
  series: string,
): Promise<StoredBackupSchedule | undefined> {
  const row = await db
    .selectFrom('backup_schedule')
    .selectAll()
    .where('series', '=', series)
    .executeTakeFirst()
  return row === undefined ? undefined : parseStored('backup_schedule', () => toSchedule(row))
}

export async function putBackupSchedule(db: Database, schedule: StoredBackupSchedule): Promise<void> {
  const { series, seenUntil, ...counts } = schedule
  const values = { seen_until: seenUntil, ...counts }
  await db
    .insertInto('backup_schedule')
    .values({ series, ...values })
    .onConflict((conflict) => conflict.column('series').doUpdateSet(values))
    .execute()
}

export async function findBackupDrill(db: Database, series: string): Promise<StoredBackupDrill | undefined> {
  const row = await db.selectFrom('backup_drill').selectAll().where('series', '=', series).executeTakeFirst()
  return row === undefined ? undefined : parseStored('backup_drill', () => toDrill(row))
}

export async function putBackupDrill(db: Database, drill: StoredBackupDrill): Promise<void> {
  const { series, at, sequence, code = null, passedAt = null } = drill
  const values = { at, sequence, code, passed_at: passedAt }
  await db
    .insertInto('backup_drill')
    .values({ series, ...values })
    .onConflict((conflict) => conflict.column('series').doUpdateSet(values))
    .execute()
}

export async function findBackupRun(db: Database, id: string): Promise<BackupRun | undefined> {
  const row = await db.selectFrom('backup_run').selectAll().where('id', '=', id).executeTakeFirst()
  return row === undefined ? undefined : parseStored('backup_run', () => toRun(row))
}

export async function listBackupRuns(
  db: Database,
  { series, work, state, limit }: BackupRunsQuery,
): Promise<readonly BackupRun[]> {
  let query = db.selectFrom('backup_run').selectAll().where('series', '=', series)
  if (work !== undefined) query = query.where('work', '=', work)
  if (state !== undefined) query = query.where('state', '=', state)
  const rows = await query.orderBy('asked_at', 'desc').orderBy('id', 'desc').limit(limit).execute()
  return rows.map((row) => parseStored('backup_run', () => toRun(row)))
}

export async function listOpenBackupRuns(db: Database): Promise<readonly BackupRun[]> {
  const rows = await db
    .selectFrom('backup_run')
    .selectAll()
    .where('ended_at', 'is', null)
    .orderBy('asked_at')
    .orderBy('id')
    .execute()
  return rows.map((row) => parseStored('backup_run', () => toRun(row)))
}

export async function putBackupRun(db: Database, run: BackupRun): Promise<void> {
  const { id, ...values } = toRow(run)
  await db
    .insertInto('backup_run')
    .values({ id, ...values })
    .onConflict((conflict) => conflict.column('id').doUpdateSet(values))
    .execute()
}

/** The newest of all, and the newest that succeeded, stay whatever their number. */
export async function pruneBackupRuns(db: Database, series: string, keep: number): Promise<void> {
  const newest = await listBackupRuns(db, { series, limit: keep })
  const good = await listBackupRuns(db, { series, work: 'create', state: 'done', limit: 1 })
  const kept = [...newest, ...good].map(({ id }) => id)
  if (newest.length < keep) return
  await db
    .deleteFrom('backup_run')
    .where('series', '=', series)
    .where('ended_at', 'is not', null)
    .where('id', 'not in', kept)
    .execute()
}

function toSchedule(row: BackupScheduleTable): StoredBackupSchedule {
  const { series, cron, seen_until: seenUntil, failures, misses } = row
  return { series, cron, seenUntil: toInstant(seenUntil), failures, misses }
}

function toDrill(row: BackupDrillTable): StoredBackupDrill {
  const { series, at, sequence, code, passed_at: passedAt } = row
  return {
    series,
    at: toInstant(at),
    sequence,
    ...(code === null ? {} : { code: toCode(code) }),
    ...(passedAt === null ? {} : { passedAt: toInstant(passedAt) }),
  }
}

/** A newer Coffre may know more of them. */
function toCode(code: string): ErrorCode {
  return isErrorCode(code) ? code : 'INTERNAL'
}

function toRun(row: BackupRunTable): BackupRun {
  const work = BACKUP_WORKS.find((each) => each === row.work)
  const state = BACKUP_RUN_STATES.find((each) => each === row.state)
  if (work === undefined || state === undefined) throw new TypeError('not a run')
  return {
    id: row.id,
    series: row.series,
    work,
    state,
    askedBy: row.asked_by,
    askedAt: toInstant(row.asked_at),
    bytes: row.bytes,
    ...(row.slot === null ? {} : { slot: toInstant(row.slot) }),
    ...(row.started_at === null ? {} : { startedAt: toInstant(row.started_at) }),
    ...(row.ended_at === null ? {} : { endedAt: toInstant(row.ended_at) }),
    ...(row.holder === null ? {} : { holder: row.holder }),
    ...(row.sequence === null ? {} : { sequence: row.sequence }),
    ...(row.code === null ? {} : { code: toCode(row.code) }),
  }
}

function toRow(run: BackupRun): BackupRunTable {
  return {
    id: run.id,
    series: run.series,
    work: run.work,
    state: run.state,
    slot: run.slot ?? null,
    asked_by: run.askedBy,
    asked_at: run.askedAt,
    started_at: run.startedAt ?? null,
    ended_at: run.endedAt ?? null,
    holder: run.holder ?? null,
    bytes: run.bytes,
    sequence: run.sequence ?? null,
    code: run.code ?? null,
  }
}
