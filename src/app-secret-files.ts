import { CoffreError, hasCode } from './model/errors.ts'
import type { SecretFilesParts } from './service/secret-files/with-project.ts'

export type { SecretFilesParts }
export {
  type Checked,
  type CheckedFile,
  type CheckRequest,
  checkSecretKeys,
} from './service/secret-files/check/check.ts'
export { type Box, type Checklist, checklist } from './service/secret-files/check/checklist.ts'
export type { KeyFinding, KeyFindingCode } from './service/secret-files/check/finding.ts'
export {
  coffreHolder,
  type FileKeyHolder,
  passphraseHolder,
} from './service/secret-files/encrypted/file-key.ts'
export {
  decryptSecretFile,
  diffSecretFile,
  editSecretFile,
  encryptSecretFile,
  planEdit,
  planEncryption,
  readSlotKinds,
  readVariables,
  type SecretDifference,
  type VariablesOptions,
} from './service/secret-files/encrypted/secret-file.ts'
export { type RunRequest, runWithSecrets } from './service/secret-files/run/run-with-secrets.ts'
export { installHook, planHook } from './service/secret-files/scan/install-hook.ts'
export {
  type Scanned,
  type ScanFinding,
  type ScanRequest,
  scanProject,
} from './service/secret-files/scan/scan-project.ts'
export { type ExportRequest, exportSecretKey, keyFilesInUse } from './service/secret-files/export.ts'
export {
  type Generated,
  type GenerateRequest,
  generateSecretKey,
  type PlannedKey,
  planSecretKey,
} from './service/secret-files/generate.ts'
export type { WrittenFile } from './service/secret-files/key-files.ts'
export type { BackupView } from './service/secret-files/backup.ts'
export {
  listKeyBackups,
  planRecovery,
  type RecoverRequest,
  recoverSecretKey,
  revealBackup,
} from './service/secret-files/recover.ts'
export {
  type PlannedRetirement,
  planRetirement,
  planRotation,
  type Retirement,
  retirePreviousKey,
  type Rotated,
  type RotateRequest,
  rotateSecretKey,
} from './service/secret-files/rotate.ts'
export type { SessionProbe } from './service/secret-files/run/session-probe.ts'
export { planReplacement, replaceValue } from './service/secret-files/replace-value.ts'
export { readSecretKey } from './service/secret-files/secret-key.ts'

export {
  type FileEvent,
  type FileEventType,
  type WatchRequest,
  watchSecretFiles,
} from './service/secret-files/watch/watch-files.ts'

/** What the work on the secret files of `folder` stands on. */
export function secretFilesOf(folder: string): SecretFilesParts {
  return { folder, now: Date.now, lock: lockProject }
}

async function lockProject(path: string): Promise<() => void> {
  const { takeLock } = await import('./store/sqlite/folder-lock.ts')
  try {
    return await takeLock(path)
  } catch (error) {
    if (hasCode(error, 'STORE_IN_USE')) throw new CoffreError('SECRET_FILE_BUSY')
    throw error
  }
}
