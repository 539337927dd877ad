import type { BackupDrillsView, BackupRunView, BackupScheduleView } from '../../model/backup-schedule.ts'
import { formatBytes } from './backup-text.ts'
import { formatFields, titles, withHeading } from './key-text.ts'
import type { Printer } from './printer.ts'

const NONE = '–'

export function formatSchedules(
  printer: Printer,
  schedules: readonly BackupScheduleView[],
): readonly string[] {
  if (schedules.length === 0) return []
  const heading = titles(printer, [
    'column.series',
    'column.source',
    'column.lastBackup',
    'column.size',
    'column.drilled',
    'column.nextRun',
    'column.state',
  ])
  const rows = schedules.map((schedule) => {
    const { series, source, lastSuccess, drills, nextAt } = schedule
    const size = lastSuccess === undefined ? NONE : formatBytes(printer, lastSuccess.bytes)
    const drilled = drills.passedAt ?? NONE
    const backup = [series, source, lastSuccess?.endedAt ?? NONE, size]
    return [...backup, drilled, nextAt, formatHealth(printer, schedule)]
  })
  return withHeading(printer, [heading, ...rows])
}

export function formatSchedule(printer: Printer, schedule: BackupScheduleView): readonly string[] {
  const { series, source, target, cron, timeZone, keep = {}, lastSuccess, nextAt } = schedule
  return formatFields(printer, [
    ['field.series', series],
    ['field.source', source],
    ['field.target', target],
    ['field.cron', `${cron} ${timeZone}`],
    [
      'field.keep',
      Object.entries(keep)
        .map(([name, count]) => `${name} ${count}`)
        .join(', '),
    ],
    ['field.lastBackup', lastSuccess?.endedAt],
    ['field.size', lastSuccess === undefined ? undefined : formatBytes(printer, lastSuccess.bytes)],
    ['field.drills', formatDrillState(printer, schedule.drills)],
    ['field.nextRun', nextAt],
    ['field.failures', String(schedule.failures)],
    ['field.misses', String(schedule.misses)],
    ['field.state', formatHealth(printer, schedule)],
  ])
}

export function formatRuns(printer: Printer, runs: readonly BackupRunView[]): readonly string[] {
  if (runs.length === 0) return []
  const heading = titles(printer, [
    'column.runAt',
    'column.work',
    'column.askedBy',
    'column.sequence',
    'column.size',
    'column.state',
  ])
  const rows = runs.map((run) => [
    run.scheduledFor ?? run.askedAt,
    printer.say(`backup.work.${run.work}`),
    run.askedBy,
    run.sequence === undefined ? NONE : String(run.sequence),
    formatBytes(printer, run.bytes),
    [printer.say(`backup.run.${run.state}`), ...(run.code === undefined ? [] : [run.code])].join(' '),
  ])
  return withHeading(printer, [heading, ...rows])
}

function formatDrillState(printer: Printer, drills: BackupDrillsView): string {
  const { state, lastAt, sequence, code, everyDays } = drills
  const last = sequence === undefined ? [] : [lastAt ?? NONE, `(${sequence})`]
  const every = everyDays === undefined ? [] : [printer.say('backup.drill.every', { days: everyDays })]
  return [
    printer.say(`backup.drill.${state}`),
    ...(code === undefined ? [] : [code]),
    ...last,
    ...every,
  ].join(' ')
}

function formatHealth(printer: Printer, { health, last, current, drills }: BackupScheduleView): string {
  if (current !== undefined) return printer.say(`backup.run.${current.state}`)
  const codes = { failed: last?.code, 'drill-failed': drills.code } as Partial<Record<typeof health, string>>
  return [printer.say(`backup.health.${health}`), codes[health] ?? ''].join(' ').trimEnd()
}
