import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openCoffre, type OpenOptions } from './app.ts'
import { openAuditLog } from './app-store.ts'
import { Sha256 } from './crypto/digest.ts'
import { randomBytes } from './crypto/random.ts'
import type { BackupSummary, DrillCheck } from './model/backup.ts'
import { HOUR } from './model/clock.ts'
import { CoffreError, hasCode } from './model/errors.ts'
import type { SealChoice } from './seal/seal-choices.ts'
import type { DrillScratch, MeasuredSource } from './service/backup/drill.ts'
import type { BackupSource, RestoreTarget } from './store/backup-source.ts'
import { coffreFolderTarget, coffrePostgresTarget } from './store/source/coffre/coffre-target.ts'
import { filesTarget } from './store/source/files/files-target.ts'
import { type DatabasePlace, inDatabase } from './store/source/postgres/connection.ts'
import { sweepDatabases } from './store/source/postgres/databases.ts'
import { measurePostgres } from './store/source/postgres/postgres-source.ts'
import { postgresTarget } from './store/source/postgres/postgres-target.ts'
import { makeScratchFolder, sweepFolders } from './store/source/scratch-folder.ts'
import { measureSqliteFile } from './store/source/sqlite/measure-sqlite.ts'
import { sqliteTarget } from './store/source/sqlite/sqlite-target.ts'
import { fileTarget } from './store/source/stream-target.ts'

export {
  drillBackup,
  type DrillOptions,
  type DrillScratch,
  type MeasuredSource,
} from './service/backup/drill.ts'

/** Where a drill restores to. */
export interface DrillPlace {
  /** Of a backup of PostgreSQL: a server that may have one more database for a while. */
  readonly postgres?: DatabasePlace
  /** For everything else: a folder with room. What is restored lies in it in clear, for this user alone. */
  readonly folder?: string
  /** A plain dump is a script, and psql runs whatever stands in it. */
  readonly runsScript?: boolean
  /** What unseals a Coffre: its restored copy is opened with it too. */
  readonly unseal?: Pick<OpenOptions, 'seal' | 'environment'>
}

const ID_BYTES = 6
const ANY_DATABASE = 'postgres'
/** A restore that takes longer than this holds its database by its connections all the same. */
const LEFT_AFTER_MS = 24 * HOUR

/** What the environment holds besides is none of the business of a copy. */
const SEAL_VARIABLES = ['COFFRE_SEAL_KEY', 'COFFRE_SEAL_KEY_FILE'] as const

/** As the Coffre itself is unsealed. Its key file lies in its own folder, and not in that of the copy. */
export function unsealAs({
  dataDir,
  seal,
  environment = {},
}: {
  /** Absent: the Coffre is a server's. */
  readonly dataDir?: string | undefined
  readonly seal?: SealChoice | undefined
  readonly environment?: Readonly<Record<string, string | undefined>> | undefined
}): NonNullable<DrillPlace['unseal']> {
  const variables = Object.fromEntries(SEAL_VARIABLES.map((name) => [name, environment[name]]))
  if (seal !== undefined) return { seal, environment: variables }
  const path = dataDir === undefined ? '' : join(dataDir, 'seal.key')
  return { environment: variables, ...(existsSync(path) ? { seal: { provider: 'file', path } } : {}) }
}

/** Makes a scratch place for each backup; see `drillBackup`. */
export function scratchIn(place: DrillPlace): (backup: BackupSummary) => Promise<DrillScratch> {
  return (backup) =>
    backup.source === 'postgres' || backup.facts['store'] === 'postgres'
      ? scratchDatabase(place, backup)
      : scratchFolder(place, backup)
}

export interface SweepOptions {
  /** 24 when absent. */
  readonly olderThanHours?: number
}

/** What drills and restores have left there whose processes were killed. */
export async function sweepScratch(
  { postgres, folder = tmpdir() }: DrillPlace,
  { olderThanHours = LEFT_AFTER_MS / HOUR }: SweepOptions = {},
): Promise<{ readonly removed: readonly string[]; readonly unmarked: readonly string[] }> {
  const olderThanMs = olderThanHours * HOUR
  // A folder says itself whether its drill lives.
  const folders = await sweepFolders(folder, { olderThanMs: Math.min(olderThanMs, HOUR), now: Date.now() })
  if (postgres === undefined) return folders
  const server = { ...postgres, url: inDatabase(postgres.url, ANY_DATABASE) }
  const databases = await sweepDatabases(server, olderThanMs)
  return {
    removed: [...folders.removed, ...databases.removed],
    unmarked: [...folders.unmarked, ...databases.unmarked],
  }
}

/** A database or files as they are now, to compare a restored copy with. */
export function measureNow(
  source:
    | { readonly postgres: DatabasePlace }
    | { readonly sqlite: string }
    | { readonly read: BackupSource },
): Promise<MeasuredSource> {
  if ('postgres' in source) return measurePostgres(source.postgres)
  return 'sqlite' in source ? measureSqliteFile(source.sqlite) : digestOf(source.read)
}

async function digestOf(source: BackupSource): Promise<MeasuredSource> {
  const digest = new Sha256()
  for await (const piece of source.read(new AbortController().signal)) digest.update(piece)
  return { tables: [], counts: source.counts(), sha256: digest.hex() }
}

async function scratchDatabase(
  { postgres, runsScript = false, unseal, folder = tmpdir() }: DrillPlace,
  backup: BackupSummary,
): Promise<DrillScratch> {
  if (postgres === undefined) {
    const facts = { setting: '--scratch', expected: 'a PostgreSQL server: postgres://host/postgres' }
    throw new CoffreError('CONFIG_REFUSED', { facts })
  }
  const id = newId()
  const url = inDatabase(postgres.url, `coffre_drill_${id}`)
  // Roles belong to the server of the source; whose a copy is does not matter to a drill.
  const options = { ...postgres, url, id, runsScript, measure: true, isScratch: true, noOwners: true }
  if (backup.source !== 'coffre') {
    return { target: postgresTarget(options), examine: async () => [], remove: async () => undefined }
  }
  const state = await makeScratchFolder(folder)
  const place = { dataDir: state.path, databaseUrl: url }
  return {
    target: coffrePostgresTarget(options),
    examine: () => examineCoffre(place, unseal),
    remove: () => state.remove(),
  }
}

async function scratchFolder(
  { folder = tmpdir(), unseal }: DrillPlace,
  backup: BackupSummary,
): Promise<DrillScratch> {
  const scratch = await makeScratchFolder(folder)
  const path = join(scratch.path, 'restored')
  return {
    target: targetFor(backup, path),
    examine: async () => (backup.source === 'coffre' ? examineCoffre({ dataDir: path }, unseal) : []),
    remove: () => scratch.remove(),
  }
}

/** A stream, and the roles of a server, are bytes: there is no other place for them that nobody uses. */
function targetFor({ source }: BackupSummary, path: string): RestoreTarget {
  const id = newId()
  if (source === 'files') return filesTarget({ folder: path, id })
  if (source === 'sqlite') return sqliteTarget({ path, id, measure: true })
  if (source === 'coffre') return coffreFolderTarget({ folder: path, id, measure: true })
  return fileTarget({ path, id })
}

/** Its log is whole; and it opens, where what unseals it is here. */
async function examineCoffre(
  place: Pick<OpenOptions, 'dataDir' | 'databaseUrl'>,
  unseal: DrillPlace['unseal'],
): Promise<readonly DrillCheck[]> {
  // Not that of the Coffre that this is a copy of.
  const copy = { ...place, checkpointFile: join(place.dataDir, 'audit-checkpoints') }
  const log = await openAuditLog(copy)
  const { valid } = await log.verify().finally(() => log.close())
  if (!valid) throw new CoffreError('BACKUP_DAMAGED', { facts: { at: 'audit log' } })
  return unseal !== undefined && (await opens({ ...copy, ...unseal }))
    ? ['audit-log', 'unsealed']
    : ['audit-log']
}

/** False where what unseals it is not here. Throws what else is wrong with it. */
async function opens(options: OpenOptions): Promise<boolean> {
  try {
    // A copy has no checkpoints outside of it, which is nothing to warn of.
    const coffre = await openCoffre({ ...options, lostFernetKeys: 'allow', onAlert: () => undefined })
    await coffre.close()
    return true
  } catch (error) {
    if (hasCode(error, 'SEAL_KEY_MISSING')) return false
    throw error
  }
}

function newId(): string {
  return Buffer.from(randomBytes(ID_BYTES)).toString('hex')
}
