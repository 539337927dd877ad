import type { backupScheduleEn } from './backup-schedule-en.ts'

export const backupScheduleFr: Readonly<Record<keyof typeof backupScheduleEn, string>> = {
  'command.backup.status':
    'Montrer les sauvegardes que fait le serveur, la dernière et la prochaine de chacune',
  'command.backup.run':
    'Faire maintenant une sauvegarde planifiée, ou en vérifier une, et en attendre la fin',
  'command.backup.runs': 'Lister les exécutions d’une sauvegarde planifiée, la plus récente d’abord',
  'option.backupSchedule': 'le fichier qui dit quoi sauvegarder et quand (COFFRE_BACKUP_SCHEDULE)',
  'option.runVerify': 'déchiffrer une sauvegarde en entier et la comparer, au lieu d’en faire une',
  'option.runSequence': 'le numéro de la sauvegarde à vérifier ; la plus récente par défaut',
  'option.runsLimit': 'combien, de 1 à 100 ; 20 par défaut',
  'note.noSchedule':
    'Aucune sauvegarde n’est planifiée : COFFRE_BACKUP_SCHEDULE nomme le fichier qui dit lesquelles.',
  'column.series': 'SÉRIE',
  'column.lastBackup': 'DERNIÈRE',
  'column.nextRun': 'PROCHAINE',
  'column.runAt': 'POUR',
  'column.work': 'TRAVAIL',
  'column.askedBy': 'DEMANDÉ PAR',
  'field.target': 'Destination',
  'field.cron': 'Horaire',
  'field.keep': 'Garde',
  'field.lastBackup': 'Dernière',
  'field.nextRun': 'Prochaine',
  'field.failures': 'Échouées',
  'field.misses': 'Manquées',
  'backup.work.create': 'sauvegarde',
  'backup.work.verify': 'vérification',
  'backup.run.waiting': 'en attente',
  'backup.run.running': 'en cours',
  'backup.run.done': 'faite',
  'backup.run.failed': 'ÉCHOUÉE',
  'backup.run.missed': 'MANQUÉE',
  'backup.health.ok': 'en ordre',
  'backup.health.failed': 'ÉCHOUÉE',
  'backup.health.missed': 'MANQUÉE',
  'backup.health.none': 'aucune encore',
}
