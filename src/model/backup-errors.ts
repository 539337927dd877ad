import type { ErrorRow } from './errors.ts'

/** Rows of the table of errors: what backups say. */
export const BACKUP_ERRORS = {
  BACKUP_NOT_FOUND: {
    fault: 'caller',
    sentence: 'There is no such backup.',
    next: '`coffre backup list` shows what the target holds.',
  },
  BACKUP_DAMAGED: {
    fault: 'operator',
    sentence: 'This backup is incomplete or was changed.',
    next: 'Restore another one; `coffre backup verify` tells which are whole. Nothing was restored.',
  },
  BACKUP_UNTRUSTED: {
    fault: 'operator',
    sentence: 'Nobody whom you trust has signed this backup.',
    next: 'Name its signer with `--signer` (it stands on the recovery sheet), or find out who can write to the target.',
  },
  BACKUP_ROLLED_BACK: {
    fault: 'operator',
    sentence: 'The target holds an older state of this series than was seen before.',
    next: 'Find out who put it back; with `--accept-older` the older state counts from now on.',
  },
  BACKUP_KEY_MISSING: {
    fault: 'caller',
    sentence: 'Nothing that was given opens this backup.',
    next: 'Give one of what `coffre backup inspect` lists: the Coffre with that key, the passphrase or the recovery key.',
  },
  BACKUP_SCHEDULE_NOT_FOUND: {
    fault: 'caller',
    sentence: 'No backup of this name is scheduled here.',
    next: '`coffre backup status` lists those that are; COFFRE_BACKUP_SCHEDULE names the file that declares them.',
  },
  BACKUP_RUN_NOT_FOUND: {
    fault: 'caller',
    sentence: 'There is no such run.',
    next: '`coffre backup runs` lists those that are kept.',
  },
  BACKUP_RUN_UNDER_WAY: {
    fault: 'caller',
    sentence: 'A run of this backup is under way already.',
    next: 'Wait for its end; `coffre backup status` shows it.',
  },
  BACKUP_MISSED: {
    fault: 'operator',
    sentence: 'A scheduled backup was not made: nobody was there to make it in time.',
    next: 'Find out why the server was down or sealed, and make one now with `coffre backup run`.',
  },
  BACKUP_INTERRUPTED: {
    fault: 'operator',
    sentence: 'The backup was interrupted: its server was stopped.',
    next: 'Make it again with `coffre backup run`. What was written of it is no backup.',
  },
  BACKUP_SOURCE_FAILED: {
    fault: 'operator',
    sentence: 'What is to be backed up could not be read whole, so there is no backup of it.',
    next: 'Correct what is named here and make the backup again.',
  },
  BACKUP_DIFFERS: {
    fault: 'operator',
    sentence: 'What a drill restored is not what its backup recorded.',
    next: '`coffre backup drill` lists the tables that differ. Keep the backups before it until one passes.',
  },
  BACKUP_CONTENT_REFUSED: {
    fault: 'operator',
    sentence: 'This backup holds something that may not be restored; the target is as it was.',
    next: 'Find out who made it; take an older backup, or the option that is named here.',
  },
  RESTORE_REFUSED: {
    fault: 'operator',
    sentence: 'The restore was refused before anything was changed.',
    next: 'Correct what is named here, or restore to another place.',
  },
  RESTORE_FAILED: {
    fault: 'system',
    sentence: 'The restore could not be completed; the target is as it was.',
    next: 'Correct what is named here and restore again.',
  },
} as const satisfies Record<string, ErrorRow>
