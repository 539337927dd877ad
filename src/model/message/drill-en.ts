/** Texts of drills and of recovery. */
export const drillEn = {
  'command.backup.drill': 'Restore a backup into a scratch place, compare it, and leave a signed proof',
  'command.backup.drills': 'List the proofs of drills, and tell whether one is due',
  'command.backup.sweep': 'Remove what killed drills and restores have left in a scratch place',
  'option.drillScratch':
    'where to restore to: a PostgreSQL server (its URL without a password, or env), or a folder',
  'option.againstSource':
    'compare with the source as it is now, too: a PostgreSQL URL, a SQLite file or a folder',
  'option.drillIfDue':
    'only when one is due: none passed yet, other keys open backups since, or it is long ago',
  'option.drillMaxAge': 'a drill is due after so many days; 31 by default',
  'option.sweepAge': 'only databases that are older; 24 by default',
  'option.measure': 'count and sum up every row, for drills to compare with: the database is read twice',
  'done.backupDrilled':
    'Backup {series} {sequence} restores: {checks} compared in {seconds} s, and taken away again.',
  'done.backupDiffers':
    'Backup {series} {sequence} restores, but differs in {count} places; {checks} compared in {seconds} s.',
  'done.drillNotDue': 'No drill of {series} is due.',
  'done.scratchSwept': 'Removed what was left over: {count}.',
  'note.drillDue': 'A drill is due: {reason}. `coffre backup drill {series}`',
  'note.drillsUntrusted': 'Proofs that nobody whom we trust has signed, and that do not count: {count}.',
  'note.unmarkedScratch': '{name} is named as ours are but has no mark of ours; it stays.',
  'column.drilled': 'DRILLED',
  'column.seconds': 'SECONDS',
  'column.outcome': 'OUTCOME',
  'column.checks': 'COMPARED',
  'column.table': 'TABLE',
  'column.against': 'COMPARED WITH',
  'column.expected': 'EXPECTED',
  'column.restored': 'RESTORED',
  'drill.passed': 'passed',
  'drill.differs': 'DIFFERS',
  'drill.failed': 'the last one did not pass',
  'drill.record': 'the record of the backup',
  'drill.source': 'the source as it is now',
  'drill.never': 'there was none yet',
  'drill.keys-changed': 'other keys open backups since the last one',
  'drill.rekeyed': 'the backup has new keys since the last one',
  'drill.old': 'the last one is long ago',
  'option.recoveryShares':
    'several sheets, each with a share of the key: sheet.html becomes sheet-1-of-3.html …',
  'sheet.recoveryShareTitle': 'Coffre: share {number} of {count} of a recovery key',
  'sheet.recoveryShareWhat':
    'Any {threshold} of {count} such pages open every backup that was made for this key, when everything else is gone; fewer tell nothing of it.',
  'sheet.recoveryShareStep1':
    'On any machine with Coffre: write the words or the text below into a file that only you can read; the others do the same with theirs.',
  'sheet.recoveryShareStep3':
    'Everything at once: `coffre backup recover --target … --recovery-key-file … --recovery-key-file … --signer … --all-into …`',
  'command.backup.recover':
    'On a new machine: restore the Coffre of a target with a recovery sheet, and everything else there',
  'argument.coffreSeries': 'the series of the Coffre itself; needed where there are several',
  'option.sealKeySheet': 'the sheet of the seal key, as text or words, where the recovery key is another',
  'option.recoverInto':
    'of a Coffre on PostgreSQL: the database that it shall be in, a URL without a password, or env',
  'option.allInto': 'restore the newest backup of every other series into this folder too',
  'option.recoverDatabases': 'with --all-into: the server for databases, a URL without a password, or env',
  'prompt.recoveryKey': 'The recovery key of the sheet, as text or as words (hidden)',
  'note.recovering': 'Restoring {series} {sequence} …',
  'note.recovered': '{series} {sequence} is restored: {place}',
  'note.notRecovered': '{series} is NOT restored: {code}. `coffre backup restore {series}` says why.',
  'done.recovered':
    'The Coffre of {series} {sequence}, made {createdAt}, is in {dataDir}, and it opens. It took {seconds} s.',
  'note.sealVariable':
    'It is sealed by a variable: export COFFRE_SEAL=environment COFFRE_SEAL_KEY_FILE={file}',
  'note.recoverNext':
    'Next: `coffre audit log verify --data-dir {folder}`; `coffre token create admin --role admin --out admin.token --data-dir {folder}`, since tokens of the old machine still work and their texts are gone with it; `coffre serve --data-dir {folder}`; make a new backup.',
} as const
