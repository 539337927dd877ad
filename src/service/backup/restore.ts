import type { BackupVerdict } from '../../model/backup.ts'
import type { BackupEvent } from '../../model/backup-trail.ts'
import { CoffreError } from '../../model/errors.ts'
import type { RestoreTarget, SourceCounts, SourceFacts } from '../../store/backup-source.ts'
import type { Backups } from './backups.ts'
import type { BackupReference, ReadOptions } from './opening.ts'
import type { Openers } from './slots.ts'

export interface RestoreOptions extends ReadOptions {
  readonly signal?: AbortSignal
  /** Receives everything, compares, and then takes it away again: the target stays as it is. */
  readonly rehearse?: boolean
  /** The target takes one file or table only, so it counts fewer. */
  readonly isPartial?: boolean
}

export interface Restored extends BackupVerdict {
  /** What the target counted. */
  readonly counts: SourceCounts
  /** What is where now; absent after a rehearsal. */
  readonly place?: SourceFacts
}

/**
 * Into a quarantine beside the target, chunk by chunk as it is verified. The target is touched once: when the last byte was
 * genuine, the digest is the record's and the counts are those of the source. Whatever fails leaves it as it was. Of one file
 * or table nothing is read beyond it: what was read was genuine, and in its place.
 */
export async function restoreBackup(
  backups: Backups,
  reference: BackupReference,
  target: RestoreTarget,
  openers: Openers,
  options: RestoreOptions = {},
): Promise<Restored> {
  const event: BackupEvent = {
    action: 'backup.restore',
    ...reference,
    ...(options.rehearse === true ? { purpose: 'rehearsal' } : {}),
  }
  // Nothing is opened that the log does not know of.
  await backups.record({ ...event, phase: 'start' })
  return backups.recorded(
    { ...event, phase: 'end' },
    () => restore(backups, reference, target, openers, options),
    ({ backup, record }) => ({ sequence: backup.sequence, id: backup.id, bytes: record.plainBytes }),
  )
}

async function restore(
  backups: Backups,
  reference: BackupReference,
  target: RestoreTarget,
  openers: Openers,
  options: RestoreOptions,
): Promise<Restored> {
  const opened = await backups.open(reference, openers, options)
  const { view: backup, record } = opened
  try {
    // Standard output and a file take whatever a source gave.
    if (target.kind !== backup.source && target.kind !== 'stream') {
      throw new CoffreError('RESTORE_REFUSED', {
        facts: { reason: 'another kind of source', given: backup.source },
      })
    }
    await target.prepare({ ...backup.facts, bytes: record.plainBytes })
    const plain = backups.readPlain(opened, { ...options, isLent: true })
    const counts = await target.receive(plain, options.signal ?? new AbortController().signal)
    if (options.isPartial !== true) requireCounts(record.counts, counts)
    if (options.rehearse === true) {
      await target.abandon()
      return { backup, record, counts }
    }
    return { backup, record, counts, place: await target.commit() }
  } catch (error) {
    await target.abandon()
    throw error
  } finally {
    opened.key.wipe()
  }
}

/** Of what both sides counted. Throws BACKUP_DAMAGED. */
export function requireCounts(expected: SourceCounts, given: SourceCounts): void {
  for (const [name, count] of Object.entries(given)) {
    const wanted = expected[name]
    if (wanted === undefined || wanted === count) continue
    throw new CoffreError('BACKUP_DAMAGED', { facts: { at: 'counts', name, expected: wanted, given: count } })
  }
}
