import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import {
  coffreFolderSource,
  coffrePostgresSource,
  DEFAULT_BACKUP_KEY,
  filesSource,
  globalsSource,
  openBackups,
  postgresSource,
  sqliteSource,
  toOpeners,
  toRecipients,
} from './app-backup.ts'
import type { DrillPlace } from './app-drill.ts'
import type { ObjectStoreOptions } from './app-objects.ts'
import { clockOf, openStore } from './app-store.ts'
import type { BackupDeclaration } from './config-backups.ts'
import { randomUuid } from './crypto/random.ts'
import type { BackupSourceKind } from './model/backup.ts'
import type { BackupScheduleView } from './model/backup-schedule.ts'
import type { Clock } from './model/clock.ts'
import { CoffreError } from './model/errors.ts'
import { MAX_PASSPHRASE_BYTES } from './model/limits.ts'
import { Secret } from './model/secret.ts'
import type { SealChoice } from './seal/seal-choices.ts'
import { CallerCoffre, withOwnRequests } from './service/caller-coffre.ts'
import { systemCaller } from './service/caller.ts'
import { BackupSchedules } from './service/backup/schedule/backup-schedules.ts'
import { viewSchedule } from './service/backup/schedule/schedule-view.ts'
import { CronSchedule } from './service/backup/schedule/cron.ts'
import type { BackupAlert, DeclaredBackup, DeclaredDrill } from './service/backup/schedule/declared-backup.ts'
import type { NamedSecret } from './service/key-separation/named-secret.ts'
import type { Core } from './service/operator/core.ts'
import type { BackupSource } from './store/backup-source.ts'

export type { BackupAlert } from './service/backup/schedule/declared-backup.ts'

/** Backups that a server makes by itself. */
export interface BackupScheduleOptions {
  readonly declared: readonly BackupDeclaration[]
  /** Of buckets. */
  readonly s3?: ObjectStoreOptions
  /** What the database and the application have: no passphrase is any of it. */
  readonly apartFrom?: readonly NamedSecret[]
  /** Of this machine, away from every target; in the data folder when absent. */
  readonly seenFile?: string
}

interface Place {
  readonly dataDir: string
  readonly databaseUrl?: string | Secret
  /** What unseals the Coffre: a drill opens the restored copy of its store with it too. */
  readonly seal?: SealChoice
  readonly environment?: Readonly<Record<string, string | undefined>>
}

export interface AssembleOptions extends Place {
  readonly backups: BackupScheduleOptions
  readonly clock: Clock
  readonly onAlert: (alert: BackupAlert) => void
  /** Another process of the same server does what is asked. */
  readonly isMember: boolean
}

const MAX_PUBLIC_BYTES = 4_096
/** Host, user, password, database and a few parameters. */
const MAX_URL_BYTES = 4_096

/** Throws CONFIG_REFUSED for a schedule that never comes, and for a file that is not there. */
export async function openSchedules(core: Core, options: AssembleOptions): Promise<BackupSchedules> {
  const declared = options.backups.declared.map((each) => declare(each, options))
  // At the start, not at two in the morning.
  for (const each of declared) await each.readRecipients()
  const caller = systemCaller('backup')
  return new BackupSchedules({
    store: core.store,
    trail: core.trail,
    clock: options.clock,
    declared: new Map(declared.map((each) => [each.series, each])),
    coffre: new CallerCoffre(core, withOwnRequests(caller)),
    caller,
    holder: randomUuid(),
    isSealed: () => core.isSealed,
    onAlert: options.onAlert,
    doesAsked: !options.isMember,
  })
}

/** How declared backups stand, from a store that stays sealed. Throws STORE_IN_USE. */
export async function viewSchedules(
  options: Place & { readonly backups: BackupScheduleOptions },
): Promise<readonly BackupScheduleView[]> {
  const clock = clockOf(options)
  const views = options.backups.declared.map((each) => declare(each, { ...options, clock }))
  const { store } = await openStore(options)
  try {
    return await Promise.all(views.map((each) => viewSchedule(store, each, clock())))
  } finally {
    await store.close()
  }
}

/** For whoever gave no ear to alerts. A name that the operator gave, and words of ours. */
export function warnOfBackup({ kind, series, code }: BackupAlert): void {
  process.emitWarning(`${kind}: ${series} (${code})`, { type: 'CoffreWarning', code: kind })
}

function declare(
  declaration: BackupDeclaration,
  options: Place & Pick<AssembleOptions, 'backups' | 'clock'>,
): DeclaredBackup {
  const { series, target, cron, timeZone, keep, compression } = declaration
  const { seenFile = join(options.dataDir, 'backups-seen.json'), s3 = {}, apartFrom = [] } = options.backups
  return {
    series,
    source: kindOf(declaration.source),
    target: shownTarget(target),
    cron,
    timeZone,
    schedule: new CronSchedule(cron, timeZone),
    ...(keep === undefined ? {} : { keep: present(keep) }),
    ...(compression === undefined ? {} : { compression }),
    ...(declaration.drill === undefined
      ? {}
      : { drill: declareDrill(declaration, declaration.drill, options) }),
    apartFrom,
    openSource: () => openSource(declaration, options),
    openBackups: (coffre) => openBackups({ target, s3, seenFile, coffre, clock: options.clock }),
    readRecipients: () => readRecipients(declaration),
  }
}

function kindOf(source: BackupDeclaration['source']): BackupSourceKind {
  if ('postgres' in source) return source.postgres.globals === true ? 'postgres-globals' : 'postgres'
  if ('sqlite' in source) return 'sqlite'
  return 'files' in source ? 'files' : 'coffre'
}

function declareDrill(
  { series, source, passphraseFile }: BackupDeclaration,
  { scratch, everyDays }: NonNullable<BackupDeclaration['drill']>,
  place: Place,
): DeclaredDrill {
  const hasServer = (scratch.url ?? scratch.urlFile) !== undefined
  if ('store' in source && place.databaseUrl !== undefined && !hasServer) {
    const expected = 'a PostgreSQL server, as url or urlFile: the Coffre is on one'
    throw new CoffreError('CONFIG_REFUSED', { facts: { series, setting: 'drill.scratch', expected } })
  }
  return {
    everyDays,
    makeScratch: async (backup) => {
      const { scratchIn, sweepScratch, unsealAs } = await import('./app-drill.ts')
      const unseal = 'store' in source ? { unseal: unsealAs(place) } : {}
      const drillPlace = { ...(await readScratch(scratch)), ...unseal }
      await sweepScratch(drillPlace)
      return scratchIn(drillPlace)(backup)
    },
    readOpeners: async (coffre) =>
      toOpeners({
        coffre,
        ...(passphraseFile === undefined
          ? {}
          : { passphrase: await readLine(passphraseFile, MAX_PASSPHRASE_BYTES) }),
      }),
  }
}

async function readScratch({
  url,
  urlFile,
  folder,
}: NonNullable<BackupDeclaration['drill']>['scratch']): Promise<DrillPlace> {
  const server = urlFile === undefined ? url : (await readLine(urlFile, MAX_URL_BYTES)).reveal()
  return {
    ...(server === undefined ? {} : { postgres: { url: server } }),
    ...(folder === undefined ? {} : { folder }),
  }
}

async function openSource(
  { source, measure = false }: BackupDeclaration,
  place: Place,
): Promise<BackupSource> {
  if ('postgres' in source) {
    const { urlFile, globals, format } = source.postgres
    const url = source.postgres.url ?? (await readLine(urlFile ?? '', MAX_URL_BYTES)).reveal()
    if (globals === true) return globalsSource({ url })
    return postgresSource({ url, measure, ...(format === undefined ? {} : { format }) })
  }
  if ('sqlite' in source) return sqliteSource({ path: source.sqlite, measure })
  if ('files' in source) return filesSource({ paths: source.files })
  const { databaseUrl, dataDir } = place
  if (databaseUrl === undefined) return coffreFolderSource(dataDir, { measure })
  const url = typeof databaseUrl === 'string' ? databaseUrl : databaseUrl.reveal()
  return coffrePostgresSource({ url, measure })
}

async function readRecipients({ key = DEFAULT_BACKUP_KEY, recovery, passphraseFile }: BackupDeclaration) {
  const publicKeys = await Promise.all(recovery.map((path) => readLine(path, MAX_PUBLIC_BYTES)))
  return toRecipients({
    recovery: publicKeys.map((each) => each.reveal()),
    ...(key === false ? {} : { key }),
    ...(passphraseFile === undefined
      ? {}
      : { passphrase: await readLine(passphraseFile, MAX_PASSPHRASE_BYTES) }),
  })
}

/** One line of a file; the line break that an editor adds is not part of it. */
async function readLine(path: string, maximumBytes: number): Promise<Secret> {
  const facts = { file: path, expected: 'a file with one line, that this account can read' }
  try {
    const { size } = await stat(path)
    const text = size > maximumBytes + 2 ? '' : (await readFile(path, 'utf8')).replace(/\r?\n$/, '')
    if (text !== '' && !/[\r\n]/.test(text)) return new Secret(text)
  } catch (cause) {
    throw new CoffreError('CONFIG_REFUSED', { facts, cause })
  }
  throw new CoffreError('CONFIG_REFUSED', { facts })
}

/** Without what stands behind the `?`: it is of no use to a reader. */
function shownTarget(target: string): string {
  return /^s3:/i.test(target) ? target.replace(/\?.*$/s, '') : target
}

/** Zod writes `undefined` for an absent member. */
function present(keep: NonNullable<BackupDeclaration['keep']>) {
  const given = Object.entries(keep).filter(([, count]) => count !== undefined)
  return Object.fromEntries(given)
}
