import type { Backups, OpenedBackup, RestoreTarget } from '../../../app-backup.ts'
import type { BackupFacts, BackupSummary } from '../../../model/backup.ts'
import type { CommandRow, OptionRow } from '../../command-row.ts'
import { type ExitCode, OK } from '../../exit-code.ts'
import type { Invocation } from '../../invocation.ts'
import { DRY_RUN, FORCE, OUT } from '../../line/option-rows.ts'
import { formatBytes } from '../../output/backup-text.ts'
import { BackupProgressLine } from '../../output/backup-progress.ts'
import { reportPlan } from '../../output/report-plan.ts'
import { withSink } from '../../output/sink.ts'
import { stoppable } from '../../stoppable.ts'
import { readDatabasePlace } from './database-place.ts'
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
      { flags: '--replace', help: 'option.replaceRestored' },
      { flags: '--force', help: 'option.endConnections' },
      { flags: '--only <path>', help: 'option.only' },
      { flags: '--drop-before', help: 'option.dropBefore' },
      { flags: '--without-owners', help: 'option.withoutOwners' },
      { flags: '--run-script', help: 'option.runScript' },
      { flags: '--rehearse', help: 'option.rehearse' },
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
    // A password in it is refused before anything is said.
    await readDatabasePlace(invocation, 'into')
    const view = await backups.inspect(readReference(invocation))
    const reference = { series: view.series, sequence: view.sequence }
    if (options.flag('dry-run')) {
      return reportPlan(invocation, { request: { ...reference, into: shownPlace(into) }, lines: [] })
    }
    const { restoreBackup } = await import('../../../app-backup.ts')
    const target = await chooseTarget(invocation, view, into)
    const openers = await readOpeners(invocation, coffre)
    const progress = new BackupProgressLine(printer)
    try {
      const restored = await stoppable((signal) =>
        restoreBackup(backups, reference, target, openers, {
          ...readTrust(invocation),
          isPartial: options.text('only') !== undefined,
          rehearse: options.flag('rehearse'),
          onProgress: progress.show,
          signal,
        }),
      )
      await progress.end()
      const size = formatBytes(printer, restored.record.plainBytes)
      const done = options.flag('rehearse') ? 'done.backupRehearsed' : 'done.backupRestored'
      await printer.done(restored, done, { ...reference, into: shownPlace(into, restored.place), size })
      return OK
    } finally {
      await progress.end()
    }
  })
}

/** Of the kind of its source; a file for everything that came as a stream. */
async function chooseTarget(
  invocation: Invocation,
  { source }: BackupSummary,
  into: string,
): Promise<RestoreTarget> {
  const { options } = invocation
  const targets = await import('../../../app-backup.ts')
  const common = { id: targets.newRestoreId(), replace: options.flag('replace') }
  const only = options.text('only')
  const database = await readDatabasePlace(invocation, 'into')
  if (database !== undefined) {
    const more = {
      ...database,
      ...common,
      ...databaseOptions(invocation),
      ...(only === undefined ? {} : { table: only }),
    }
    if (source === 'coffre') return targets.coffrePostgresTarget(more)
    return source === 'postgres-globals' ? targets.globalsTarget(more) : targets.postgresTarget(more)
  }
  if (source === 'files') {
    return targets.filesTarget({ folder: into, ...common, ...(only === undefined ? {} : { only }) })
  }
  if (source === 'sqlite') return targets.sqliteTarget({ path: into, ...common })
  if (source === 'coffre') return targets.coffreFolderTarget({ folder: into, ...common })
  return targets.fileTarget({ path: into, ...common })
}

/** A URL may name a user, and `env` names nothing. */
function shownPlace(into: string, place?: BackupFacts): string {
  if (URL.canParse(into)) return new URL(into).host + new URL(into).pathname
  return String(place?.['database'] ?? into)
}

function databaseOptions({ options }: Invocation) {
  return {
    force: options.flag('force'),
    dropBefore: options.flag('drop-before'),
    noOwners: options.flag('without-owners'),
    runsScript: options.flag('run-script'),
  }
}

/** With --out, the file appears only when the last byte has been verified. */
function runCat(invocation: Invocation): Promise<ExitCode> {
  return withReadBackups(invocation, async (backups, coffre) => {
    const reference = readReference(invocation)
    const openers = await readOpeners(invocation, coffre)
    const event = { action: 'backup.restore', ...reference, purpose: 'stream' } as const
    await backups.record({ ...event, phase: 'start' })
    await backups.recorded({ ...event, phase: 'end' }, async () => {
      const opened = await backups.open(reference, openers, readTrust(invocation))
      try {
        await writeOpened(invocation, backups, opened)
      } finally {
        opened.key.wipe()
      }
    })
    return OK
  })
}

function writeOpened(invocation: Invocation, backups: Backups, opened: OpenedBackup): Promise<void> {
  const pieces = invocation.options.flag('stored') ? backups.readStored(opened) : backups.readPlain(opened)
  return withSink(invocation, 'out', async (sink) => {
    for await (const piece of pieces) await sink.write(piece)
  })
}
