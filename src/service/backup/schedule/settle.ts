import { randomUuidV7 } from '../../../crypto/random.ts'
import { formatInstant, type Instant, MINUTE } from '../../../model/clock.ts'
import type { BackupRun, Store, StoredBackupSchedule, StoreTransaction } from '../../../store/store.ts'
import type { AuditTrail } from '../../audit-trail.ts'
import type { Caller } from '../../caller.ts'
import type { DeclaredBackup } from './declared-backup.ts'

/** A run that has not begun so long after its moment is missed: who waits for a backup at two looks in the morning. */
export const GRACE_MS = 15 * MINUTE

export interface SettleParts {
  readonly store: Store
  readonly trail: AuditTrail
  readonly caller: Caller
}

/**
 * Turns the moments of a schedule that have come into runs: the newest waits for a node to do it, those that nobody was
 * there for are missed. Of several nodes one does so. Answers whether something was missed.
 */
export async function settle(parts: SettleParts, declared: DeclaredBackup, now: Instant): Promise<boolean> {
  const { store } = parts
  // Most often nothing has come, and nothing is written.
  const known = await store.findBackupSchedule(declared.series)
  const isSettled = known !== undefined && isCurrent(known, declared, now)
  if (isSettled && declared.schedule.due(known.seenUntil, now) === undefined) return false
  return store.transaction(async (tx) => {
    const row = await tx.findBackupSchedule(declared.series)
    if (row === undefined || !isCurrent(row, declared, now)) {
      // What came before it was declared so is nobody's.
      await tx.putBackupSchedule(newRow(declared, now, row))
      return false
    }
    return settleDue({ ...parts, tx }, { declared, row, now })
  })
}

interface Waiting {
  /** Every run that has not ended. */
  readonly open: readonly BackupRun[]
  readonly now: Instant
  /** Absent: this node has run nothing yet. */
  readonly freeSince: Instant | undefined
}

/**
 * Whether a run waited in vain: the server was sealed. What waits behind another run is not late, however long that takes,
 * until its own next moment has come; or else the second of two backups at two in the morning would never be made.
 */
export function isLate(run: BackupRun, { open, now, freeSince }: Waiting): boolean {
  if (run.state !== 'waiting') return false
  if (open.some((other) => other.series === run.series && dueAt(other) > dueAt(run))) return true
  if (open.some(({ state }) => state === 'running')) return false
  return now - Math.max(dueAt(run), freeSince ?? 0) > GRACE_MS
}

/** A run that waited until it was too late. Answers whether it still waited. */
export async function settleLate(parts: SettleParts, run: BackupRun, now: Instant): Promise<boolean> {
  return parts.store.transaction(async (tx) => {
    const stored = await tx.findBackupRun(run.id)
    if (stored?.state !== 'waiting') return false
    await tx.putBackupRun({ ...stored, state: 'missed', endedAt: now, code: 'BACKUP_MISSED' })
    const row = await tx.findBackupSchedule(run.series)
    if (row !== undefined) await tx.putBackupSchedule({ ...row, misses: row.misses + 1 })
    await recordMissed({ ...parts, tx }, { series: run.series, slot: dueAt(run), count: 1 })
    return true
  })
}

type WithTransaction = SettleParts & { readonly tx: StoreTransaction }

interface Due {
  readonly declared: DeclaredBackup
  readonly row: StoredBackupSchedule
  readonly now: Instant
}

async function settleDue(parts: WithTransaction, { declared, row, now }: Due): Promise<boolean> {
  const { tx } = parts
  const due = declared.schedule.due(row.seenUntil, now)
  if (due === undefined) return false
  const isTimely = now - due.newest <= GRACE_MS
  const missed = due.count - (isTimely ? 1 : 0)
  const lastMissed = isTimely ? due.before : due.newest
  if (lastMissed !== undefined) {
    await tx.putBackupRun({
      ...newRun(declared.series, lastMissed, now),
      state: 'missed',
      endedAt: now,
      code: 'BACKUP_MISSED',
    })
    await recordMissed(parts, { series: declared.series, slot: lastMissed, count: missed })
  }
  if (isTimely) await tx.putBackupRun(newRun(declared.series, due.newest, now))
  await tx.putBackupSchedule({ ...row, seenUntil: due.newest, misses: row.misses + missed })
  return missed > 0
}

async function recordMissed(
  { tx, trail, caller }: WithTransaction,
  { series, slot, count }: { readonly series: string; readonly slot: Instant; readonly count: number },
): Promise<void> {
  const { principal, requestId } = caller
  const detail = { series, scheduledFor: formatInstant(slot), missed: count }
  await trail.append(tx, [
    { action: 'backup.create', principal, requestId, outcome: 'refused', code: 'BACKUP_MISSED', detail },
  ])
}

function newRun(series: string, slot: Instant, now: Instant): BackupRun {
  const asked = { askedBy: 'schedule', askedAt: now }
  return { id: randomUuidV7(), series, work: 'create', state: 'waiting', slot, ...asked, bytes: 0 }
}

function newRow(declared: DeclaredBackup, now: Instant, row?: StoredBackupSchedule): StoredBackupSchedule {
  const { series } = declared
  const { failures = 0, misses = 0 } = row ?? {}
  return { series, cron: cronOf(declared), seenUntil: now, failures, misses }
}

/** A clock that was ahead has settled moments that are still to come: nothing would be made until then. */
function isCurrent(row: StoredBackupSchedule, declared: DeclaredBackup, now: Instant): boolean {
  return row.cron === cronOf(declared) && row.seenUntil <= now + GRACE_MS
}

function dueAt({ slot, askedAt }: BackupRun): Instant {
  return slot ?? askedAt
}

function cronOf({ cron, timeZone }: DeclaredBackup): string {
  return `${cron} ${timeZone}`
}
