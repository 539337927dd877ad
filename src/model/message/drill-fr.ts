import type { drillEn } from './drill-en.ts'

export const drillFr: Readonly<Record<keyof typeof drillEn, string>> = {
  'command.backup.drill': 'Restaurer une sauvegarde à l’écart, la comparer et laisser une preuve signée',
  'command.backup.drills': 'Lister les preuves des exercices, et dire si un exercice est dû',
  'command.backup.sweep': 'Enlever ce que des exercices et restaurations interrompus ont laissé',
  'option.drillScratch':
    'où restaurer : un serveur PostgreSQL (son URL sans mot de passe, ou env), ou un dossier',
  'option.againstSource':
    'comparer aussi avec la source actuelle : une URL PostgreSQL, un fichier SQLite ou un dossier',
  'option.drillIfDue': 'seulement si un exercice est dû : aucun réussi, clés changées depuis, ou trop ancien',
  'option.drillMaxAge': 'un exercice est dû après ce nombre de jours ; 31 par défaut',
  'option.sweepAge': 'seulement les bases plus anciennes ; 24 par défaut',
  'option.measure':
    'compter et sommer chaque ligne, pour la comparaison des exercices : la base est lue deux fois',
  'done.backupDrilled':
    'La sauvegarde {series} {sequence} se restaure : {checks} comparés en {seconds} s, puis enlevée.',
  'done.backupDiffers':
    'La sauvegarde {series} {sequence} se restaure, mais diffère à {count} endroits ; {checks} comparés en {seconds} s.',
  'done.drillNotDue': 'Aucun exercice de {series} n’est dû.',
  'done.scratchSwept': 'Restes enlevés : {count}.',
  'note.drillDue': 'Un exercice est dû : {reason}. `coffre backup drill {series}`',
  'note.drillsUntrusted': 'Preuves sans signature de confiance, qui ne comptent pas : {count}.',
  'note.unmarkedScratch': '{name} porte un nom comme les nôtres, mais pas notre marque ; on n’y touche pas.',
  'column.drilled': 'EXERCICE',
  'column.seconds': 'SECONDES',
  'column.outcome': 'RÉSULTAT',
  'column.checks': 'COMPARÉ',
  'column.table': 'TABLE',
  'column.against': 'COMPARÉ AVEC',
  'column.expected': 'ATTENDU',
  'column.restored': 'RESTAURÉ',
  'drill.passed': 'réussi',
  'drill.differs': 'DIFFÉRENT',
  'drill.failed': 'le dernier n’a pas réussi',
  'drill.record': 'le relevé de la sauvegarde',
  'drill.source': 'la source actuelle',
  'drill.never': 'il n’y en a pas encore eu',
  'drill.keys-changed': 'd’autres clés ouvrent les sauvegardes depuis le dernier',
  'drill.rekeyed': 'la sauvegarde a de nouvelles clés depuis le dernier',
  'drill.old': 'le dernier est trop ancien',
}
