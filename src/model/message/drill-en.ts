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
} as const
