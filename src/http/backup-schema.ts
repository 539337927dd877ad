import { z } from 'zod'
import { BACKUP_COMPRESSIONS, BACKUP_SOURCES } from '../model/backup.ts'
import {
  BACKUP_DRILL_STATES,
  BACKUP_HEALTHS,
  BACKUP_RUN_STATES,
  BACKUP_WORKS,
} from '../model/backup-schedule.ts'
import { BACKUP_ACTIONS } from '../model/backup-trail.ts'
import { ERROR_CODES } from '../model/errors.ts'
import { MOMENT } from './schema.ts'

// The shapes of backups; see schema.ts.

const COUNT = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER)
const MAX_SEQUENCE = 999_999_999_999
const SEQUENCE = z.number().int().min(1).max(MAX_SEQUENCE)
const SERIES_NAME = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/)
  .describe('1 to 64 of a-z 0-9 - _ ., beginning with a letter or digit')

export const BACKUP_EVENT = z.strictObject({
  action: z.enum(BACKUP_ACTIONS),
  code: z.enum(ERROR_CODES).optional().describe('Why it failed; absent when it did not'),
  series: SERIES_NAME.optional(),
  sequence: COUNT.optional(),
  id: z.uuid().optional(),
  bytes: COUNT.optional(),
  milliseconds: COUNT.optional(),
  removed: COUNT.optional(),
  differences: COUNT.optional(),
  fingerprint: z.string().max(128).optional().describe('Of a recovery key'),
  phase: z.enum(['start', 'end']).optional(),
  purpose: z.enum(['rehearsal', 'stream']).optional(),
})

export const SCHEDULE_PATH = z.object({ series: SERIES_NAME })
export const RUN_PATH = z.object({ id: z.string().min(1).max(64) })
export const BACKUP_PATH = z.object({
  series: SERIES_NAME,
  sequence: z.union([z.literal('newest'), z.coerce.number().int().min(1).max(MAX_SEQUENCE)]),
})
export const SCHEDULE_QUERY = z.strictObject({
  at: MOMENT.optional().describe('As it would stand then, if nothing happened until then'),
})
export const BACKUP_RUNS_QUERY = z.strictObject({
  limit: z.coerce.number().int().min(1).max(100).optional().describe('20 when absent'),
})
export const RUN_BACKUP = z.strictObject({
  work: z.enum(BACKUP_WORKS).optional().describe('`create` when absent'),
  sequence: SEQUENCE.optional().describe('Of the backup to verify; the newest when absent'),
})

export const BACKUP_RUN = z.object({
  id: z.string(),
  series: z.string(),
  work: z.enum(BACKUP_WORKS),
  state: z.enum(BACKUP_RUN_STATES),
  scheduledFor: MOMENT.optional().describe('Absent where somebody asked for it'),
  askedBy: z.string().describe('`schedule`, or who asked'),
  askedAt: MOMENT,
  startedAt: MOMENT.optional(),
  endedAt: MOMENT.optional(),
  bytes: COUNT.describe('Read or written so far'),
  sequence: SEQUENCE.optional(),
  code: z.string().optional().describe('Why it failed, or why pruning after it did'),
})
export const BACKUP_RUNS = z.object({ runs: z.array(BACKUP_RUN) })

const RETENTION = z.object({
  last: COUNT.optional(),
  daily: COUNT.optional(),
  weekly: COUNT.optional(),
  monthly: COUNT.optional(),
})
const DRILLS = z.object({
  state: z.enum(BACKUP_DRILL_STATES),
  everyDays: z.number().int().min(1).optional().describe('Absent: the server makes none'),
  lastAt: MOMENT.optional(),
  sequence: SEQUENCE.optional().describe('Of the backup that the last drill restored'),
  code: z.string().optional().describe('Why the last drill did not pass'),
  passedAt: MOMENT.optional(),
})
export const BACKUP_SCHEDULE = z.object({
  series: z.string(),
  source: z.enum(BACKUP_SOURCES),
  target: z.string(),
  cron: z.string().describe('Five fields'),
  timeZone: z.string(),
  keep: RETENTION.optional(),
  nextAt: MOMENT,
  health: z.enum(BACKUP_HEALTHS),
  current: BACKUP_RUN.optional(),
  last: BACKUP_RUN.optional(),
  lastSuccess: BACKUP_RUN.optional(),
  drills: DRILLS,
  failures: COUNT,
  misses: COUNT,
})
export const BACKUP_SCHEDULES = z.object({ schedules: z.array(BACKUP_SCHEDULE) })

export const BACKUP_SUMMARY = z.object({
  id: z.string(),
  series: z.string(),
  source: z.enum(BACKUP_SOURCES),
  compression: z.enum(BACKUP_COMPRESSIONS),
  createdAt: MOMENT,
  facts: z.record(z.string(), z.union([z.string(), z.number()])),
  note: z.string().optional(),
  sequence: SEQUENCE,
  bodyBytes: COUNT,
  slots: z.array(
    z.object({
      slot: z.enum(['key', 'passphrase', 'recovery']),
      key: z.string().optional(),
      version: z.number().optional(),
      recipient: z.string().optional(),
    }),
  ),
  signer: z.string(),
  isTrusted: z.boolean(),
})
export const BACKUP_LIST = z.object({
  backups: z.array(BACKUP_SUMMARY),
  missing: z.array(z.object({ sequence: SEQUENCE, id: z.string() })),
})
export const BACKUP_PLAN = z.object({
  kept: z.array(SEQUENCE),
  removed: z.array(SEQUENCE),
  locked: z.array(SEQUENCE),
  orphans: z.array(z.string()),
})
