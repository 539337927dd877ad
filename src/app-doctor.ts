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
  })
}

async function askServer(databaseUrl: Secret) {
  const { examineServer } = await import('./store/postgres/examine-server.ts')
  return examineServer(databaseUrl.reveal(), Date.now)
}
