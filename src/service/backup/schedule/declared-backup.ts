import type {
  BackupCompression,
  BackupRetention,
  BackupSourceKind,
  BackupSummary,
} from '../../../model/backup.ts'
import type { Coffre } from '../../../model/coffre.ts'
import type { BackupSource } from '../../../store/backup-source.ts'
import type { NamedSecret } from '../../key-separation/named-secret.ts'
import type { BackupCoffre } from '../backup-keys.ts'
import type { Backups } from '../backups.ts'
import type { DrillScratch } from '../drill.ts'
import type { Openers, Recipients } from '../slots.ts'
import type { CronSchedule } from './cron.ts'

/** What the work on backups needs of the Coffre that makes them. */
export type ScheduleCoffre = BackupCoffre & Pick<Coffre, 'backups'>

/** A backup that the configuration asks for. What it opens is opened for one run. */
export interface DeclaredBackup {
  readonly series: string
  readonly source: BackupSourceKind
  /** As it may be shown. */
  readonly target: string
  readonly cron: string
  readonly timeZone: string
  readonly schedule: CronSchedule
  /** Absent: nothing is pruned. */
  readonly keep?: BackupRetention
  readonly compression?: BackupCompression
  /** Absent: nobody drills but by hand. */
  readonly drill?: DeclaredDrill
  /** What no passphrase may be. */
  readonly apartFrom: readonly NamedSecret[]
  openSource(): Promise<BackupSource>
  openBackups(coffre: ScheduleCoffre): Promise<Backups>
  readRecipients(): Promise<Recipients>
}

export interface DeclaredDrill {
  readonly everyDays: number
  /** After what killed drills have left there is gone. */
  makeScratch(backup: BackupSummary): Promise<DrillScratch>
  readOpeners(coffre: ScheduleCoffre): Promise<Openers>
}

/** What an operator has to look at. */
export interface BackupAlert {
  readonly kind: 'backup-failed' | 'backup-missed' | 'backup-not-pruned' | 'backup-drill-failed'
  readonly series: string
  readonly code: string
}
