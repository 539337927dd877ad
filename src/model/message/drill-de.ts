import type { drillEn } from './drill-en.ts'

export const drillDe: Readonly<Record<keyof typeof drillEn, string>> = {
  'command.backup.drill':
    'Eine Sicherung abseits wiederherstellen, vergleichen und einen signierten Nachweis hinterlassen',
  'command.backup.drills': 'Die Nachweise der Übungen auflisten, und ob eine fällig ist',
  'command.backup.sweep': 'Wegräumen, was abgebrochene Übungen und Wiederherstellungen hinterlassen haben',
  'option.drillScratch': 'wohin: ein PostgreSQL-Server (seine URL ohne Passwort, oder env) oder ein Ordner',
  'option.againstSource':
    'auch mit der jetzigen Quelle vergleichen: PostgreSQL-URL, SQLite-Datei oder Ordner',
  'option.drillIfDue': 'nur wenn fällig: noch keine bestanden, seither andere Schlüssel, oder zu lange her',
  'option.drillMaxAge': 'nach so vielen Tagen ist eine Übung fällig; ohne Angabe 31',
  'option.sweepAge': 'nur ältere Datenbanken; ohne Angabe 24',
  'option.measure':
    'jede Zeile zählen und summieren, zum Vergleich bei Übungen: die Datenbank wird zweimal gelesen',
  'done.backupDrilled':
    'Sicherung {series} {sequence} lässt sich wiederherstellen: {checks} in {seconds} s verglichen, wieder weggenommen.',
  'done.backupDiffers':
    'Sicherung {series} {sequence} lässt sich wiederherstellen, weicht aber an {count} Stellen ab; {checks} in {seconds} s verglichen.',
  'done.drillNotDue': 'Für {series} ist keine Übung fällig.',
  'done.scratchSwept': 'Übriggebliebenes entfernt: {count}.',
  'note.drillDue': 'Eine Übung ist fällig: {reason}. `coffre backup drill {series}`',
  'note.drillsUntrusted': 'Nachweise ohne vertraute Signatur, die nicht zählen: {count}.',
  'note.unmarkedScratch': '{name} heißt wie Unseres, trägt aber unser Zeichen nicht; es bleibt.',
  'column.drilled': 'GEÜBT',
  'column.seconds': 'SEKUNDEN',
  'column.outcome': 'ERGEBNIS',
  'column.checks': 'VERGLICHEN',
  'column.table': 'TABELLE',
  'column.against': 'VERGLICHEN MIT',
  'column.expected': 'ERWARTET',
  'column.restored': 'WIEDERHERGESTELLT',
  'drill.passed': 'bestanden',
  'drill.differs': 'ABWEICHEND',
  'drill.failed': 'die letzte wurde nicht bestanden',
  'drill.record': 'der Aufzeichnung der Sicherung',
  'drill.source': 'der jetzigen Quelle',
  'drill.never': 'es gab noch keine',
  'drill.keys-changed': 'seit der letzten öffnen andere Schlüssel die Sicherungen',
  'drill.rekeyed': 'die Sicherung hat seit der letzten neue Schlüssel',
  'drill.old': 'die letzte ist zu lange her',
}
