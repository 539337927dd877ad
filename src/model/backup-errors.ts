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
} as const satisfies Record<string, ErrorRow>
