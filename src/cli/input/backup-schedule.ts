import type { BackupScheduleOptions } from '../../app.ts'
import { MAX_SCHEDULE_FILE_BYTES, parseBackupSchedule } from '../../config-backups.ts'
import type { OptionRow } from '../command-row.ts'
import type { Sources } from '../invocation.ts'
import { readApplicationSecrets } from './backup-secrets.ts'
import { readObjectSettings } from './object-settings.ts'
import { readLimitedFile } from './read-limited.ts'

export const SCHEDULE_FILE: OptionRow = { flags: '--backup-schedule <file>', help: 'option.backupSchedule' }

/** What --backup-schedule or COFFRE_BACKUP_SCHEDULE declares; empty where neither is given. Throws CONFIG_REFUSED. */
export async function chooseBackupSchedule(
  invocation: Sources,
): Promise<{ readonly backups?: BackupScheduleOptions }> {
  const { environment } = invocation.terminal
  const path = invocation.options.text('backup-schedule') ?? environment['COFFRE_BACKUP_SCHEDULE'] ?? ''
  if (path === '') return {}
  const limit = { name: 'COFFRE_BACKUP_SCHEDULE', maximumBytes: MAX_SCHEDULE_FILE_BYTES }
  const text = Buffer.from(await readLimitedFile(path, limit)).toString('utf8')
  const { COFFRE_BACKUP_TARGET: target = '', COFFRE_BACKUP_SEEN: seenFile = '' } = environment
  return {
    backups: {
      declared: parseBackupSchedule(text, target === '' ? {} : { target }),
      s3: await readObjectSettings(invocation),
      apartFrom: await readApplicationSecrets(invocation),
      ...(seenFile === '' ? {} : { seenFile }),
    },
  }
}
