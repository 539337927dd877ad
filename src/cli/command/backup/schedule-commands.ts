import { setTimeout } from 'node:timers/promises'
import { type BackupHealth, type BackupRunView, isTrouble } from '../../../model/backup-schedule.ts'
import type { Coffre } from '../../../model/coffre.ts'
import { CoffreError } from '../../../model/errors.ts'
import type { CommandRow } from '../../command-row.ts'
import { type ExitCode, FINDING, OK } from '../../exit-code.ts'
import { SCHEDULE_FILE } from '../../input/backup-schedule.ts'
import { type Invocation, valueAt } from '../../invocation.ts'
import { DRY_RUN } from '../../line/option-rows.ts'
import { formatBytes } from '../../output/backup-text.ts'
import { formatRuns, formatSchedule, formatSchedules } from '../../output/backup-schedule-text.ts'
import { BackupProgressLine } from '../../output/backup-progress.ts'
import { reportPlan } from '../../output/report-plan.ts'
import { withCoffre } from '../../with-coffre.ts'
import { AT, readAt } from '../secret/moment.ts'
import { SEQUENCES, SERIES } from './with-backups.ts'

const POLL_MS = 500
const LIMIT = { from: 1, to: 100 }
const OPTIONAL_SERIES = { syntax: '[series]', help: 'argument.series' } as const

/** Backups that the server makes by itself. */
export const scheduleCommands: readonly CommandRow[] = [
  {
    path: ['backup', 'status'],
    summary: 'command.backup.status',
    arguments: [OPTIONAL_SERIES],
    options: [SCHEDULE_FILE, AT],
    run: runStatus,
  },
  {
    path: ['backup', 'run'],
    summary: 'command.backup.run',
    arguments: [SERIES],
    options: [
      SCHEDULE_FILE,
      { flags: '--verify', help: 'option.runVerify' },
      { flags: '--sequence <number>', help: 'option.runSequence' },
      DRY_RUN,
    ],
    run: runNow,
  },
  {
    path: ['backup', 'runs'],
    summary: 'command.backup.runs',
    arguments: [SERIES],
    options: [SCHEDULE_FILE, { flags: '--limit <number>', help: 'option.runsLimit' }],
    run: runHistory,
  },
]

const WITH_BACKUPS = { needsBackups: true } as const

function runStatus(invocation: Invocation): Promise<ExitCode> {
  const { printer } = invocation
  const [series] = invocation.values
  const moment = readAt(invocation)
  const query = moment === undefined ? {} : { at: new Date(moment).toISOString() }
  return withCoffre(
    invocation,
    async ({ backups }) => {
      if (series !== undefined) {
        const view = await backups.schedule(series, query)
        await printer.show(view, () => formatSchedule(printer, view))
        return exitCodeOf([view])
      }
      const schedules = await backups.schedules(query)
      await printer.show({ schedules }, () => formatSchedules(printer, schedules))
      for (const { series, drills } of schedules) {
        if (drills.passedAt === undefined) await printer.note('note.neverDrilled', { series })
      }
      if (schedules.length === 0) await printer.note('note.noSchedule')
      return exitCodeOf(schedules)
    },
    WITH_BACKUPS,
  )
}

function exitCodeOf(schedules: readonly { readonly health: BackupHealth }[]): ExitCode {
  return schedules.some(({ health }) => isTrouble(health)) ? FINDING : OK
}

function runNow(invocation: Invocation): Promise<ExitCode> {
  const { options, printer } = invocation
  const series = valueAt(invocation, 0)
  const sequence = options.wholeNumber('sequence', SEQUENCES)
  const request = {
    work: options.flag('verify') ? ('verify' as const) : ('create' as const),
    ...(sequence === undefined ? {} : { sequence }),
  }
  return withCoffre(
    invocation,
    async (coffre) => {
      if (options.flag('dry-run')) {
        await coffre.backups.schedule(series)
        return reportPlan(invocation, { request: { series, ...request }, lines: [] })
      }
      const ended = await watch(invocation, coffre, await coffre.backups.run(series, request))
      const size = formatBytes(printer, ended.bytes)
      const done = request.work === 'verify' ? 'done.backupVerified' : 'done.backupCreated'
      await printer.done(ended, done, { series, sequence: ended.sequence ?? 0, size })
      return OK
    },
    WITH_BACKUPS,
  )
}

/** Whoever stops watching does not stop the server's work. Throws why it failed. */
async function watch(
  { printer }: Invocation,
  { backups }: Coffre,
  asked: BackupRunView,
): Promise<BackupRunView> {
  const progress = new BackupProgressLine(printer)
  try {
    for (let run = asked; ; run = await backups.findRun(run.id)) {
      progress.show({ unit: 'bytes', done: run.bytes, isAbout: false })
      if (run.state === 'done') return run
      if (run.endedAt !== undefined) throw new CoffreError(run.code ?? 'INTERNAL')
      await setTimeout(POLL_MS)
    }
  } finally {
    await progress.end()
  }
}

function runHistory(invocation: Invocation): Promise<ExitCode> {
  const { options, printer } = invocation
  const limit = options.wholeNumber('limit', LIMIT)
  return withCoffre(
    invocation,
    async ({ backups }) => {
      const runs = await backups.runs(valueAt(invocation, 0), limit === undefined ? {} : { limit })
      await printer.show({ runs }, () => formatRuns(printer, runs))
      return OK
    },
    WITH_BACKUPS,
  )
}
