import { CoffreError, hasCode } from './model/errors.ts'
import type { SecretFilesParts } from './service/secret-files/with-project.ts'

export { type Checked, checkSecretKeys } from './service/secret-files/check/check.ts'
export { checklist } from './service/secret-files/check/checklist.ts'
export type { KeyFinding } from './service/secret-files/check/finding.ts'
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
  readSlotKinds,
  readVariables,
} from './service/secret-files/encrypted/secret-file.ts'
export { runWithSecrets } from './service/secret-files/run/run-with-secrets.ts'
export { installHook } from './service/secret-files/scan/install-hook.ts'
export { scanProject } from './service/secret-files/scan/scan-project.ts'
export { exportSecretKey, keyFilesInUse } from './service/secret-files/export.ts'
export { type Generated, generateSecretKey, planSecretKey } from './service/secret-files/generate.ts'
export { listKeyBackups, recoverSecretKey, revealBackup } from './service/secret-files/recover.ts'
export {
  planRotation,
  retirePreviousKey,
  type Rotated,
  rotateSecretKey,
} from './service/secret-files/rotate.ts'
export { readSecretKey } from './service/secret-files/secret-key.ts'

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
