import type { backupInitEn } from './backup-init-en.ts'

export const backupInitDe: Readonly<Record<keyof typeof backupInitEn, string>> = {
  'command.backup.init': 'Nächtliche Sicherungen einrichten: was, wohin und wann, mit einem Notfallblatt',
  'option.initSeries': 'der Name der Reihe; sonst der der Datenbank, der Datei oder des Ordners',
  'option.initPostgres': 'die PostgreSQL-Datenbank sichern, deren URL mit Passwort in dieser Datei steht',
  'option.initTime': 'um welche Zeit, jeden Tag; sonst 02:00',
  'option.initTimeZone': 'die Zeitzone dieser Zeit, etwa Europe/Paris; sonst die dieses Rechners',
  'option.initOut': 'die Erklärung in diese neue Datei schreiben; sonst backups.json',
  'option.initSheet':
    'das Notfallblatt in diese neue Datei schreiben, .html mit QR-Code oder .txt; sonst recovery-sheet.html',
  'prompt.initWhat': 'Was soll gesichert werden?',
  'prompt.initPostgres': 'Eine PostgreSQL-Datenbank',
  'prompt.initSqlite': 'Eine SQLite-Datei',
  'prompt.initFiles': 'Ein Ordner',
  'prompt.initStore': 'Dieser Coffre selbst',
  'prompt.initUrl': 'Ihre URL, postgres://benutzer:passwort@rechner/datenbank (verborgen)',
  'prompt.initSqlitePath': 'Welche Datei?',
  'prompt.initFolder': 'Welcher Ordner?',
  'prompt.initTarget': 'Wohin? Ein Ordner, den es gibt, oder s3://bucket/prefix',
  'prompt.initTime': 'Um welche Zeit, jeden Tag?',
  'usage.timeOfDay': '{name} ist eine Tageszeit, etwa 02:00.',
  'usage.keyExists':
    '{path} gibt es schon, und ältere Sicherungen öffnet vielleicht nur dieser Schlüssel. Mit --sheet eine andere Datei nennen oder mit --recovery seine öffentliche Hälfte.',
  'note.initSource': 'Die Quelle lässt sich lesen ({source}).',
  'note.initTarget': 'Das Ziel ist da: {place}',
  'done.backupInit': '{file} erklärt {series}; die erste Sicherung ist {at} fällig.',
  'note.initServe': 'Jede Nacht: `coffre serve --backup-schedule {file}`',
  'note.initRun': 'Die erste jetzt, mit ihrer Übung: `coffre backup run {series} --backup-schedule {file}`',
  'note.initDrill': 'Jederzeit eine Übung: `coffre backup drill {series} --target {place}`',
  'note.initSheet': '{file} ausdrucken und dann löschen: es öffnet jede dieser Sicherungen.',
}
