import type { BackupScheduleOptions } from './app-backup-schedule.ts'
import { readFernetRing } from './app-fernet.ts'
import { openAuditLog, requireStoredFernetKeys } from './app-store.ts'
import { readCertificate } from './crypto/certificate.ts'
import { toInstant } from './model/clock.ts'
import type { Secret } from './model/secret.ts'
import type { Finding } from './monitor/doctor/finding.ts'
import { examine, type FolderRequest } from './monitor/doctor/folder.ts'
import { isSupportedRuntime } from './version.ts'

export interface ExamineOptions extends FolderRequest {
  readonly databaseUrl?: Secret
  /** Backups that are declared; throws CONFIG_REFUSED. Absent where none are. */
  readonly readBackups?: () => Promise<BackupScheduleOptions | undefined>
}

/** What a Coffre stands on: `coffre doctor`. Reads no secret but FERNET_SECRET_KEY, migrates nothing, and leaves a running server alone. */
export async function examineFolder(options: ExamineOptions): Promise<readonly Finding[]> {
  const { dataDir, databaseUrl, environment } = options
  const { node } = process.versions
  const checkpointFile = environment['COFFRE_CHECKPOINT_FILE'] ?? ''
  const place = {
    dataDir,
    ...(databaseUrl === undefined ? {} : { databaseUrl }),
    ...(checkpointFile === '' ? {} : { checkpointFile }),
  }
  return examine(options, {
    now: toInstant(Date.now()),
    runtime: { version: node, isSupported: isSupportedRuntime(node) },
    openLog: () => openAuditLog(place),
    requireFernetKeys: () =>
      requireStoredFernetKeys(place, readFernetRing({ environment, folder: process.cwd() })),
    readCertificate,
    examineFile: async () => (await import('./store/sqlite/examine-file.ts')).examineFile(dataDir),
    ...(databaseUrl === undefined ? {} : { examineServer: () => askServer(databaseUrl) }),
    ...(options.readBackups === undefined
      ? {}
      : { readBackups: () => viewBackups(place, options.readBackups) }),
  })
}

async function viewBackups(
  place: { readonly dataDir: string; readonly databaseUrl?: Secret },
  readBackups: ExamineOptions['readBackups'],
) {
  const backups = await readBackups?.()
  if (backups === undefined) return []
  const { viewSchedules } = await import('./app-backup-schedule.ts')
  return viewSchedules({ ...place, backups })
}

async function askServer(databaseUrl: Secret) {
  const { examineServer } = await import('./store/postgres/examine-server.ts')
  return examineServer(databaseUrl.reveal(), Date.now)
}
