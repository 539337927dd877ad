import type { BackupEvent, BackupTrail } from '../../model/backup-trail.ts'
import type { Clock } from '../../model/clock.ts'
import { type ErrorCode, errorCodeOf } from '../../model/errors.ts'

export interface Recording {
  /** Absent: there is no Coffre on this machine, only a secret that opens backups. */
  readonly trail?: BackupTrail
  readonly clock: Clock
}

/** Does `work` and leaves a record of how it ended. Whoever gets the result has it because the record is durable. */
export async function recorded<Result>(
  { trail, clock }: Recording,
  event: BackupEvent,
  work: () => Promise<Result>,
  describe: (result: Result) => Partial<BackupEvent> = () => ({}),
): Promise<Result> {
  if (trail === undefined) return work()
  const start = clock()
  const elapsed = () => ({ milliseconds: Math.max(0, clock() - start) })
  let result: Result
  try {
    result = await work()
  } catch (error) {
    await recordCode(trail, { ...event, ...elapsed() }, error)
    throw error
  }
  await trail.record({ ...event, ...describe(result), ...elapsed() })
  return result
}

function codeOf(error: unknown): ErrorCode {
  const isStopped = error instanceof Error && error.name === 'AbortError'
  return isStopped ? 'BACKUP_INTERRUPTED' : errorCodeOf(error)
}

/** Of what comes before there is anything to speak of: only that it failed is worth a record. */
export async function recordFailure<Result>(
  trail: BackupTrail,
  event: BackupEvent,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    await recordCode(trail, event, error)
    throw error
  }
}

/** What failed is what the caller has to know; that the log could not be written shows in the next answer. */
async function recordCode(trail: BackupTrail, event: BackupEvent, failure: unknown): Promise<void> {
  await trail.record({ ...event, code: codeOf(failure) }).catch(() => undefined)
}
