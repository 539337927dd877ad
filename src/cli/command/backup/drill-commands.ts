import type { DrillPlace, MeasuredSource } from '../../../app-drill.ts'
import type { BackupSummary, DrillList } from '../../../model/backup.ts'
import type { Coffre } from '../../../model/coffre.ts'
import { CoffreError } from '../../../model/errors.ts'
import type { Backups } from '../../../app-backup.ts'
import type { CommandRow, OptionRow } from '../../command-row.ts'
import { type ExitCode, FINDING, OK } from '../../exit-code.ts'
import { chooseStoredSeal } from '../../input/seal-choice.ts'
import { type Invocation, valueAt } from '../../invocation.ts'
import { DRY_RUN, SEAL_OPTIONS } from '../../line/option-rows.ts'
import { formatDifferences, formatDrills } from '../../output/drill-text.ts'
import { BackupProgressLine } from '../../output/backup-progress.ts'
import { reportPlan } from '../../output/report-plan.ts'
import { choosePlace } from '../../place.ts'
import { stoppable } from '../../stoppable.ts'
import { readDatabasePlace } from './database-place.ts'
import {
  OPENER_OPTIONS,
  PLACE_OPTIONS,
  readOpeners,
  readReference,
  readTrust,
  SERIES,
  SERIES_AND_SEQUENCE,
  withOwnBackups,
} from './with-backups.ts'

const SCRATCH: OptionRow = { flags: '--scratch <place>', help: 'option.drillScratch' }
const MAX_AGE: OptionRow = { flags: '--max-age-days <number>', help: 'option.drillMaxAge' }
const DAYS = { from: 1, to: 3_650 }
const HOURS = { from: 0, to: 87_600 }

export const drillCommands: readonly CommandRow[] = [
  {
    path: ['backup', 'drill'],
    summary: 'command.backup.drill',
    arguments: [...SERIES_AND_SEQUENCE],
    options: [
      ...PLACE_OPTIONS,
      ...OPENER_OPTIONS,
      SCRATCH,
      { flags: '--against-source <source>', help: 'option.againstSource' },
      { flags: '--if-due', help: 'option.drillIfDue' },
      MAX_AGE,
      { flags: '--run-script', help: 'option.runScript' },
      ...SEAL_OPTIONS,
      DRY_RUN,
    ],
    run: runDrill,
  },
  {
    path: ['backup', 'drills'],
    summary: 'command.backup.drills',
    arguments: [SERIES],
    options: [...PLACE_OPTIONS, MAX_AGE],
    run: runDrills,
  },
  {
    path: ['backup', 'sweep'],
    summary: 'command.backup.sweep',
    options: [SCRATCH, { flags: '--older-than-hours <number>', help: 'option.sweepAge' }, DRY_RUN],
    run: runSweep,
  },
]

function runDrill(invocation: Invocation): Promise<ExitCode> {
  const { options, printer } = invocation
  const asked = readReference(invocation)
  return withOwnBackups(invocation, async (backups, coffre) => {
    if (options.flag('if-due')) {
      const { due } = await listDrills(invocation, backups, coffre)
      if (due === undefined) {
        await printer.done({ series: asked.series, drilled: false }, 'done.drillNotDue', asked)
        return OK
      }
    }
    const view = await backups.inspect(asked)
    const request = { series: view.series, sequence: view.sequence, source: view.source }
    if (options.flag('dry-run')) return reportPlan(invocation, { request, lines: [] })
    return drill(invocation, { backups, coffre, view })
  })
}

interface Subject {
  readonly backups: Backups
  readonly coffre: Coffre
  readonly view: BackupSummary
}

async function drill(invocation: Invocation, { backups, coffre, view }: Subject): Promise<ExitCode> {
  const { options, printer } = invocation
  const { drillBackup, scratchIn, sweepScratch } = await import('../../../app-drill.ts')
  const place = await readPlace(invocation, view)
  const measureSource = await readSource(invocation, view)
  const openers = await readOpeners(invocation, coffre)
  // Of a drill that was killed: nobody else comes by.
  const swept = await sweepScratch(place)
  const progress = new BackupProgressLine(printer)
  try {
    const { series, sequence } = view
    const report = await stoppable((signal) =>
      drillBackup(backups, { series, sequence }, openers, {
        coffre,
        makeScratch: scratchIn(place),
        ...(measureSource === undefined ? {} : { measureSource }),
        ...readTrust(invocation),
        onProgress: progress.show,
        signal,
      }),
    )
    await progress.end()
    const { outcome, checks, milliseconds } = report.drill
    const isSame = outcome === 'passed'
    if (!isSame && !options.flag('json')) await printer.show(report, () => formatDifferences(printer, report))
    await printer.done({ ...report, swept }, isSame ? 'done.backupDrilled' : 'done.backupDiffers', {
      series,
      sequence,
      checks: checks.join(', '),
      seconds: (milliseconds / 1_000).toFixed(1),
      count: report.differences.length,
    })
    return isSame ? OK : FINDING
  } finally {
    await progress.end()
  }
}

function runDrills(invocation: Invocation): Promise<ExitCode> {
  const { printer } = invocation
  return withOwnBackups(invocation, async (backups, coffre) => {
    const list = await listDrills(invocation, backups, coffre)
    const series = valueAt(invocation, 0)
    await printer.show({ series, ...list }, () => formatDrills(printer, list))
    if (list.untrusted > 0) await printer.note('note.drillsUntrusted', { count: list.untrusted })
    if (list.due === undefined) return OK
    await printer.note('note.drillDue', { series, reason: printer.say(`drill.${list.due}`) })
    return FINDING
  })
}

async function runSweep(invocation: Invocation): Promise<ExitCode> {
  const { options, printer } = invocation
  const { sweepScratch } = await import('../../../app-drill.ts')
  const place = await readScratch(invocation)
  const olderThanHours = options.wholeNumber('older-than-hours', HOURS)
  if (options.flag('dry-run')) return reportPlan(invocation, { request: { olderThanHours }, lines: [] })
  const swept = await sweepScratch(place, olderThanHours === undefined ? {} : { olderThanHours })
  for (const name of swept.unmarked) await printer.note('note.unmarkedScratch', { name })
  await printer.done(swept, 'done.scratchSwept', { count: swept.removed.length })
  return OK
}

function listDrills(invocation: Invocation, backups: Backups, coffre: Coffre): Promise<DrillList> {
  const maxAgeDays = invocation.options.wholeNumber('max-age-days', DAYS)
  const options = { coffre, ...(maxAgeDays === undefined ? {} : { maxAgeDays }) }
  return backups.proofs.list(valueAt(invocation, 0), options)
}

async function readScratch(invocation: Invocation): Promise<DrillPlace> {
  const database = await readDatabasePlace(invocation, 'scratch')
  if (database !== undefined) return { postgres: database }
  const folder = invocation.options.text('scratch')
  return folder === undefined ? {} : { folder }
}

async function readPlace(invocation: Invocation, { source }: BackupSummary): Promise<DrillPlace> {
  const { options } = invocation
  const place = { ...(await readScratch(invocation)), runsScript: options.flag('run-script') }
  return source === 'coffre' ? { ...place, unseal: await readUnseal(invocation) } : place
}

async function readUnseal(invocation: Invocation): Promise<NonNullable<DrillPlace['unseal']>> {
  const { options, terminal } = invocation
  const { unsealAs } = await import('../../../app-drill.ts')
  const place = choosePlace(options, terminal.environment)
  return unsealAs({
    dataDir: place.kind === 'folder' ? place.dataDir : undefined,
    seal: await chooseStoredSeal(invocation),
    environment: terminal.environment,
  })
}

/** What --against-source names, by the kind of the backup. */
async function readSource(
  invocation: Invocation,
  { source }: BackupSummary,
): Promise<(() => Promise<MeasuredSource>) | undefined> {
  const given = invocation.options.text('against-source')
  if (given === undefined) return undefined
  const { measureNow } = await import('../../../app-drill.ts')
  const postgres = await readDatabasePlace(invocation, 'against-source')
  if (source === 'postgres' && postgres !== undefined) return () => measureNow({ postgres })
  if (source === 'sqlite') return () => measureNow({ sqlite: given })
  if (source === 'files') {
    const { filesSource } = await import('../../../app-backup.ts')
    return () => measureNow({ read: filesSource({ paths: [given] }) })
  }
  // The log of a Coffre that is in use grows with each drill; and a stream is over.
  const expected = 'a PostgreSQL URL, a SQLite file or a folder, of the kind of the backup'
  throw new CoffreError('INVALID_REQUEST', { facts: { at: '--against-source', expected, source } })
}
