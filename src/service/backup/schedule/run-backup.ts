import type { OnBackupProgress } from '../../../model/backup.ts'
import type { BackupEvent } from '../../../model/backup-trail.ts'
import type { BackupRun } from '../../../store/store.ts'
import { recordFailure } from '../recorded.ts'
import type { DeclaredBackup, ScheduleCoffre } from './declared-backup.ts'
import { drillIfDue, type SeenDrill } from './drill-if-due.ts'

export interface RunOutcome {
  readonly sequence: number
  readonly bytes: number
  /** The backup is there; what its retention lets go could not be removed. */
  readonly pruneFailure?: unknown
  /** Absent where there never was one. */
  readonly drill?: SeenDrill
}

export interface RunWatch {
  readonly signal: AbortSignal
  readonly onProgress: OnBackupProgress
}

/** Does what a run is for. Everything that it opened is closed when it ends, however it ends. */
export async function runBackup(
  declared: DeclaredBackup,
  run: BackupRun,
  coffre: ScheduleCoffre,
  watch: RunWatch,
): Promise<RunOutcome> {
  const backups = await recordFailure(coffre.backups, eventOf(run), () => declared.openBackups(coffre))
  try {
    return run.work === 'verify'
      ? await verify(declared, run, { backups, coffre, watch })
      : await create(declared, run, { backups, coffre, watch })
  } finally {
    await backups.close()
  }
}

interface Tools {
  readonly backups: Awaited<ReturnType<DeclaredBackup['openBackups']>>
  readonly coffre: ScheduleCoffre
  readonly watch: RunWatch
}

async function create(
  declared: DeclaredBackup,
  run: BackupRun,
  { backups, coffre, watch }: Tools,
): Promise<RunOutcome> {
  const { series, keep, compression, apartFrom } = declared
  const { source, recipients } = await recordFailure(coffre.backups, eventOf(run), async () => ({
    source: await declared.openSource(),
    recipients: await declared.readRecipients(),
  }))
  const { sequence, bodyBytes: bytes } = await backups.create(source, coffre, {
    series,
    recipients,
    apartFrom,
    ...(compression === undefined ? {} : { compression }),
    ...watch,
  })
  const drill = await drillIfDue(declared, { backups, coffre, signal: watch.signal, sequence })
  const outcome = { sequence, bytes, ...(drill === undefined ? {} : { drill }) }
  // An older backup may be all that restores.
  const hasFailed = drill?.isNew === true && drill.newest.code !== undefined
  if (keep === undefined || hasFailed || watch.signal.aborted) return outcome
  try {
    await backups.prune(coffre, { series, retention: keep })
    return outcome
  } catch (pruneFailure) {
    return { ...outcome, pruneFailure }
  }
}

async function verify(
  { series }: DeclaredBackup,
  { sequence: wanted }: BackupRun,
  { backups, coffre, watch }: Tools,
): Promise<RunOutcome> {
  const reference = wanted === undefined ? { series } : { series, sequence: wanted }
  const { backup, record } = await backups.verify(reference, { coffre }, watch)
  return { sequence: backup.sequence, bytes: record.plainBytes }
}

function eventOf({ series, work }: BackupRun): BackupEvent {
  return { action: `backup.${work}`, series }
}
