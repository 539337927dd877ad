import { checkBackupKey } from 'coffre'

/** At the start of an application (IMP-008): no key, a placeholder or a text is refused with the command that makes one. */
export function validate<Settings extends Readonly<Record<string, unknown>>>(settings: Settings): Settings {
  const key = settings['BACKUP_ENCRYPTION_KEY']
  checkBackupKey(typeof key === 'string' ? key : undefined)
  return settings
}
