import type { RestoreTarget } from '../../../app-backup.ts'
import type { BackupSummary } from '../../../model/backup.ts'
import type { CommandRow, OptionRow } from '../../command-row.ts'
import { type ExitCode, OK } from '../../exit-code.ts'
import type { Invocation } from '../../invocation.ts'
import { DRY_RUN, FORCE, OUT } from '../../line/option-rows.ts'
import { formatBytes } from '../../output/backup-text.ts'
import { Progress } from '../../output/progress.ts'
import { reportPlan } from '../../output/report-plan.ts'
import { withSink } from '../../output/sink.ts'
import {
  OPENER_OPTIONS,
  PLACE_OPTIONS,
  readOpeners,
  readReference,
  readTrust,
  SERIES_AND_SEQUENCE,
  withReadBackups,
} from './with-backups.ts'

const STORED: OptionRow = { flags: '--stored', help: 'option.backupStored' }

export const restoreCommands: readonly CommandRow[] = [
  {
    path: ['backup', 'restore'],
    summary: 'command.backup.restore',
    arguments: [...SERIES_AND_SEQUENCE],
    options: [
      ...PLACE_OPTIONS,
      ...OPENER_OPTIONS,
      { flags: '--into <place>', help: 'option.into' },
      { flags: '--only <path>', help: 'option.only' },
      FORCE,
      DRY_RUN,
    ],
    run: runRestore,
  },
  {
    path: ['backup', 'cat'],
    summary: 'command.backup.cat',
    arguments: [...SERIES_AND_SEQUENCE],
    options: [...PLACE_OPTIONS, ...OPENER_OPTIONS, STORED, OUT, FORCE],
    run: runCat,
  },
]

function runRestore(invocation: Invocation): Promise<ExitCode> {
  const { options, printer } = invocation
  const into = options.required('into')
  return withReadBackups(invocation, async (backups, coffre) => {
    const view = await backups.inspect(readReference(invocation))
    const reference = { series: view.series, sequence: view.sequence }
    if (options.flag('dry-run')) return reportPlan(invocation, { request: { ...reference, into }, lines: [] })
    const { restoreBackup } = await import('../../../app-backup.ts')
    const target = await chooseTarget(invocation, view, into)
    const openers = await readOpeners(invocation, coffre)
    const progress = new Progress(printer, 'progress.bytes', view.bodyBytes)
    try {
      const onBytes = (bytes: number) => void progress.show(bytes)
      const restored = await restoreBackup(backups, reference, target, openers, {
        ...readTrust(invocation),
        isPartial: options.text('only') !== undefined,
        onBytes,
      })
      await progress.end()
      const size = formatBytes(printer, restored.record.plainBytes)
      await printer.done(restored, 'done.backupRestored', { ...reference, into, size })
      return OK
    } finally {
      await progress.end()
    }
  })
}

/** Of the kind of its source: a folder for files, a file for everything that came as a stream. */
async function chooseTarget(
  { options }: Invocation,
  { id, source }: BackupSummary,
  into: string,
): Promise<RestoreTarget> {
  const { filesTarget, fileTarget } = await import('../../../app-backup.ts')
  const replace = options.flag('force')
  const only = options.text('only')
  if (source !== 'files') return fileTarget({ path: into, id, replace })
  return filesTarget({ folder: into, id, replace, ...(only === undefined ? {} : { only }) })
}

/** With --out, the file appears only when the last byte has been verified. */
function runCat(invocation: Invocation): Promise<ExitCode> {
  return withReadBackups(invocation, async (backups, coffre) => {
    const opened = await backups.open(
      readReference(invocation),
      await readOpeners(invocation, coffre),
      readTrust(invocation),
    )
    try {
      const pieces = invocation.options.flag('stored')
        ? backups.readStored(opened)
        : backups.readPlain(opened)
      await withSink(invocation, 'out', async (sink) => {
        for await (const piece of pieces) await sink.write(piece)
      })
      return OK
    } finally {
      opened.key.wipe()
    }
  })
}
