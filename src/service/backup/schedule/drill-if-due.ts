import type { BackupDrill } from '../../../model/backup.ts'
import { DAY, type Instant, toInstant } from '../../../model/clock.ts'
import { type ErrorCode, errorCodeOf, isErrorCode } from '../../../model/errors.ts'
import type { StoredBackupDrill } from '../../../store/store.ts'
import type { Backups } from '../backups.ts'
import { drillBackup } from '../drill.ts'
import { recordFailure } from '../recorded.ts'
import type { DeclaredBackup, DeclaredDrill, ScheduleCoffre } from './declared-backup.ts'

type KnownDrill = Omit<StoredBackupDrill, 'series'>

export interface SeenDrill {
  readonly newest: KnownDrill
  /** False: it was there already, whoever made it. */
  readonly isNew: boolean
}

interface Tools {
  readonly backups: Backups
  readonly coffre: ScheduleCoffre
  readonly signal: AbortSignal
  /** Of the backup that was just made. */
  readonly sequence: number
}

/**
 * Drills the newest backup where a drill is declared and due, and answers what is known of the newest drill otherwise.
 * Whatever fails says so in the answer, since the backup is there; who is stopped has found nothing.
 */
export async function drillIfDue(declared: DeclaredBackup, tools: Tools): Promise<SeenDrill | undefined> {
  const { drill } = declared
  try {
    return drill === undefined
      ? await findNewest(declared, tools)
      : await drillDeclared(declared, drill, tools)
  } catch (error) {
    if (drill === undefined || tools.signal.aborted) return undefined
    const { backups, sequence } = tools
    return { newest: { at: backups.proofs.now(), sequence, code: errorCodeOf(error) }, isNew: true }
  }
}

async function findNewest(
  { series }: DeclaredBackup,
  { backups, coffre }: Tools,
): Promise<SeenDrill | undefined> {
  const { drills } = await backups.proofs.list(series, { coffre })
  return seen(drills, false)
}

async function drillDeclared(
  declared: DeclaredBackup,
  drill: DeclaredDrill,
  { backups, coffre, signal, sequence }: Tools,
): Promise<SeenDrill | undefined> {
  const { series } = declared
  const event = { action: 'backup.drill', series, sequence } as const
  // The drill itself records its own beginning and end.
  const { openers, list } = await recordFailure(coffre.backups, event, async () => ({
    openers: await drill.readOpeners(coffre),
    list: await backups.proofs.list(series, { coffre, maxAgeDays: maxAgeOf(declared, drill, backups) }),
  }))
  if (list.due === undefined) return seen(list.drills, false)
  const done = await drillBackup(backups, { series, sequence }, openers, {
    coffre,
    signal,
    makeScratch: (backup) => drill.makeScratch(backup),
  })
  return seen([done.drill, ...list.drills], true)
}

/** One that would be too old before the next backup is due now. */
function maxAgeOf({ schedule }: DeclaredBackup, { everyDays }: DeclaredDrill, { proofs }: Backups): number {
  const now = proofs.now()
  return everyDays - (schedule.next(now) - now) / DAY
}

function seen(drills: readonly BackupDrill[], isNew: boolean): SeenDrill | undefined {
  const [last] = drills
  if (last === undefined) return undefined
  const passed = drills.find(({ outcome }) => outcome === 'passed')
  const code = failureOf(last)
  const newest = {
    at: momentOf(last),
    sequence: last.sequence,
    ...(code === undefined ? {} : { code }),
    ...(passed === undefined ? {} : { passedAt: momentOf(passed) }),
  }
  return { newest, isNew }
}

function failureOf({ outcome, code }: BackupDrill): ErrorCode | undefined {
  if (outcome === 'passed') return undefined
  if (outcome === 'differs') return 'BACKUP_DIFFERS'
  return code !== undefined && isErrorCode(code) ? code : 'INTERNAL'
}

function momentOf({ startedAt }: BackupDrill): Instant {
  return toInstant(Date.parse(startedAt))
}
