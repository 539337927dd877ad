import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { importSealKey, type OpenOptions } from './app.ts'
import { newRestoreId } from './app-backup.ts'
import type { BackupSeries, BackupSummary } from './model/backup.ts'
import type { Coffre } from './model/coffre.ts'
import { CoffreError, type ErrorCode } from './model/errors.ts'
import { Secret } from './model/secret.ts'
import type { Backups } from './service/backup/backups.ts'
import type { ReadOptions } from './service/backup/opening.ts'
import { restoreBackup } from './service/backup/restore.ts'
import type { Openers } from './service/backup/slots.ts'
import type { RestoreTarget } from './store/backup-source.ts'
import { coffreFolderTarget, coffrePostgresTarget } from './store/source/coffre/coffre-target.ts'
import { filesTarget } from './store/source/files/files-target.ts'
import { type DatabasePlace, inDatabase } from './store/source/postgres/connection.ts'
import { globalsTarget } from './store/source/postgres/globals-target.ts'
import { postgresTarget } from './store/source/postgres/postgres-target.ts'
import { requireRenamable, stateOf, syncFolder } from './store/source/part-file.ts'
import { sqliteTarget } from './store/source/sqlite/sqlite-target.ts'
import { fileTarget } from './store/source/stream-target.ts'

/** Where the restored Coffre lies, for whoever opens it. */
export type RecoveredPlace = Pick<OpenOptions, 'dataDir' | 'databaseUrl' | 'checkpointFile'> & {
  /** Where the seal key of the sheet was written to. */
  readonly sealKeyFile?: string
}

export interface RecoverOptions extends ReadOptions {
  readonly openers: Openers
  /** The series of the Coffre itself; the only one of its kind when absent. */
  readonly series?: string
  /** It must not be there, or be empty. */
  readonly dataDir: string
  /** Of a Coffre on PostgreSQL: the database that it shall be in. */
  readonly database?: DatabasePlace
  /** A database that is there gives its name to the restored one. */
  readonly replace?: boolean
  /** Of a Coffre that a key file or a variable seals: the sheet of its seal key. */
  readonly sealKey?: Secret
  /** Where its key file shall be; in the data folder when absent. */
  readonly sealKeyFile?: string
  /** Unseals it, to see that it opens. */
  readonly open: (place: RecoveredPlace) => Promise<Pick<Coffre, 'close'>>
  /** Where everything else on the target goes; nowhere when absent. */
  readonly others?: OtherPlaces
  /** What is being restored now. */
  readonly onBackup?: (backup: BackupSummary) => void
}

export interface OtherPlaces {
  /** Files, streams and SQLite, each under the name of its series. */
  readonly folder: string
  /** A server for databases, which get their names back. */
  readonly postgres?: DatabasePlace
}

export interface Recovered {
  readonly coffre: BackupSummary
  readonly dataDir: string
  readonly sealKeyFile?: string
  readonly others: readonly RecoveredSeries[]
  readonly milliseconds: number
}

/** Another series: where its newest backup is, or why it is not restored. */
export interface RecoveredSeries {
  readonly series: string
  readonly sequence?: number
  readonly place?: string
  readonly code?: ErrorCode
}

const KEY_SEALS = ['file', 'environment']

/**
 * On a machine that has nothing: the Coffre of a target, unsealed once to see that it opens, and everything else that lies
 * there. The data folder appears when the Coffre has opened; what fails before leaves none. A series that cannot be restored
 * stops no other.
 */
export async function recoverCoffre(backups: Backups, options: RecoverOptions): Promise<Recovered> {
  const startedAt = performance.now()
  const dataDir = resolve(options.dataDir)
  await requireFree(dataDir)
  const coffre = await findCoffre(backups, options.series)
  requireSealKey(coffre, options)
  options.onBackup?.(coffre)
  const sealKeyFile = await recoverStore(backups, { ...options, dataDir, coffre })
  const others: RecoveredSeries[] = []
  const { others: places } = options
  if (places !== undefined) {
    await mkdir(places.folder, { recursive: true, mode: 0o700 })
    for (const each of await backups.series()) {
      if (each.series !== coffre.series && each.backups > 0)
        others.push(await recoverSeries(backups, each, { places, options }))
    }
  }
  const milliseconds = Math.round(performance.now() - startedAt)
  return { coffre, dataDir, ...(sealKeyFile === undefined ? {} : { sealKeyFile }), others, milliseconds }
}

/** What seals the Coffre of a backup; told before anything is restored. */
export function sealsOf({ facts }: BackupSummary): readonly string[] {
  return String(facts['seals'] ?? '').split(', ')
}

/** Whether a key on a sheet is among that. */
export function isSealedByKey(backup: BackupSummary): boolean {
  return sealsOf(backup).some((seal) => KEY_SEALS.includes(seal))
}

/** The backup of a Coffre that `recoverCoffre` would take. Throws BACKUP_NOT_FOUND, INVALID_REQUEST. */
export async function findCoffre(backups: Backups, series?: string): Promise<BackupSummary> {
  if (series !== undefined) return requireCoffre(await backups.inspect({ series }))
  const newest = (await backups.series()).flatMap((each) => each.newest ?? [])
  const found = newest.filter(({ source }) => source === 'coffre')
  // What a stranger has put there is in nobody's way.
  const trusted = found.filter(({ isTrusted }) => isTrusted)
  const [only, ...more] = trusted.length > 0 ? trusted : found
  if (only === undefined) throw new CoffreError('BACKUP_NOT_FOUND', { facts: { source: 'coffre' } })
  if (more.length === 0) return only
  const expected = `one of ${[only, ...more].map((each) => each.series).join(', ')}`
  throw new CoffreError('INVALID_REQUEST', { facts: { at: 'series', expected } })
}

function requireCoffre(backup: BackupSummary): BackupSummary {
  if (backup.source === 'coffre') return backup
  throw new CoffreError('RESTORE_REFUSED', { facts: { reason: 'no Coffre is in it', given: backup.source } })
}

/** The seal of its sheet, before minutes of restoring. Throws SEAL_KEY_MISSING. */
function requireSealKey(coffre: BackupSummary, { sealKey, database }: RecoverOptions): void {
  if (coffre.facts['store'] === 'postgres' && database === undefined) {
    const facts = { setting: '--into', expected: 'the PostgreSQL database that this Coffre shall be in' }
    throw new CoffreError('CONFIG_REFUSED', { facts })
  }
  if (isSealedByKey(coffre) || sealKey === undefined) return
  const facts = { at: 'seal key', expected: sealsOf(coffre).join(', ') }
  throw new CoffreError('INVALID_REQUEST', { facts })
}

interface StoreRecovery extends RecoverOptions {
  readonly coffre: BackupSummary
}

/** Beside the data folder, then in its place. Answers where the key file is. */
async function recoverStore(backups: Backups, options: StoreRecovery): Promise<string | undefined> {
  const { coffre, dataDir, database, sealKey, openers } = options
  const staging = `${dataDir}.recover_${newRestoreId()}`
  let writtenKey: string | undefined
  await mkdir(staging, { recursive: true, mode: 0o700 })
  try {
    const reference = { series: coffre.series, sequence: coffre.sequence }
    await restoreBackup(backups, reference, storeTarget(staging, options), openers, options)
    const place = {
      dataDir: staging,
      ...(database === undefined ? {} : { databaseUrl: new Secret(database.url) }),
    }
    const path = options.sealKeyFile ?? join(staging, 'seal.key')
    if (sealKey !== undefined) writtenKey = (await importSealKey(place, { text: sealKey, path })).path
    const opened = await options.open({
      ...place,
      // One of the old machine says that records are missing, which they are.
      checkpointFile: join(staging, 'audit-checkpoints'),
      ...(sealKey === undefined ? {} : { sealKeyFile: path }),
    })
    await opened.close()
    await rename(staging, dataDir)
    await syncFolder(dirname(dataDir))
    if (sealKey === undefined) return undefined
    return options.sealKeyFile ?? join(dataDir, 'seal.key')
  } catch (error) {
    await rm(staging, { recursive: true, force: true })
    // Outside of it too: a key of a Coffre that is not there would be in the way of the next attempt.
    if (writtenKey !== undefined) await rm(writtenKey, { force: true })
    throw error
  }
}

function storeTarget(folder: string, { database, replace = false }: StoreRecovery): RestoreTarget {
  const id = newRestoreId()
  if (database === undefined) return coffreFolderTarget({ folder, id })
  return coffrePostgresTarget({ ...database, id, replace, noOwners: true })
}

async function recoverSeries(
  backups: Backups,
  { series, newest, error }: BackupSeries,
  { places, options }: { readonly places: OtherPlaces; readonly options: RecoverOptions },
): Promise<RecoveredSeries> {
  if (newest === undefined) return { series, code: error ?? 'BACKUP_NOT_FOUND' }
  try {
    const { sequence } = newest
    options.onBackup?.(newest)
    const { target, place } = targetFor(newest, places)
    await restoreBackup(backups, { series, sequence }, target, options.openers, options)
    return { series, sequence, place }
  } catch (cause) {
    if (cause instanceof CoffreError) return { series, code: cause.code }
    throw cause
  }
}

function targetFor(
  backup: BackupSummary,
  { folder, postgres }: OtherPlaces,
): { readonly target: RestoreTarget; readonly place: string } {
  const { series, source, facts } = backup
  const id = newRestoreId()
  const path = join(folder, series)
  if (source === 'files') return { target: filesTarget({ folder: path, id }), place: path }
  if (source === 'sqlite') return { target: sqliteTarget({ path, id }), place: path }
  if (source === 'stream') return { target: fileTarget({ path, id }), place: path }
  if (postgres === undefined) {
    throw new CoffreError('RESTORE_REFUSED', { facts: { reason: 'no server for databases', given: source } })
  }
  if (source === 'postgres-globals')
    return { target: globalsTarget(postgres), place: new URL(postgres.url).host }
  const name = basename(String(facts['database'] ?? series))
  const url = inDatabase(postgres.url, name)
  // Its roles may not be there, or come later.
  return { target: postgresTarget({ ...postgres, url, id, noOwners: true }), place: `database ${name}` }
}

async function requireFree(folder: string): Promise<void> {
  const state = await stateOf(folder)
  if (state === 'absent') return
  if (state !== 'folder') throw refuseFolder('the data folder is no folder, or a link to one', folder)
  if ((await readdir(folder)).length > 0) throw refuseFolder('the data folder is not empty', folder)
  await requireRenamable(folder)
}

function refuseFolder(reason: string, folder: string): CoffreError {
  return new CoffreError('RESTORE_REFUSED', { facts: { reason, folder } })
}
