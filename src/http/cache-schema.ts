import { z } from 'zod'
import { CACHE_TYPES, DAILY_TYPES } from '../model/cache-name.ts'
import { MOMENT } from './schema.ts'
import { USER_PATH } from './user-schema.ts'

// The shapes of the cache; see schema.ts. What a name, a day or a secret must be is said by the service.

const NAME = z.string().min(1).max(256).describe('Such as consumption:daily:12345678901234:2024-01-15')
const DAY = z.string().max(10)
const SECRET = z.string().min(1).max(1_024)
const STATUS = z.enum(['HIT', 'MISS', 'EXPIRED', 'WRONG_KEY', 'TAMPERED', 'NOT_JSON', 'UNAVAILABLE'])

/** Whose entries: in the path, or whoever asks. */
interface Whose {
  readonly user?: string | undefined
}

export interface CachePaths {
  readonly user: z.ZodType<Whose>
  readonly entry: z.ZodType<Whose & { readonly key: string }>
  readonly range: z.ZodType<Whose & { readonly type: (typeof DAILY_TYPES)[number]; readonly pdl: string }>
}

const ENTRY = { key: NAME }
const RANGE = { type: z.enum(DAILY_TYPES), pdl: z.string().max(14).describe('14 digits') }
export const OWN_PATHS: CachePaths = {
  user: z.object({}),
  entry: z.object(ENTRY),
  range: z.object(RANGE),
}
export const NAMED_PATHS: CachePaths = {
  user: USER_PATH,
  entry: USER_PATH.extend(ENTRY),
  range: USER_PATH.extend(RANGE),
}

const FORMAT = z
  .enum(['1', '2'])
  .optional()
  .describe('1: the source’s form alone, under the client secret that HTTP Basic proves')
export const ENTRY_QUERY = z.strictObject({ format: FORMAT })
export const WRITE_QUERY = z.strictObject({
  format: FORMAT,
  ttl: z.coerce.number().int().min(0).max(31_536_000).optional().describe('Seconds; 0 stores nothing'),
  names: z.enum(['plain', 'hashed']).optional().describe('Of a user’s first entry on; plain when absent'),
})
export const RANGE_QUERY = z.strictObject({
  format: FORMAT,
  from: DAY,
  to: DAY,
  values: z.enum(['json', 'text']).optional().describe('text: each value as the JSON text that was written'),
})

const SELECTION = {
  pdl: z.string().max(14).optional(),
  type: z.enum(CACHE_TYPES).optional(),
  from: DAY.optional(),
  to: DAY.optional(),
}
const CLIENT_SECRET = SECRET.optional().describe('The user’s: entries of format 1 are meant too')
export const OWN_LIST = z.strictObject(SELECTION)
export const LIST = OWN_LIST.extend({ clientSecret: CLIENT_SECRET })
export const OWN_PURGE = z.strictObject({ ...SELECTION, dryRun: z.boolean().optional() })
export const PURGE = OWN_PURGE.extend({ clientSecret: CLIENT_SECRET })
export const ERASE = z.strictObject({ clientSecret: CLIENT_SECRET })
export const REKEY = z.strictObject({ oldSecret: SECRET, newSecret: SECRET })
export const MIGRATE = z.strictObject({
  to: z.enum(['v1', 'v2']),
  clientSecret: SECRET,
  dryRun: z.boolean().optional(),
})

export const CACHE_VALUE = z.unknown().describe('Any JSON value, at most 1 MiB')
export const STORED = z.object({ stored: z.boolean() })
export const DELETED = z.object({ deleted: z.boolean() })
export const CACHE_DAYS = z.object({
  days: z.array(
    z.object({
      date: z.string(),
      status: STATUS,
      value: z.unknown().optional(),
      text: z.string().optional(),
      writtenAt: MOMENT.optional(),
      format: z.number().int().optional(),
    }),
  ),
})
export const LISTED = z.object({
  entries: z.array(
    z.object({
      name: z.string(),
      status: z.enum(['HIT', 'EXPIRED', 'WRONG_KEY', 'TAMPERED']),
      format: z.number().int(),
      storedBytes: z.number().int(),
      writtenAt: MOMENT.optional(),
      expiresAt: MOMENT.optional(),
    }),
  ),
})
export const PURGED = z.object({ dryRun: z.boolean(), names: z.array(z.string()) })
export const WALKED = z.object({
  dryRun: z.boolean(),
  done: z.number().int(),
  already: z.number().int(),
  kept: z.number().int(),
  tampered: z.number().int(),
})
export const RECEIPT = z.object({
  user: z.string(),
  erasedAt: MOMENT,
  entries: z.number().int(),
  legacyEntries: z.number().int(),
  remaining: z.number().int(),
  keyDestroyed: z.boolean(),
  proof: z.record(z.string(), z.unknown()).optional().describe('As /audit/proof/inclusion gives it'),
})
export const DELETED_USER = z.object({
  id: z.string(),
  cache: z.discriminatedUnion('outcome', [
    z.object({ outcome: z.literal('erased'), receipt: RECEIPT }),
    z
      .object({ outcome: z.enum(['unreachable', 'not-set', 'none']) })
      .describe(
        'none: it had no cache; else POST /users/{id}/cache/erase, once there is a cache, deletes what is left',
      ),
  ]),
})
export const CACHE_STATUS = z.object({
  user: z.string(),
  hasKey: z.boolean(),
  underSecret: z.boolean(),
  names: z.enum(['plain', 'hashed']),
  entries: z.number().int(),
  unfinished: z.enum(['rekey', 'migrate']).optional(),
})
