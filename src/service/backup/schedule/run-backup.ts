import type { OnBackupProgress } from '../../../model/backup.ts'
import { CoffreError } from '../../../model/errors.ts'
import type { BackupRun } from '../../../store/store.ts'
import type { DeclaredBackup, ScheduleCoffre } from './declared-backup.ts'

export interface RunOutcome {
  readonly sequence: number
  readonly bytes: number
  /** The backup is there; what its retention lets go could not be removed. */
  readonly pruneFailure?: unknown
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
  const backups = await orRecord(coffre, run, () => declared.openBackups(coffre))
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
  const { source, recipients } = await orRecord(coffre, run, async () => ({
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
  if (keep === undefined) return { sequence, bytes }
  try {
    await backups.prune(coffre, { series, retention: keep })
    return { sequence, bytes }
  } catch (pruneFailure) {
    return { sequence, bytes, pruneFailure }
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

/** What fails before there is a backup to speak of is in the log too. */
async function orRecord<Result>(
  { backups }: ScheduleCoffre,
  { series, work }: BackupRun,
  open: () => Promise<Result>,
): Promise<Result> {
  try {
    return await open()
  } catch (error) {
    const code = error instanceof CoffreError ? error.code : 'INTERNAL'
    await backups.record({ action: `backup.${work}`, series, code }).catch(() => undefined)
    throw error
  }
}
