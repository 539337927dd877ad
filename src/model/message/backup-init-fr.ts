import type { backupInitEn } from './backup-init-en.ts'

export const backupInitFr: Readonly<Record<keyof typeof backupInitEn, string>> = {
  'command.backup.init':
    'Préparer des sauvegardes chaque nuit : quoi, où et quand, avec une feuille de secours',
  'option.initSeries': 'le nom de la série ; par défaut celui de la base, du fichier ou du dossier',
  'option.initPostgres':
    'sauvegarder la base PostgreSQL dont l’URL, avec son mot de passe, est dans ce fichier',
  'option.initTime': 'à quelle heure, chaque jour ; 02:00 par défaut',
  'option.initTimeZone': 'le fuseau de cette heure, comme Europe/Paris ; par défaut celui de cette machine',
  'option.initOut': 'écrire la déclaration dans ce nouveau fichier ; backups.json par défaut',
  'option.initSheet':
    'écrire la feuille de secours dans ce nouveau fichier, .html avec un code QR ou .txt ; recovery-sheet.html par défaut',
  'prompt.initWhat': 'Que faut-il sauvegarder ?',
  'prompt.initPostgres': 'Une base PostgreSQL',
  'prompt.initSqlite': 'Un fichier SQLite',
  'prompt.initFiles': 'Un dossier',
  'prompt.initStore': 'Ce Coffre lui-même',
  'prompt.initUrl': 'Son URL, postgres://utilisateur:mot-de-passe@hôte/base (masquée)',
  'prompt.initSqlitePath': 'Quel fichier ?',
  'prompt.initFolder': 'Quel dossier ?',
  'prompt.initTarget': 'Vers où ? Un dossier qui existe, ou s3://compartiment/préfixe',
  'prompt.initTime': 'À quelle heure, chaque jour ?',
  'usage.timeOfDay': '{name} est une heure, comme 02:00.',
  'usage.keyExists':
    '{path} existe déjà, et d’anciennes sauvegardes ne s’ouvrent peut-être qu’avec cette clé. Nommer un autre fichier avec --sheet, ou sa moitié publique avec --recovery.',
  'note.initSource': 'La source se lit ({source}).',
  'note.initTarget': 'La destination est là : {place}',
  'done.backupInit': '{file} déclare {series} ; la première sauvegarde est prévue le {at}.',
  'note.initServe': 'Chaque nuit : `coffre serve --backup-schedule {file}`',
  'note.initRun':
    'La première maintenant, avec son exercice : `coffre backup run {series} --backup-schedule {file}`',
  'note.initDrill': 'Un exercice à tout moment : `coffre backup drill {series} --target {place}`',
  'note.initSheet': 'Imprimez {file}, puis effacez-le : il ouvre chacune de ces sauvegardes.',
}
