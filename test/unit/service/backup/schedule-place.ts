import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { coreOf, type OpenOptions } from '../../../../src/app.ts'
import { parseBackupSchedule } from '../../../../src/config-backups.ts'
import { HOUR, toInstant } from '../../../../src/model/clock.ts'
import type { Coffre } from '../../../../src/model/coffre.ts'
import type { BackupAlert } from '../../../../src/service/backup/schedule/declared-backup.ts'
import type { BackupSchedules } from '../../../../src/service/backup/schedule/backup-schedules.ts'
import { makeFolder, openTemporary, type Scope } from '../../../temporary.ts'

/** One hour before two in the morning. */
const START = Date.UTC(2026, 0, 10, 1)

/** A Coffre that backs up a folder every night, and a clock that moves when the test says so. */
export class SchedulePlace {
  readonly folder: string
  readonly target: string
  readonly alerts: BackupAlert[] = []
  readonly declaration: Readonly<Record<string, unknown>>
  now = START
  readonly #scope: Scope

  constructor(scope: Scope, declaration: Readonly<Record<string, unknown>> = {}) {
    this.#scope = scope
    this.folder = makeFolder(scope)
    this.target = join(this.folder, 'target')
    mkdirSync(this.target, { mode: 0o700 })
    mkdirSync(join(this.folder, 'site'))
    writeFileSync(join(this.folder, 'site', 'index.html'), '<h1>hello</h1>\n')
    this.declaration = { series: 'nightly', source: { files: [join(this.folder, 'site')] }, ...declaration }
  }

  get options(): Pick<OpenOptions, 'backups' | 'clock' | 'onBackupAlert'> {
    const text = JSON.stringify({ target: this.target, backups: [this.declaration] })
    return {
      clock: () => toInstant(this.now),
      backups: { declared: parseBackupSchedule(text) },
      onBackupAlert: (alert) => this.alerts.push(alert),
    }
  }

  async open(options: Partial<OpenOptions> = {}): Promise<{ coffre: Coffre; schedules: BackupSchedules }> {
    const dataDir = join(this.folder, 'data')
    const coffre = await openTemporary(this.#scope, { dataDir, ...this.options, ...options })
    return { coffre, schedules: schedulesOf(coffre) }
  }

  passHours(hours: number): void {
    this.now += hours * HOUR
  }
}

function schedulesOf(coffre: Coffre): BackupSchedules {
  const schedules = coreOf(coffre)?.backups
  if (schedules === undefined) throw new Error('no schedule')
  return schedules
}

/** Looks what is due, and waits until it is done. */
export async function lookAndWait({ runner }: BackupSchedules): Promise<void> {
  await runner.look()
  await runner.idle()
}
