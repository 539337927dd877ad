import { BACKUP_COMPRESSIONS, type BackupRetention, type BackupSummary } from '../../../model/backup.ts'
import type { CommandRow, OptionRow } from '../../command-row.ts'
import { type ExitCode, EXIT_CODES, OK } from '../../exit-code.ts'
import { confirm } from '../../input/prompt.ts'
import { readBackupPassphrase } from '../../input/secret-setting.ts'
import { type Invocation, valueAt } from '../../invocation.ts'
import { DRY_RUN, YES } from '../../line/option-rows.ts'
import { formatBackup, formatBackups, formatBytes, formatSeries } from '../../output/backup-text.ts'
import { BackupProgressLine } from '../../output/backup-progress.ts'
import { reportPlan } from '../../output/report-plan.ts'
import { stoppable } from '../../stoppable.ts'
import { UsageError } from '../../usage-error.ts'
import { chooseSource, SOURCE_OPTIONS } from './choose-source.ts'
import { examineRemote, requireSeparateKeys, warnOfOthers } from './examine-remote.ts'
import { readRecoveryKeys } from './recovery-key-commands.ts'
import {
  OPENER_OPTIONS,
  PLACE_OPTIONS,
  readOpeners,
  readReference,
  readTrust,
  SEQUENCE,
  SERIES,
  SERIES_AND_SEQUENCE,
  withOwnBackups,
  withReadBackups,
} from './with-backups.ts'

const RECIPIENT_OPTIONS: readonly OptionRow[] = [
  { flags: '--key <name>', help: 'option.backupKey' },
  { flags: '--no-key', help: 'option.noBackupKey' },
  { flags: '--recovery <file>', help: 'option.recovery', repeats: true },
  { flags: '--backup-passphrase-file <file>', help: 'option.backupPassphraseFor' },
]
const REMOTE: OptionRow = { flags: '--remote', help: 'option.remote' }
const ALL: OptionRow = { flags: '--all', help: 'option.allBackups' }
const KEPT = { from: 0, to: 10_000 }

export const backupCommands: readonly CommandRow[] = [
  {
    path: ['backup', 'create'],
    summary: 'command.backup.create',
    arguments: [SERIES],
    options: [
      ...SOURCE_OPTIONS,
      ...PLACE_OPTIONS,
      ...RECIPIENT_OPTIONS,
      { flags: '--compression <how>', help: 'option.compression', choices: BACKUP_COMPRESSIONS },
      { flags: '--note <text>', help: 'option.backupNote' },
      DRY_RUN,
    ],
    run: runCreate,
  },
  {
    path: ['backup', 'list'],
    summary: 'command.backup.list',
    arguments: [{ ...SERIES, syntax: '[series]' }],
    options: [...PLACE_OPTIONS, ...OPENER_OPTIONS],
    run: runList,
  },
  {
    path: ['backup', 'inspect'],
    summary: 'command.backup.inspect',
    arguments: [...SERIES_AND_SEQUENCE],
    options: [...PLACE_OPTIONS, ...OPENER_OPTIONS],
    run: runInspect,
  },
  {
    path: ['backup', 'verify'],
    summary: 'command.backup.verify',
    arguments: [{ ...SERIES, syntax: '[series]' }, SEQUENCE],
    options: [...PLACE_OPTIONS, ...OPENER_OPTIONS, ALL, REMOTE],
    run: runVerify,
  },
  {
    path: ['backup', 'prune'],
    summary: 'command.backup.prune',
    arguments: [SERIES],
    options: [
      ...PLACE_OPTIONS,
      { flags: '--last <number>', help: 'option.keepLast' },
      { flags: '--daily <number>', help: 'option.keepDaily' },
      { flags: '--weekly <number>', help: 'option.keepWeekly' },
      { flags: '--monthly <number>', help: 'option.keepMonthly' },
      YES,
      DRY_RUN,
    ],
    run: runPrune,
  },
  {
    path: ['backup', 'rekey'],
    summary: 'command.backup.rekey',
    arguments: [...SERIES_AND_SEQUENCE],
    options: [...PLACE_OPTIONS, ...RECIPIENT_OPTIONS, OPENER_OPTIONS[0] ?? ALL, ALL, DRY_RUN],
    run: runRekey,
  },
]

async function runCreate(invocation: Invocation): Promise<ExitCode> {
  const { options, printer } = invocation
  const series = valueAt(invocation, 0)
  const recipients = await readRecipients(invocation)
  await requireSeparateKeys(invocation, recipients.passphrase)
  const source = await chooseSource(invocation)
  const compression = options.choice('compression', BACKUP_COMPRESSIONS)
  const note = options.text('note')
  if (options.flag('dry-run')) {
    const request = { series, source: source.kind, facts: await source.describe() }
    return reportPlan(invocation, { request, lines: [] })
  }
  const progress = new BackupProgressLine(printer)
  const view = await withOwnBackups(invocation, async (backups, coffre) => {
    await warnOfOthers(invocation, backups)
    try {
      return await stoppable((signal) =>
        backups.create(source, coffre, {
          series,
          recipients,
          ...(compression === undefined ? {} : { compression }),
          ...(note === undefined ? {} : { note }),
          onProgress: progress.show,
          signal,
        }),
      )
    } finally {
      await progress.end()
    }
  })
  await printer.done(view, 'done.backupCreated', {
    series,
    sequence: view.sequence,
    size: formatBytes(printer, view.bodyBytes),
  })
  return OK
}

function runList(invocation: Invocation): Promise<ExitCode> {
  const { printer } = invocation
  const series = invocation.values[0]
  if (series === undefined) return listSeries(invocation)
  return withReadBackups(invocation, async (backups) => {
    const list = await backups.list(series)
    await printer.show({ series, ...list }, () => formatBackups(printer, list))
    const isWhole = list.missing.length === 0 && list.backups.every(({ isTrusted }) => isTrusted)
    if (isWhole) return OK
    await printer.note('note.backupsDoubtful', { count: list.missing.length })
    return EXIT_CODES.BACKUP_DAMAGED
  })
}

function listSeries(invocation: Invocation): Promise<ExitCode> {
  const { printer } = invocation
  return withReadBackups(invocation, async (backups) => {
    const series = await backups.series()
    await printer.show({ series }, () => formatSeries(printer, series))
    const isWhole = series.every(({ newest }) => newest?.isTrusted === true)
    return isWhole ? OK : EXIT_CODES.BACKUP_DAMAGED
  })
}

function runInspect(invocation: Invocation): Promise<ExitCode> {
  return withReadBackups(invocation, async (backups) => {
    const view = await backups.inspect(readReference(invocation))
    await invocation.printer.show(view, () => formatBackup(invocation.printer, view))
    return OK
  })
}

async function runVerify(invocation: Invocation): Promise<ExitCode> {
  if (!invocation.options.flag('remote')) return verifyBackups(invocation)
  const found = await examineRemote(invocation)
  const verified = invocation.values[0] === undefined ? OK : await verifyBackups(invocation)
  return found === OK ? verified : found
}

function verifyBackups(invocation: Invocation): Promise<ExitCode> {
  const { printer } = invocation
  return withReadBackups(invocation, async (backups, coffre) => {
    const openers = await readOpeners(invocation, coffre)
    for (const reference of await chosen(invocation, backups)) {
      const progress = new BackupProgressLine(printer)
      try {
        const verdict = await backups.verify(reference, openers, {
          ...readTrust(invocation),
          onProgress: progress.show,
        })
        await progress.end()
        await printer.done(verdict, 'done.backupVerified', {
          series: reference.series,
          // Of the newest that was there by then.
          sequence: verdict.backup.sequence,
          size: formatBytes(printer, verdict.record.plainBytes),
        })
      } finally {
        await progress.end()
      }
    }
    return OK
  })
}

async function runPrune(invocation: Invocation): Promise<ExitCode> {
  const { options, printer } = invocation
  const series = valueAt(invocation, 0)
  const retention = readRetention(invocation)
  return withOwnBackups(invocation, async (backups, coffre) => {
    const plan = await backups.prune(coffre, { series, retention, dryRun: true })
    if (options.flag('dry-run')) {
      const removed = plan.removed.map((sequence) => `- ${series} ${sequence}`)
      return reportPlan(invocation, {
        request: plan,
        lines: [...removed, ...plan.orphans.map((name) => `- ${name}`)],
      })
    }
    const { removed, kept } = plan
    if (removed.length > 0) {
      await confirm(invocation, 'prompt.pruneBackups', { removed: removed.length, kept: kept.length })
    }
    const progress = new BackupProgressLine(printer)
    const done = await backups
      .prune(coffre, { series, retention, onProgress: progress.show })
      .finally(() => progress.end())
    await printer.done(done, 'done.backupsPruned', { removed: done.removed.length, kept: done.kept.length })
    return OK
  })
}

async function runRekey(invocation: Invocation): Promise<ExitCode> {
  const { options, printer } = invocation
  const recipients = await readRecipients(invocation)
  await requireSeparateKeys(invocation, recipients.passphrase)
  return withOwnBackups(invocation, async (backups, coffre) => {
    const openers = await readOpeners(invocation, coffre, recipients.passphrase)
    const references = await chosen(invocation, backups)
    const progress = new BackupProgressLine(printer)
    for (const [done, reference] of references.entries()) {
      const { sequence } = await backups.inspect(reference)
      if (options.flag('dry-run')) continue
      progress.show({ unit: 'backups', done, of: references.length, isAbout: false })
      const view = await backups
        .rekey({ ...reference, sequence }, openers, { recipients, coffre })
        .finally(() => progress.end())
      await printer.done(view, 'done.backupRekeyed', { series: view.series, sequence })
    }
    if (options.flag('dry-run'))
      return reportPlan(invocation, { request: readReference(invocation), lines: [] })
    return OK
  })
}

/** One backup, or with --all every one that is there. */
async function chosen(
  invocation: Invocation,
  backups: { list(series: string): Promise<{ readonly backups: readonly BackupSummary[] }> },
) {
  const reference = readReference(invocation)
  if (!invocation.options.flag('all')) return [reference]
  if (reference.sequence !== undefined)
    throw UsageError.of('usage.together', { name: '--all', other: '[sequence]' })
  const { backups: all } = await backups.list(reference.series)
  return all.map(({ series, sequence }) => ({ series, sequence }))
}

async function readRecipients(invocation: Invocation) {
  const { options } = invocation
  const { DEFAULT_BACKUP_KEY, toRecipients } = await import('../../../app-backup.ts')
  const passphrase = await readBackupPassphrase(invocation)
  const recovery = await readRecoveryKeys(invocation)
  return toRecipients({
    recovery,
    ...(options.refused('key') ? {} : { key: options.text('key') ?? DEFAULT_BACKUP_KEY }),
    ...(passphrase === undefined ? {} : { passphrase }),
  })
}

function readRetention({ options }: Invocation): BackupRetention {
  const names = ['last', 'daily', 'weekly', 'monthly'] as const
  const given = names.flatMap((name) => {
    const number = options.wholeNumber(name, KEPT)
    return number === undefined ? [] : [[name, number] as const]
  })
  if (given.length === 0)
    throw UsageError.of('usage.optionMissing', { name: '--daily, --weekly, --monthly, --last' })
  return Object.fromEntries(given)
}
