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
  'option.recoveryShares':
    'plusieurs feuilles, chacune avec une part de la clé : sheet.html devient sheet-1-of-3.html …',
  'sheet.recoveryShareTitle': 'Coffre : part {number} sur {count} d’une clé de secours',
  'sheet.recoveryShareWhat':
    '{threshold} de ces {count} pages ouvrent chaque sauvegarde faite pour cette clé, quand tout le reste est perdu ; moins n’en disent rien.',
  'sheet.recoveryShareStep1':
    'Sur n’importe quelle machine avec Coffre : écrivez les mots ou le texte ci-dessous dans un fichier que vous seul pouvez lire ; les autres font de même.',
  'sheet.recoveryShareStep3':
    'Tout d’un coup : `coffre backup recover --target … --recovery-key-file … --recovery-key-file … --signer … --all-into …`',
  'command.backup.recover':
    'Sur une nouvelle machine : restaurer le Coffre d’une destination avec une feuille de secours, et tout le reste',
  'argument.coffreSeries': 'la série du Coffre lui-même ; nécessaire s’il y en a plusieurs',
  'option.sealKeySheet':
    'la feuille de la clé de scellement, en texte ou en mots, si la clé de secours en est une autre',
  'option.recoverInto':
    'd’un Coffre sur PostgreSQL : la base où il doit être, une URL sans mot de passe, ou env',
  'option.allInto': 'restaurer aussi la sauvegarde la plus récente de chaque autre série dans ce dossier',
  'option.recoverDatabases': 'avec --all-into : le serveur des bases, une URL sans mot de passe, ou env',
  'prompt.recoveryKey': 'La clé de secours de la feuille, en texte ou en mots (masquée)',
  'note.recovering': 'Restauration de {series} {sequence} …',
  'note.recovered': '{series} {sequence} est restaurée : {place}',
  'note.notRecovered':
    '{series} n’est PAS restaurée : {code}. `coffre backup restore {series}` dit pourquoi.',
  'done.recovered':
    'Le Coffre de {series} {sequence}, faite le {createdAt}, est dans {dataDir}, et il s’ouvre. Durée : {seconds} s.',
  'note.sealVariable': 'Une variable le scelle : export COFFRE_SEAL=environment COFFRE_SEAL_KEY_FILE={file}',
  'note.recoverNext':
    'Ensuite : `coffre audit log verify --data-dir {folder}` ; `coffre token create admin --role admin --out admin.token --data-dir {folder}`, car les jetons de l’ancienne machine sont valables mais leurs textes sont perdus ; `coffre serve --data-dir {folder}` ; puis une nouvelle sauvegarde.',
}
