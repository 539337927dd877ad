import type { backupEn } from './backup-en.ts'

export const backupDe: Readonly<Record<keyof typeof backupEn, string>> = {
  'group.backup': 'Verschlüsselte Sicherungen, die sich wiederherstellen lassen',
  'command.backup.create': 'Eine verschlüsselte Sicherung machen',
  'command.backup.list': 'Die Sicherungen einer Reihe auflisten',
  'command.backup.inspect': 'Zeigen, was eine Sicherung ist, ohne sie zu öffnen',
  'command.backup.verify': 'Eine Sicherung ganz entschlüsseln und vergleichen, ohne etwas zu schreiben',
  'command.backup.restore': 'Eine Sicherung wiederherstellen; das Ziel ändert sich erst, wenn alles echt war',
  'command.backup.cat': 'Den Inhalt einer Sicherung auf die Standardausgabe schreiben',
  'command.backup.prune': 'Alte Sicherungen nach Tagen, Wochen und Monaten löschen',
  'command.backup.rekey': 'Ändern, wer eine Sicherung öffnen kann; ihr Körper bleibt, wie er ist',
  'command.backup.recovery-key':
    'Einen Notfallschlüssel machen: ein Blatt Papier, und eine öffentliche Hälfte für Sicherungen',
  'command.backup.encrypt-file': 'Eine Datei im Format von IMP-008 mit BACKUP_ENCRYPTION_KEY verschlüsseln',
  'command.backup.decrypt-file': 'Eine Datei von IMP-008 entschlüsseln',
  'argument.series': 'Name der Reihe, zum Beispiel nightly',
  'argument.sequence': 'Nummer der Sicherung; ohne Angabe die neueste',
  'argument.inputFile': 'Datei, die gelesen wird',
  'argument.outputFile': 'Datei, die geschrieben wird (Modus 0600)',
  'option.backupTarget':
    'wo die Sicherungen liegen: ein Ordner oder s3://bucket/präfix (COFFRE_BACKUP_TARGET)',
  'option.backupSigner': 'auch Sicherungen trauen, die dieser Prüfschlüssel signiert hat',
  'option.recoveryKeyFile':
    'mit dem Notfallschlüssel dieser Datei öffnen, als Text oder Wörter; - für die Standardeingabe',
  'option.openBackupPassphrase': 'mit der Passphrase dieser Datei öffnen (COFFRE_BACKUP_PASSPHRASE)',
  'option.acceptOlder': 'von einem Stand des Ziels ausgehen, der älter ist als der gesehene',
  'option.backupFiles': 'Dateien und Ordner; mehrfach möglich',
  'option.only':
    'nur diese Datei oder diesen Ordner einer Sicherung von Dateien, oder diese Tabelle einer Datenbank',
  'option.fromSeal':
    'der Siegelschlüssel ist auch der Notfallschlüssel: das Blatt von `coffre operator recovery-sheet` öffnet die Sicherungen',
  'done.recoveryKeyOfSeal':
    'Sicherungen nehmen {publicFile} mit --recovery, und das Blatt des Siegelschlüssels öffnet sie. Notieren Sie den Signierer darauf: {signer}',
  'option.backupPostgres':
    'eine PostgreSQL-Datenbank: ihre URL ohne Passwort, oder env für COFFRE_BACKUP_DATABASE_URL',
  'option.dumpFormat': 'custom (ohne Angabe) stellt auch einzelne Tabellen wieder her; plain ist SQL',
  'option.backupGlobals': 'die Rollen und Tablespaces des Servers statt einer Datenbank',
  'option.backupSqlite': 'eine SQLite-Datenbank, während andere in sie schreiben',
  'option.backupStore': 'der Speicher dieses Coffre selbst, weiterhin versiegelt',
  'option.endConnections': 'Verbindungen anderer zu einer ersetzten Datenbank beenden',
  'option.dropBefore': 'die ersetzte Datenbank löschen, statt sie unter anderem Namen zu behalten',
  'option.withoutOwners': 'alles gehört dem, der wiederherstellt: für einen Server ohne die alten Rollen',
  'option.runScript': 'einen plain-Dump ausführen, und was immer darin steht',
  'option.rehearse': 'neben dem Ziel wiederherstellen, vergleichen und wieder wegnehmen',
  'done.backupRehearsed':
    'Sicherung {series} {sequence} neben {into} wiederhergestellt, verglichen und wieder weggenommen: {size}.',
  'option.replaceRestored': 'ersetzen, was da ist; dessen Inhalt bleibt unter anderem Namen',
  'option.acceptAnySigner': 'weitermachen, obwohl niemand, dem wir trauen, die Sicherung signiert hat',
  'option.backupKey': 'der Schlüssel des Coffre, der sie öffnet; ohne Angabe backup, bei Bedarf gemacht',
  'option.noBackupKey': 'kein Schlüssel des Coffre öffnet sie',
  'option.recovery':
    'ein Notfallschlüssel, hier seine öffentliche Hälfte, öffnet sie (COFFRE_BACKUP_RECOVERY)',
  'option.backupPassphraseFor': 'die Passphrase dieser Datei öffnet sie (COFFRE_BACKUP_PASSPHRASE)',
  'option.compression': 'wie sie komprimiert wird; ohne Angabe zstd',
  'option.backupNote': 'eine Notiz, die jeder lesen kann, der das Ziel sieht',
  'option.backupName': 'wie der Inhalt heißt; ohne Angabe der Name der Datei',
  'option.allBackups': 'jede Sicherung der Reihe',
  'option.keepLast': 'so viele der neuesten behalten',
  'option.keepDaily': 'die neueste von so vielen Tagen behalten',
  'option.keepWeekly': 'die neueste von so vielen Wochen behalten',
  'option.keepMonthly': 'die neueste von so vielen Monaten behalten',
  'option.into': 'wohin sie wiederhergestellt wird',
  'option.backupStored': 'wie sie gespeichert ist: noch komprimiert',
  'option.recoveryPublicOut': 'die öffentliche Hälfte in diese neue Datei schreiben',
  'done.backupCreated': 'Sicherung {series} {sequence} geschrieben, {size}.',
  'done.backupVerified': 'Sicherung {series} {sequence} ist ganz: {size} Inhalt.',
  'done.backupRestored': 'Sicherung {series} {sequence} nach {into} wiederhergestellt, {size}.',
  'done.backupsPruned': '{removed} Sicherungen gelöscht; {kept} bleiben.',
  'done.backupRekeyed':
    'Sicherung {series} {sequence} hat neue Schlüssel; alte Kopien ihres Manifests öffnen sich noch mit den alten.',
  'done.recoveryKey':
    'Drucken Sie {file}, und löschen Sie es dann. Sicherungen nehmen {publicFile} mit --recovery; sein Fingerabdruck ist {fingerprint}.',
  'done.layoutFile': '{file} geschrieben.',
  'prompt.pruneBackups': '{removed} Sicherungen löschen und {kept} behalten?',
  'note.backupsDoubtful':
    'Nicht jede Sicherung ist da und vertrauenswürdig; es fehlen: {count}. `coffre backup verify --all` prüft jede.',
  'column.sequence': 'NUMMER',
  'column.source': 'QUELLE',
  'column.size': 'GRÖSSE',
  'column.openedBy': 'ÖFFNET MIT',
  'field.series': 'Sicherung',
  'field.source': 'Quelle',
  'field.facts': 'Angaben',
  'field.compression': 'Kompression',
  'field.size': 'Größe',
  'field.openedBy': 'Öffnet mit',
  'field.signer': 'Signiert von',
  'field.note': 'Notiz',
  'backup.trusted': 'von uns signiert',
  'backup.untrusted': 'NICHT VERTRAUENSWÜRDIG',
  'backup.missing': 'FEHLT',
  'sheet.recoveryTitle': 'Coffre: Notfallschlüssel',
  'sheet.recoveryWhat':
    'Dieser Schlüssel öffnet jede Sicherung, die für ihn gemacht wurde, wenn alles andere fort ist. Wer dieses Blatt und eine Sicherung hat, liest sie.',
  'sheet.recoveryStep1':
    'Auf irgendeinem Rechner mit Coffre: schreiben Sie die Wörter oder den Text unten in eine Datei, die nur Sie lesen können.',
  'sheet.recoveryStep2':
    '`coffre backup list <series> --target …` zeigt, was da ist; die Signierer unten sagen, von wem.',
  'sheet.recoveryStep3':
    'Dann wiederherstellen: `coffre backup restore <series> --target … --recovery-key-file … --signer … --into …`',
  'sheet.fingerprint': 'Fingerabdruck: {fingerprint}',
  'sheet.signer': 'Signierer: {signer}',
}
