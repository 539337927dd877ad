import { checkBackupKey, decryptBackup as openFile, encryptBackup as sealFile } from 'coffre'

/*
 * The service of IMP-008 under its own names, by Coffre: layout A is written, A and C are read
 * (docs/spec/backup-layouts.md). The key is BACKUP_ENCRYPTION_KEY; without one nothing is written.
 */

export async function encryptBackup(inputPath: string, outputPath: string): Promise<void> {
  await sealFile(inputPath, outputPath, checkBackupKey(process.env['BACKUP_ENCRYPTION_KEY']))
}

/** Also under BACKUP_ENCRYPTION_KEY_PREVIOUS, while one key replaces the other. */
export async function decryptBackup(inputPath: string, outputPath: string): Promise<void> {
  const previous = process.env['BACKUP_ENCRYPTION_KEY_PREVIOUS'] ?? ''
  const key = checkBackupKey(process.env['BACKUP_ENCRYPTION_KEY'])
  await openFile(inputPath, outputPath, previous === '' ? key : [key, previous])
}
