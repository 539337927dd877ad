import type {
  BackupDrillsView,
  BackupDrillState,
  BackupHealth,
  BackupRunView,
  BackupScheduleView,
} from '../../../model/backup-schedule.ts'
import { addMilliseconds, DAY, formatInstant, type Instant, toInstant } from '../../../model/clock.ts'
import type { BackupRun, ReadStore, StoredBackupDrill, StoredBackupSchedule } from '../../../store/store.ts'
import type { DeclaredBackup } from './declared-backup.ts'
import { GRACE_MS } from './settle.ts'

/** Enough that the newest that has ended is among them. */
const LOOKED_AT = 20

/** How a declared backup stands, as it would at `now` if nothing happened until then. */
export async function viewSchedule(
  store: ReadStore,
  declared: DeclaredBackup,
  now: Instant,
): Promise<BackupScheduleView> {
  const { series, source, target, cron, timeZone, keep, schedule } = declared
  const row = await store.findBackupSchedule(series)
  const runs = await store.listBackupRuns({ series, limit: LOOKED_AT })
  const backups = await store.listBackupRuns({ series, work: 'create', limit: LOOKED_AT })
  const [success] = await store.listBackupRuns({ series, work: 'create', state: 'done', limit: 1 })
  const current = runs.find(({ endedAt }) => endedAt === undefined)
  const last = newestEnded(backups)
  const drills = viewDrills(declared, await store.findBackupDrill(series), { current, success, now })
  const judged = judge(declared, { row, last, now })
  return {
    series,
    source,
    target,
    cron,
    timeZone,
    ...(keep === undefined ? {} : { keep }),
    nextAt: formatInstant(schedule.next(now)),
    ...judged,
    health: judged.health === 'ok' ? healthOfDrills(drills) : judged.health,
    drills,
    ...(current === undefined ? {} : { current: viewRun(current) }),
    ...(last === undefined ? {} : { last: viewRun(last) }),
    ...(success === undefined ? {} : { lastSuccess: viewRun(success) }),
  }
}

/** By when they were due or began: a run that was missed is written down later than those behind it. */
function newestEnded(runs: readonly BackupRun[]): BackupRun | undefined {
  const ended = runs.filter(({ endedAt }) => endedAt !== undefined)
  return ended.toSorted((left, right) => momentOf(right) - momentOf(left))[0]
}

function momentOf({ slot, askedAt, startedAt }: BackupRun): number {
  return startedAt ?? slot ?? askedAt
}

/** A run that nobody has noticed yet counts as missed too: no server may be there to notice. */
function judge(
  { schedule }: DeclaredBackup,
  seen: {
    readonly row: StoredBackupSchedule | undefined
    readonly last: BackupRun | undefined
    readonly now: Instant
  },
): Pick<BackupScheduleView, 'failures' | 'health' | 'misses'> {
  const { row, last, now } = seen
  const { failures = 0, misses = 0 } = row ?? {}
  const late = addMilliseconds(now, -GRACE_MS)
  // Who has made one since has made up for it. What a clock that was ahead wrote down has not come yet.
  const moments = [row?.seenUntil ?? -1, last === undefined ? -1 : momentOf(last)]
  const from = Math.max(...moments.map((moment) => (moment > now + GRACE_MS ? -1 : moment)))
  const due = from < 0 ? undefined : schedule.due(toInstant(from), late)
  if (due !== undefined) return { failures, misses: misses + due.count, health: 'missed' }
  return { failures, misses, health: healthOf(last) }
}

interface SeenRuns {
  readonly current: BackupRun | undefined
  readonly success: BackupRun | undefined
  readonly now: Instant
}

function viewDrills(
  declared: DeclaredBackup,
  known: StoredBackupDrill | undefined,
  seen: SeenRuns,
): BackupDrillsView {
  const { everyDays } = declared.drill ?? {}
  return {
    state: isOverdue(declared, known, seen) ? 'overdue' : stateOf(known),
    ...(everyDays === undefined ? {} : { everyDays }),
    ...(known === undefined ? {} : { lastAt: formatInstant(known.at), sequence: known.sequence }),
    ...(known?.code === undefined ? {} : { code: known.code }),
    ...(known?.passedAt === undefined ? {} : { passedAt: formatInstant(known.passedAt) }),
  }
}

function stateOf(known: StoredBackupDrill | undefined): BackupDrillState {
  if (known === undefined) return 'none'
  return known.code === undefined ? 'passed' : 'failed'
}

/** A failed one tells more. A run that is under way, or waits for its turn, may be what drills. */
function isOverdue(
  { drill, schedule }: DeclaredBackup,
  known: StoredBackupDrill | undefined,
  { current, success, now }: SeenRuns,
): boolean {
  // A drill that was declared after the last backup comes with the next one.
  const since = known?.passedAt ?? success?.endedAt
  if (drill === undefined || since === undefined) return false
  if (known?.code !== undefined || current !== undefined) return false
  const allowed = known === undefined ? 0 : drill.everyDays * DAY
  return now - GRACE_MS > Math.max(schedule.next(since), since + allowed)
}

/** Who declares no drills is told of them, and has no trouble. */
function healthOfDrills({ everyDays, state }: BackupDrillsView): BackupHealth {
  if (everyDays === undefined) return 'ok'
  if (state === 'failed') return 'drill-failed'
  return state === 'overdue' ? 'drill-overdue' : 'ok'
}

function healthOf(last: BackupRun | undefined): BackupHealth {
  if (last === undefined) return 'none'
  if (last.state === 'missed') return 'missed'
  return last.state === 'failed' ? 'failed' : 'ok'
}

export function viewRun(run: BackupRun): BackupRunView {
  const { id, series, work, state, askedBy, bytes, sequence, code } = run
  return {
    id,
    series,
    work,
    state,
    ...(run.slot === undefined ? {} : { scheduledFor: formatInstant(run.slot) }),
    askedBy,
    askedAt: formatInstant(run.askedAt),
    ...(run.startedAt === undefined ? {} : { startedAt: formatInstant(run.startedAt) }),
    ...(run.endedAt === undefined ? {} : { endedAt: formatInstant(run.endedAt) }),
    bytes,
    ...(sequence === undefined ? {} : { sequence }),
    ...(code === undefined ? {} : { code }),
  }
}
