import { z } from 'zod'
import { BACKUP_COMPRESSIONS } from './model/backup.ts'
import { CoffreError } from './model/errors.ts'

/** Each opens connections of its own when it runs. */
const MAX_SCHEDULES = 100
export const MAX_SCHEDULE_FILE_BYTES = 256 * 1_024
/** Every night at two, when most databases have the least to do. */
const DEFAULT_CRON = '0 2 * * *'

/** A week: what stopped restoring is noticed while the backup before it is still kept. */
const DEFAULT_DRILL_DAYS = 7

const PATH = z.string().min(1).max(4_096)
const KEPT = z.int().min(0).max(10_000)

const DATABASE_URL = z
  .string()
  .max(4_096)
  .refine((url) => isDatabaseUrl(url), {
    error: 'postgres://user@host/database, without a password: urlFile, PGPASSWORD or ~/.pgpass has it',
  })

const POSTGRES = z
  .strictObject({
    url: DATABASE_URL.optional(),
    urlFile: PATH.optional(),
    format: z.enum(['custom', 'plain']).optional(),
    globals: z.boolean().optional(),
  })
  .refine(({ url, urlFile }) => (url === undefined) !== (urlFile === undefined), {
    error: 'either url or urlFile',
  })
  .refine(({ format, globals }) => globals !== true || format === undefined, {
    error: 'globals are always SQL: no format',
  })

const SOURCE = z.union([
  z.strictObject({ postgres: POSTGRES }),
  z.strictObject({ sqlite: PATH }),
  z.strictObject({ files: z.array(PATH).min(1).max(1_000) }),
  z.strictObject({ store: z.literal(true) }),
])

const SCRATCH = z
  .strictObject({ url: DATABASE_URL.optional(), urlFile: PATH.optional(), folder: PATH.optional() })
  .refine(({ url, urlFile }) => url === undefined || urlFile === undefined, {
    error: 'either url or urlFile',
  })

/** `true`: nothing about it needs to be said. */
const DRILL = z.preprocess(
  (given) => (given === true ? {} : given),
  z.strictObject({
    scratch: SCRATCH.default({}),
    everyDays: z.int().min(1).max(3_650).default(DEFAULT_DRILL_DAYS),
  }),
)

const SCHEDULE = z
  .strictObject({
    series: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, {
      error: '1 to 64 of a-z 0-9 - _ ., beginning with a letter or digit',
    }),
    source: SOURCE,
    target: PATH.optional(),
    cron: z.string().max(200).default(DEFAULT_CRON),
    timeZone: z.string().min(1).max(64).default('UTC'),
    key: z.union([z.string().min(1).max(128), z.literal(false)]).optional(),
    recovery: z.array(PATH).max(16).default([]),
    passphraseFile: PATH.optional(),
    keep: z
      .strictObject({
        last: KEPT.optional(),
        daily: KEPT.optional(),
        weekly: KEPT.optional(),
        monthly: KEPT.optional(),
      })
      .refine((keep) => Object.values(keep).some((count) => count !== undefined), {
        error: 'at least one of last, daily, weekly, monthly',
      })
      .optional(),
    compression: z.enum(BACKUP_COMPRESSIONS).optional(),
    measure: z.boolean().optional(),
    drill: DRILL.optional(),
  })
  .refine(({ key, recovery, passphraseFile }) => key !== false || recovery.length > 0 || passphraseFile, {
    error: 'something that opens it: key, recovery or passphraseFile',
  })
  .refine(({ measure, source }) => measure !== true || hasTables(source), {
    path: ['measure'],
    error: 'only of postgres without globals, sqlite and store: nothing else has tables',
  })
  .superRefine((declared, context) => {
    const fault = faultOfDrill(declared)
    if (fault !== undefined) context.addIssue({ code: 'custom', path: ['drill'], message: fault })
  })

const FILE = z.strictObject({
  target: PATH.optional(),
  backups: z.array(SCHEDULE).min(1).max(MAX_SCHEDULES),
})

/** One backup that the server makes by itself, as the file of COFFRE_BACKUP_SCHEDULE declares it. */
export type BackupDeclaration = Omit<z.output<typeof SCHEDULE>, 'target'> & { readonly target: string }

/** Throws CONFIG_REFUSED that names all that is wrong. `target` is where those go that name none. */
export function parseBackupSchedule(
  text: string,
  defaults: { readonly target?: string } = {},
): readonly BackupDeclaration[] {
  const parsed = FILE.safeParse(parseJson(text))
  if (!parsed.success)
    return refuse(parsed.error.issues.map(({ path, message }) => [path.join('.'), message]))
  const { backups, target: common = defaults.target } = parsed.data
  const seen = new Set<string>()
  const faults: [string, string][] = []
  const declared = backups.flatMap((each, at): BackupDeclaration[] => {
    if (seen.has(each.series)) faults.push([`backups.${at}.series`, 'another one has this name'])
    seen.add(each.series)
    const target = each.target ?? common
    if (target === undefined) {
      faults.push([`backups.${at}.target`, 'a folder or s3://bucket/prefix, here or in COFFRE_BACKUP_TARGET'])
      return []
    }
    return [{ ...each, target }]
  })
  return faults.length === 0 ? declared : refuse(faults)
}

type Source = z.output<typeof SOURCE>

function hasTables(source: Source): boolean {
  return isDatabase(source) || 'sqlite' in source || 'store' in source
}

function isDatabase(source: Source): boolean {
  return 'postgres' in source && source.postgres.globals !== true
}

/** What is found now fails no drill at night. */
function faultOfDrill({ drill, source, key, passphraseFile }: DrillDeclaration): string | undefined {
  if (drill === undefined) return undefined
  const hasServer = (drill.scratch.url ?? drill.scratch.urlFile) !== undefined
  if (isDatabase(source) && !hasServer) {
    return '{ "scratch": { "urlFile": … } }: a PostgreSQL server that may have one more database for a while'
  }
  if (hasServer && !isDatabase(source) && !('store' in source)) return 'scratch without a server: folder'
  if ('postgres' in source && source.postgres.format === 'plain') {
    return 'format custom: a plain dump is a script, and psql runs whatever stands in it'
  }
  return key === false && passphraseFile === undefined
    ? 'key or passphraseFile: the secret half of a recovery key is not here'
    : undefined
}

interface DrillDeclaration {
  readonly drill?: z.output<typeof DRILL> | undefined
  readonly source: Source
  readonly key?: string | false | undefined
  readonly passphraseFile?: string | undefined
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function refuse(faults: readonly (readonly [string, string])[]): never {
  const facts = Object.fromEntries(
    faults.map(([at, message]) => [at === '' ? 'COFFRE_BACKUP_SCHEDULE' : at, message]),
  )
  throw new CoffreError('CONFIG_REFUSED', { facts })
}

function isDatabaseUrl(text: string): boolean {
  return /^postgres(?:ql)?:\/\//.test(text) && URL.canParse(text) && new URL(text).password === ''
}
