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
  'option.recoveryShares':
    'mehrere Blätter mit je einem Anteil des Schlüssels: aus sheet.html wird sheet-1-of-3.html …',
  'sheet.recoveryShareTitle': 'Coffre: Anteil {number} von {count} eines Notfallschlüssels',
  'sheet.recoveryShareWhat':
    'Beliebige {threshold} von {count} solchen Seiten öffnen jede Sicherung für diesen Schlüssel, wenn alles andere weg ist; weniger verraten nichts.',
  'sheet.recoveryShareStep1':
    'Auf irgendeinem Rechner mit Coffre: Wörter oder Text unten in eine Datei schreiben, die nur Sie lesen können; die anderen ebenso.',
  'sheet.recoveryShareStep3':
    'Alles auf einmal: `coffre backup recover --target … --recovery-key-file … --recovery-key-file … --signer … --all-into …`',
  'command.backup.recover':
    'Auf einem neuen Rechner: den Coffre eines Ziels mit einem Notfallblatt wiederherstellen, und alles andere dort',
  'argument.coffreSeries': 'die Reihe des Coffre selbst; nötig, wo es mehrere gibt',
  'option.sealKeySheet':
    'das Blatt des Siegelschlüssels, als Text oder Wörter, wenn der Notfallschlüssel ein anderer ist',
  'option.recoverInto':
    'bei einem Coffre auf PostgreSQL: die Datenbank, in der er sein soll, URL ohne Passwort, oder env',
  'option.allInto': 'auch die neueste Sicherung jeder anderen Reihe in diesen Ordner wiederherstellen',
  'option.recoverDatabases': 'mit --all-into: der Server für Datenbanken, URL ohne Passwort, oder env',
  'prompt.recoveryKey': 'Der Notfallschlüssel des Blatts, als Text oder Wörter (verborgen)',
  'note.recovering': '{series} {sequence} wird wiederhergestellt …',
  'note.recovered': '{series} {sequence} ist wiederhergestellt: {place}',
  'note.notRecovered':
    '{series} ist NICHT wiederhergestellt: {code}. `coffre backup restore {series}` sagt, warum.',
  'done.recovered':
    'Der Coffre von {series} {sequence}, gemacht {createdAt}, ist in {dataDir}, und er öffnet sich. Dauer: {seconds} s.',
  'note.sealVariable':
    'Eine Variable versiegelt ihn: export COFFRE_SEAL=environment COFFRE_SEAL_KEY_FILE={file}',
  'note.recoverNext':
    'Weiter: `coffre audit log verify --data-dir {folder}`; `coffre token create admin --role admin --out admin.token --data-dir {folder}`, denn Token des alten Rechners gelten, ihre Texte sind aber mit ihm weg; `coffre serve --data-dir {folder}`; eine neue Sicherung machen.',
}
