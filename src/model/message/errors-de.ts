import type { ErrorTexts } from './catalogue.ts'

export const errorsDe: ErrorTexts = {
  INVALID_REQUEST: {
    sentence: 'Die Anfrage ist ungültig.',
    next: 'Berichtigen Sie das oben genannte Feld und versuchen Sie es erneut.',
  },
  LIMIT_EXCEEDED: {
    sentence: 'Die Eingabe ist größer, als dieser Vorgang erlaubt.',
    next: 'Teilen Sie die Eingabe auf oder verarbeiten Sie sie stapelweise innerhalb der Grenzen der Referenz.',
  },
  BUSY: {
    sentence: 'Es wartet schon zu viel aufwendige Arbeit.',
    next: 'Warten Sie einen Augenblick und versuchen Sie es erneut.',
  },
  NOT_FOUND: {
    sentence: 'Unter dieser Adresse gibt es nichts.',
    next: 'Vergleichen Sie Pfad und Methode mit /openapi.json.',
  },
  UNAUTHENTICATED: {
    sentence: 'Ein gültiges Token ist nötig.',
    next: 'Geben Sie in COFFRE_TOKEN_FILE oder COFFRE_TOKEN ein Token an, das weder abgelaufen noch widerrufen ist.',
  },
  FORBIDDEN: {
    sentence: 'Dieses Token erlaubt das nicht.',
    next: 'Verwenden Sie ein Token, dessen Rolle und Richtlinien es erlauben; `coffre policy test` nennt die Regel, die entscheidet.',
  },
  TOKEN_NOT_FOUND: {
    sentence: 'Dieses Token gibt es nicht.',
    next: 'Zeigen Sie die Tokens mit `coffre token list` an.',
  },
  POLICY_NOT_FOUND: {
    sentence: 'Diese Richtlinie gibt es nicht.',
    next: 'Zeigen Sie die Richtlinien mit `coffre policy list` an.',
  },
  POLICY_EXISTS: {
    sentence: 'Eine Richtlinie dieses Namens besteht bereits.',
    next: 'Wählen Sie einen anderen Namen oder ändern Sie sie mit `coffre policy update`.',
  },
  RATE_LIMITED: {
    sentence: 'Zu viele Versuche sind fehlgeschlagen; vorerst wird keiner mehr angenommen.',
    next: 'Warten Sie die hier genannten Sekunden und versuchen Sie es dann mit dem richtigen Geheimnis.',
  },
  LOGIN_ROLE_NOT_FOUND: {
    sentence: 'Diese Anmelderolle gibt es nicht.',
    next: 'Zeigen Sie die Anmelderollen mit `coffre login-role list` an.',
  },
  LOGIN_ROLE_EXISTS: {
    sentence: 'Eine Anmelderolle dieses Namens gibt es bereits.',
    next: 'Wählen Sie einen anderen Namen oder löschen Sie die vorhandene.',
  },
  USER_NOT_FOUND: {
    sentence: 'Diesen Benutzer gibt es nicht.',
    next: 'Zeigen Sie die Benutzer mit `coffre user list` an, oder legen Sie einen mit `coffre user create` an.',
  },
  USER_EXISTS: {
    sentence: 'Ein Benutzer mit dieser Client-Kennung ist schon da.',
    next: 'Wählen Sie eine andere Kennung, oder geben Sie dem vorhandenen Benutzer mit `coffre user rotate-secret` ein neues Geheimnis.',
  },
  API_KEY_REFUSED: {
    sentence: 'Das kann kein Schlüssel eines Anbieters sein.',
    next: 'Kopieren Sie den ganzen Schlüssel noch einmal beim Anbieter, ohne Zeilenumbruch, und senden Sie ihn als `api_key`.',
  },
  API_KEY_REQUIRED: {
    sentence: 'Für diesen Benutzer ist kein Schlüssel eines Anbieters gespeichert.',
    next: 'Speichern Sie einen mit `PATCH /users/me/api-key` oder `coffre apikey set`.',
  },
  API_KEY_UNREADABLE: {
    sentence: 'Der gespeicherte Schlüssel des Anbieters lässt sich nicht öffnen.',
    next: 'Speichern Sie ihn neu mit `PATCH /users/me/api-key` oder `coffre apikey set`; das Auditprotokoll sagt, was mit dem alten nicht stimmt.',
  },
  KEY_NOT_FOUND: {
    sentence: 'Diesen Schlüssel gibt es nicht.',
    next: 'Zeigen Sie die Schlüssel mit `coffre key list` an oder erzeugen Sie ihn mit `coffre key create`.',
  },
  KEY_EXISTS: {
    sentence: 'Ein Schlüssel dieses Namens besteht bereits.',
    next: 'Wählen Sie einen anderen Namen oder rotieren Sie den vorhandenen Schlüssel.',
  },
  KEY_VERSION_NOT_FOUND: {
    sentence: 'Der Schlüssel hat keine solche Version.',
    next: 'Zeigen Sie seine Versionen mit `coffre key show` an.',
  },
  KEY_VERSION_UNUSABLE: {
    sentence: 'Der Zustand dieser Schlüsselversion lässt den Vorgang nicht zu.',
    next: 'Sehen Sie sich den Schlüssel an; setzen Sie ihn fort, zurück, rotieren Sie ihn oder senken Sie seine Untergrenze.',
  },
  KEY_VERSION_EXHAUSTED: {
    sentence: 'Diese Schlüsselversion hat die Grenze ihrer Verwendungen erreicht.',
    next: 'Rotieren Sie den Schlüssel; alte Daten bleiben lesbar.',
  },
  KEY_VERSION_NEEDED: {
    sentence: 'Daten brauchen diese Schlüsselversion möglicherweise noch.',
    next: 'Schlüsseln Sie die Daten auf die aktuelle Version um, heben Sie die Untergrenze darüber und vernichten Sie die Version dann.',
  },
  KEY_SUSPENDED: {
    sentence: 'Der Schlüssel ist ausgesetzt.',
    next: 'Setzen Sie ihn mit `coffre key resume` fort.',
  },
  KEY_PENDING_DESTRUCTION: {
    sentence: 'Der Schlüssel ist zur Vernichtung vorgemerkt.',
    next: 'Widerrufen Sie das mit `coffre key cancel-destroy`, solange die Frist läuft.',
  },
  KEY_REFUSED: {
    sentence: 'Dieses Schlüsselmaterial ist zu schwach oder fehlerhaft.',
    next: 'Verwenden Sie einen Schlüssel, der die oben genannte Regel erfüllt.',
  },
  SECRET_FILE_REFUSED: {
    sentence:
      'Eine Datei mit Geheimnissen ist nicht so, dass sie sicher gelesen oder geändert werden kann; nichts wurde geändert.',
    next: 'Berichtigen Sie das oben Genannte und wiederholen Sie den Befehl.',
  },
  SECRET_FILE_BUSY: {
    sentence: 'Ein anderer Lauf ändert gerade die Geheimnisdateien dieses Projekts.',
    next: 'Warten Sie, bis er beendet ist, und versuchen Sie es noch einmal.',
  },
  SECRET_KEY_EXISTS: {
    sentence: 'In diesen Dateien steht schon ein Schlüssel.',
    next: 'Rotieren Sie ihn mit `coffre secret-key rotate`, oder ersetzen Sie ihn sofort mit --force.',
  },
  SECRET_KEY_ROLLED_BACK: {
    sentence: 'Die Anwendung lief mit dem neuen Schlüssel nicht an, darum ist jede Datei wieder wie zuvor.',
    next: 'Sehen Sie nach, warum Neustart oder Probe scheiterten, und rotieren Sie dann noch einmal.',
  },
  SECRET_BACKUP_NOT_FOUND: {
    sentence: 'Es gibt keine Sicherung eines solchen Schlüssels.',
    next: 'Listen Sie die Sicherungen mit `coffre secret-key recover` auf.',
  },
  BACKUP_SCHEDULE_NOT_FOUND: {
    sentence: 'Eine Sicherung dieses Namens ist hier nicht geplant.',
    next: '`coffre backup status` listet sie auf; COFFRE_BACKUP_SCHEDULE nennt die Datei, die sie erklärt.',
  },
  BACKUP_RUN_NOT_FOUND: {
    sentence: 'Diesen Lauf gibt es nicht.',
    next: '`coffre backup runs` listet die auf, die aufgehoben sind.',
  },
  BACKUP_RUN_UNDER_WAY: {
    sentence: 'Ein Lauf dieser Sicherung ist schon im Gange.',
    next: 'Warten Sie sein Ende ab; `coffre backup status` zeigt ihn.',
  },
  BACKUP_MISSED: {
    sentence: 'Eine geplante Sicherung wurde nicht gemacht: niemand war da, sie rechtzeitig zu machen.',
    next: 'Finden Sie heraus, warum der Server aus oder versiegelt war, und machen Sie jetzt eine mit `coffre backup run`.',
  },
  BACKUP_INTERRUPTED: {
    sentence: 'Die Sicherung wurde unterbrochen: ihr Server wurde angehalten.',
    next: 'Machen Sie sie mit `coffre backup run` noch einmal. Was davon geschrieben wurde, ist keine Sicherung.',
  },
  BACKUP_SOURCE_FAILED: {
    sentence:
      'Was gesichert werden soll, konnte nicht vollständig gelesen werden; es gibt davon keine Sicherung.',
    next: 'Berichtigen Sie das oben Genannte und sichern Sie noch einmal.',
  },
  BACKUP_CONTENT_REFUSED: {
    sentence:
      'Diese Sicherung enthält etwas, das nicht wiederhergestellt werden darf; das Ziel ist unverändert.',
    next: 'Finden Sie heraus, wer sie gemacht hat; nehmen Sie eine ältere, oder die oben genannte Option.',
  },
  RESTORE_REFUSED: {
    sentence: 'Die Wiederherstellung wurde abgelehnt, bevor etwas geändert wurde.',
    next: 'Berichtigen Sie das oben Genannte, oder stellen Sie an einem anderen Ort wieder her.',
  },
  RESTORE_FAILED: {
    sentence: 'Die Wiederherstellung ließ sich nicht abschließen; das Ziel ist unverändert.',
    next: 'Berichtigen Sie das oben Genannte und stellen Sie noch einmal wieder her.',
  },
  MOVE_REFUSED: {
    sentence: 'Der gegenwärtige Zustand des Schlüssels lässt diesen Schritt nicht zu.',
    next: 'Sehen Sie sich den Schlüssel an; die Tabelle des Lebenszyklus steht in docs/design/lifecycle.md.',
  },
  PURPOSE_MISMATCH: {
    sentence: 'Der Schlüssel wurde für einen anderen Zweck erzeugt.',
    next: 'Verwenden Sie einen Schlüssel, dessen Zweck zum Vorgang passt.',
  },
  ALGORITHM_UNSUPPORTED: {
    sentence: 'Der Algorithmus ist unbekannt oder dient diesem Zweck nicht.',
    next: '`coffre key create --help` nennt die Algorithmen und Zwecke.',
  },
  PARAMETERS_REFUSED: {
    sentence: 'Die Parameter der Ableitung liegen außerhalb der erlaubten Grenzen.',
    next: 'Bleiben Sie innerhalb der oben genannten Grenzen.',
  },
  DECRYPTION_FAILED: {
    sentence: 'Der Geheimtext konnte nicht entschlüsselt werden.',
    next: 'Prüfen Sie Schlüssel, Kontext und Vollständigkeit des Geheimtexts; `coffre inspect` zeigt, was er ist.',
  },
  SIGNATURE_INVALID: {
    sentence: 'Die Signatur oder der MAC ist für diese Nachricht nicht gültig.',
    next: 'Prüfen Sie Nachricht, Schlüssel und Version.',
  },
  METHOD_NOT_ALLOWED: {
    sentence: 'Diese Adresse nimmt diese Methode nicht an.',
    next: 'Verwenden Sie eine Methode aus der Kopfzeile `Allow`; /openapi.json nennt jede Route.',
  },
  MEDIA_TYPE_UNSUPPORTED: {
    sentence: 'Diese Adresse nimmt keinen Inhalt dieses Typs an.',
    next: 'Senden Sie den `Content-Type`, der hier genannt ist.',
  },
  HEADERS_TOO_LARGE: {
    sentence: 'Der Kopf der Anfrage ist größer als 16 KiB.',
    next: 'Senden Sie weniger oder kürzere Kopfzeilen und eine kürzere Adresse.',
  },
  REQUEST_TIMEOUT: {
    sentence: 'Die Anfrage ist nicht rechtzeitig angekommen.',
    next: 'Senden Sie sie über eine schnellere Verbindung noch einmal, oder in kleineren Teilen.',
  },
  NOT_EXPORTABLE: {
    sentence: 'Dieser Schlüssel ist nicht zur Ausfuhr bestimmt.',
    next: 'Erzeugen oder importieren Sie einen mit `--exportable`; nachträglich ist es nicht möglich.',
  },
  IMPORT_TOKEN_INVALID: {
    sentence: 'Das Import-Token ist ungültig, verbraucht oder abgelaufen.',
    next: 'Holen Sie mit `coffre key import-params` ein neues und verpacken Sie den Schlüssel noch einmal.',
  },
  TOO_MANY_STREAMS: {
    sentence: 'Es laufen schon so viele Ströme, wie erlaubt sind.',
    next: 'Warten Sie, bis einer endet, und versuchen Sie es wieder, oder erhöhen Sie COFFRE_MAX_STREAMS.',
  },
  STREAM_INCOMPLETE: {
    sentence: 'Der Strom endete, bevor er vollständig war.',
    next: 'Verwerfen Sie, was gekommen ist; der Audit-Eintrag dieser Anfrage sagt, warum er endete.',
  },
  CONFLICT: {
    sentence: 'Jemand anderes hat dies gleichzeitig geändert.',
    next: 'Lesen Sie den neuen Stand und wiederholen Sie die Änderung.',
  },
  SEALED: {
    sentence: 'Coffre ist versiegelt: Der Wurzelschlüssel ist nicht im Speicher.',
    next: 'Entsiegeln Sie Coffre mit `coffre unseal`.',
  },
  PASSPHRASE_WRONG: {
    sentence: 'Mit dieser Passphrase oder diesem Siegelschlüssel wurde der Speicher nicht versiegelt.',
    next: 'Versuchen Sie es mit dem richtigen Geheimnis; das gespeicherte Siegel ist unversehrt.',
  },
  SEAL_DAMAGED: {
    sentence: 'Das gespeicherte Siegel ist beschädigt.',
    next: 'Stellen Sie den Datenordner aus einer Sicherung wieder her; über die Passphrase sagt das nichts.',
  },
  SEAL_KEY_MISSING: {
    sentence: 'Der Siegelschlüssel fehlt oder ist nicht lesbar.',
    next: 'Legen Sie die Schlüsseldatei zurück (COFFRE_SEAL_KEY_PATH), setzen Sie die Variable oder geben Sie die Passphrase an (COFFRE_PASSPHRASE_FILE).',
  },
  SHARE_INVALID: {
    sentence: 'Dieser Anteil oder Siegelschlüssel ist nicht vollständig: etwas ist vertippt oder fehlt.',
    next: 'Vergleichen Sie ihn Zeichen für Zeichen mit seinem Blatt und geben Sie ihn noch einmal. Gezählt wurde nichts.',
  },
  SHARE_FOREIGN: {
    sentence: 'Dieser Anteil gehört nicht zur Versiegelung, die da ist.',
    next: 'Nehmen Sie ein Blatt, das beim letzten Wechsel der Anteile für diesen Coffre gedruckt wurde.',
  },
  SHARE_REPEATED: {
    sentence: 'Dieser Anteil wurde schon gegeben.',
    next: 'Geben Sie einen anderen; jeder zählt einmal.',
  },
  CEREMONY_UNDER_WAY: {
    sentence: 'Eine andere Zeremonie läuft.',
    next: 'Lassen Sie sie enden oder ablaufen, von wem sie begonnen wurde abbrechen, oder treten Sie mit genug Anteilen an ihre Stelle: `coffre operator ceremony take-over`.',
  },
  CEREMONY_NOT_FOUND: {
    sentence: 'Diese Zeremonie gibt es nicht, oder sie ist noch nicht so weit.',
    next: 'Sehen Sie mit `coffre operator ceremony show` nach und beginnen Sie neu.',
  },
  NOT_INITIALISED: {
    sentence: 'Hier gibt es noch kein Coffre.',
    next: 'Legen Sie es mit `coffre init` an.',
  },
  ALREADY_INITIALISED: {
    sentence: 'Hier gibt es bereits ein Coffre.',
    next: 'Verwenden Sie es oder wählen Sie einen anderen Datenordner.',
  },
  STORE_MOVED: {
    sentence: 'Dieser Speicher ist in eine Datenbank umgezogen und bleibt geschlossen.',
    next: 'COFFRE_DATABASE_URL auf die hier genannte Datenbank setzen; den Ordner behalten, bis sie gesichert ist.',
  },
  STORE_INCOMPLETE: {
    sentence: 'Ein Speicher zieht in diese Datenbank um, und erst ein Teil davon ist hier.',
    next: '`coffre store migrate-to` vom Datenordner aus noch einmal ausführen; es geht weiter, wo es aufgehört hat.',
  },
  STORE_IN_USE: {
    sentence: 'Ein anderer Prozess hält diesen Datenordner.',
    next: 'Sprechen Sie diesen Server mit COFFRE_ADDR und COFFRE_TOKEN an oder halten Sie ihn vorher an.',
  },
  STORE_UNAVAILABLE: {
    sentence: 'Der Speicher hat nicht geantwortet.',
    next: 'Prüfen Sie Plattenplatz, Rechte und Datenbank und versuchen Sie es dann erneut.',
  },
  STORE_DAMAGED: {
    sentence: 'Ein gespeicherter Datensatz lässt sich unter seinem eigenen Namen nicht öffnen.',
    next: 'Schreiben Sie nichts mehr, behalten Sie eine Kopie und stellen Sie eine Sicherung wieder her.',
  },
  AUDIT_UNAVAILABLE: {
    sentence: 'Das Prüfprotokoll konnte den Vorgang nicht festhalten, deshalb wurde er nicht ausgeführt.',
    next: 'Prüfen Sie Plattenplatz und Datenbank und versuchen Sie es dann erneut.',
  },
  AUDIT_DAMAGED: {
    sentence: 'Das Prüfprotokoll besteht die Prüfung nicht.',
    next: 'Bewahren Sie eine Kopie der Daten auf; `coffre audit log verify` nennt den ersten fehlerhaften Eintrag.',
  },
  PROOF_INVALID: {
    sentence: 'Der Nachweis führt nicht zum Wurzel-Hash seines Prüfpunkts.',
    next: 'Holen Sie ihn noch einmal; bleibt es dabei, bewahren Sie beide auf: Sie zeigen, dass Protokoll oder Nachweis geändert wurde.',
  },
  AUDIT_ROLLED_BACK: {
    sentence:
      'Das Prüfprotokoll ist kürzer als sein Prüfpunkt außerhalb der Datenbank: am Ende fehlen Einträge.',
    next: 'Spielen Sie die neuere Datenbank zurück; eine gewollte Wiederherstellung nehmen Sie mit `coffre audit accept-restore` an.',
  },
  AUDIT_FORKED: {
    sentence: 'Das Prüfprotokoll ist ein anderes, als sein Prüfpunkt außerhalb der Datenbank sagt.',
    next: 'Prüfen Sie COFFRE_CHECKPOINT_FILE und wer die Datenbank geändert hat; eine gewollte Wiederherstellung nehmen Sie mit `coffre audit accept-restore` an.',
  },
  CACHE_MISS: {
    sentence: 'Der Cache hat keinen solchen Eintrag, oder er ist abgelaufen.',
    next: 'Holen Sie den Wert aus seiner Quelle und setzen Sie ihn neu.',
  },
  CACHE_KEY_WRONG: {
    sentence: 'Dieser Cache-Eintrag wurde unter einem anderen Schlüssel geschrieben.',
    next: 'Nehmen Sie das Geheimnis des Benutzers, der ihn schrieb; nach dessen Wechsel: `coffre cache rekey`.',
  },
  CACHE_CONFLICT: {
    sentence: 'Der Cache hat unter diesem Namen einen Eintrag eines anderen Schlüssels.',
    next: 'Nehmen Sie die Form mit eigenem Namensraum je Benutzer, oder löschen Sie den Eintrag zuerst.',
  },
  CACHE_NOT_JSON: {
    sentence: 'Dieser Cache-Eintrag ist echt und enthält kein JSON.',
    next: 'Setzen Sie ihn neu als JSON, oder löschen Sie ihn; auch NaN und Infinity von Python sind kein JSON.',
  },
  CACHE_TAMPERED: {
    sentence: 'Dieser Cache-Eintrag wurde von jemand anderem verändert.',
    next: 'Finden Sie heraus, wer auf den Cache-Server schreibt; setzen Sie den Eintrag neu aus seiner Quelle.',
  },
  CACHE_UNAVAILABLE: {
    sentence: 'Der Cache-Server hat nicht geantwortet.',
    next: 'Prüfen Sie COFFRE_CACHE_URL, den Server und seinen Speicher; bis dahin fehlt jeder Eintrag.',
  },
  BACKUP_NOT_FOUND: {
    sentence: 'Diese Sicherung gibt es nicht.',
    next: '`coffre backup list` zeigt, was am Ziel liegt.',
  },
  BACKUP_DIFFERS: {
    sentence: 'Was eine Übung wiederhergestellt hat, ist nicht, was ihre Sicherung aufgezeichnet hat.',
    next: '`coffre backup drill` listet die abweichenden Tabellen. Behalten Sie die Sicherungen davor, bis eine Übung besteht.',
  },
  BACKUP_DAMAGED: {
    sentence: 'Diese Sicherung ist unvollständig oder wurde verändert.',
    next: 'Stellen Sie eine andere wieder her; `coffre backup verify` sagt, welche ganz sind. Wiederhergestellt wurde nichts.',
  },
  BACKUP_UNTRUSTED: {
    sentence: 'Niemand, dem Sie vertrauen, hat diese Sicherung signiert.',
    next: 'Nennen Sie den Signierer mit `--signer` (er steht auf dem Notfallblatt), oder klären Sie, wer am Ziel schreiben kann.',
  },
  BACKUP_ROLLED_BACK: {
    sentence: 'Am Ziel liegt ein älterer Stand dieser Reihe, als schon gesehen wurde.',
    next: 'Klären Sie, wer ihn zurückgelegt hat; mit `--accept-older` gilt ab jetzt der ältere Stand.',
  },
  BACKUP_KEY_MISSING: {
    sentence: 'Nichts von dem, was gegeben wurde, öffnet diese Sicherung.',
    next: 'Geben Sie eines von dem, was `coffre backup inspect` aufzählt: den Coffre mit diesem Schlüssel, die Passphrase oder den Notfallschlüssel.',
  },
  OBJECT_NOT_FOUND: {
    sentence: 'Im Objektspeicher gibt es kein Objekt dieses Namens.',
    next: 'Prüfen Sie den Namen und das Präfix des Objektspeichers.',
  },
  OBJECT_EXISTS: {
    sentence: 'Ein Objekt dieses Namens gibt es schon; es blieb, wie es ist.',
    next: 'Wählen Sie einen anderen Namen, oder entfernen Sie zuerst jenes Objekt.',
  },
  OBJECT_CHANGED: {
    sentence: 'Das Objekt wurde inzwischen von jemand anderem ersetzt oder geändert.',
    next: 'Beginnen Sie neu mit dem Objekt, wie es jetzt ist; finden Sie heraus, wer dort noch schreibt.',
  },
  OBJECT_LOCKED: {
    sentence: 'Das Objekt unterliegt einer Aufbewahrung und kann weder ersetzt noch entfernt werden.',
    next: 'Warten Sie das Ende der Aufbewahrung ab, oder wählen Sie einen anderen Namen.',
  },
  BUCKET_NOT_FOUND: {
    sentence: 'Diesen Bucket oder Ordner gibt es nicht.',
    next: 'Legen Sie ihn an, oder berichtigen Sie Namen, Adresse und Region.',
  },
  OBJECT_STORE_REFUSED: {
    sentence: 'Der Objektspeicher hat den Zugriff verweigert.',
    next: 'Prüfen Sie Zugangsschlüssel und Geheimnis, die Region, die Uhr dieses Rechners, und was Richtlinie oder Rechte erlauben.',
  },
  OBJECT_STORE_UNAVAILABLE: {
    sentence: 'Der Objektspeicher hat seine Arbeit nicht getan.',
    next: 'Prüfen Sie seine Adresse, das Netz und den freien Platz, und versuchen Sie es noch einmal; Halbgeschriebenes zählt nicht.',
  },
  SELF_TEST_FAILED: {
    sentence: 'Ein kryptografischer Selbsttest ist fehlgeschlagen, deshalb wurde nichts gestartet.',
    next: 'Verwenden Sie diesen Rechner oder diese Version nicht; `coffre selftest` nennt den Test.',
  },
  CONFIG_REFUSED: {
    sentence: 'Die Konfiguration ist nicht zulässig.',
    next: 'Berichtigen Sie jede oben genannte Einstellung.',
  },
  CSRF_REFUSED: {
    sentence: 'Diese Anfrage kommt vielleicht von der Seite einer anderen Website.',
    next: 'Senden Sie sie von einer Seite der Anwendung, als JSON, mit dem Wert des Cookies `csrf` in `X-CSRF-Token`.',
  },
  SECRET_KEY_MISSING: {
    sentence: 'SECRET_KEY non configurée',
    next: 'Setzen Sie SECRET_KEY oder geben Sie die Datei an, in der er steht (SECRET_KEY_FILE).',
  },
  SERVER_UNREACHABLE: {
    sentence: 'Der Server hat nicht geantwortet.',
    next: 'Prüfen Sie COFFRE_ADDR und ob `coffre serve` läuft.',
  },
  INTERNAL: {
    sentence: 'In Coffre ist ein unerwarteter Fehler aufgetreten.',
    next: 'Melden Sie ihn mit der Anfrage-ID; die zugehörige Protokollzeile enthält nichts Geheimes.',
  },
}
