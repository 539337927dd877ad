import { z } from 'zod'
import { BACKUP_ACTIONS } from '../model/backup-trail.ts'
import { ERROR_CODES } from '../model/errors.ts'

// The shapes of backups; see schema.ts.

const COUNT = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER)
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
  fingerprint: z.string().max(128).optional().describe('Of a recovery key'),
  phase: z.enum(['start', 'end']).optional(),
  purpose: z.enum(['rehearsal', 'stream']).optional(),
})
