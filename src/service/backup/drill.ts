import { randomUuidV7 } from '../../crypto/random.ts'
import type {
  BackupDrill,
  BackupSummary,
  BackupTable,
  DrillCheck,
  DrillReport,
  TableDifference,
} from '../../model/backup.ts'
import { formatInstant } from '../../model/clock.ts'
import { CoffreError } from '../../model/errors.ts'
import type { Measured, RestoreTarget } from '../../store/backup-source.ts'
import type { BackupCoffre } from './backup-keys.ts'
import type { Backups } from './backups.ts'
import type { BackupReference, OpenedBackup, ReadOptions } from './opening.ts'
import { keysOf, manifestDigest } from './drill-proofs.ts'
import { requireCounts } from './restore.ts'
import type { Openers } from './slots.ts'

/** A place to restore into that nobody uses, and that goes away again. */
export interface DrillScratch {
  readonly target: RestoreTarget
  /** Once what was restored is in place: what else is true of it. Throws when something is not. */
  examine(): Promise<readonly DrillCheck[]>
  /** Of all that the drill has made. */
  remove(): Promise<void>
}

/** Of a database its tables; of anything else the digest of what it would give. */
export interface MeasuredSource extends Measured {
  readonly sha256?: string
}

export interface DrillOptions extends ReadOptions {
  /** Signs the proof. */
  readonly coffre: BackupCoffre
  readonly makeScratch: (backup: BackupSummary) => Promise<DrillScratch>
  /** The source as it is now, to compare with as well. */
  readonly measureSource?: () => Promise<MeasuredSource>
  readonly signal?: AbortSignal
}

/**
 * Restores a backup into a scratch place, compares, takes it away again, and leaves a signed proof beside the backup, also
 * of a drill that failed. What was already known not to be ours is refused without one.
 */
export async function drillBackup(
  backups: Backups,
  reference: BackupReference,
  openers: Openers,
  options: DrillOptions,
): Promise<DrillReport> {
  const event = { action: 'backup.drill', ...reference } as const
  // Before plaintext of it is anywhere.
  await backups.record({ ...event, phase: 'start' })
  return backups.recorded(
    { ...event, phase: 'end' },
    () => runDrill(backups, reference, { openers, options }),
    ({ drill: { sequence, backup: id }, differences }) => ({
      sequence,
      id,
      // Restoring it went well, and whoever reads the log alone has to know that this was not all.
      ...(differences.length === 0 ? {} : { differences: differences.length }),
    }),
  )
}

async function runDrill(
  backups: Backups,
  reference: BackupReference,
  { openers, options }: { readonly openers: Openers; readonly options: DrillOptions },
): Promise<DrillReport> {
  const opened = await backups.open(reference, openers, options)
  const startedAt = backups.proofs.now()
  const prove = async (found: Pick<BackupDrill, 'checks' | 'outcome' | 'code'>): Promise<BackupDrill> => {
    const { manifest, view } = opened
    const drill: BackupDrill = {
      id: randomUuidV7(),
      series: view.series,
      sequence: view.sequence,
      backup: view.id,
      startedAt: formatInstant(startedAt),
      milliseconds: Math.max(0, backups.proofs.now() - startedAt),
      ...found,
      keys: await keysOf(view.slots, options.coffre),
      manifest: manifestDigest(manifest),
    }
    await backups.proofs.write(drill, options.coffre)
    return drill
  }
  try {
    const { checks, ...seen } = await restoreAndCompare(backups, opened, options)
    const outcome = seen.differences.length === 0 ? 'passed' : 'differs'
    return { drill: await prove({ outcome, checks }), ...seen }
  } catch (error) {
    // Whoever stops it has not found anything.
    const isFinding = error instanceof CoffreError && options.signal?.aborted !== true
    if (isFinding) await prove({ outcome: 'failed', code: error.code, checks: [] })
    throw error
  } finally {
    opened.key.wipe()
  }
}

type Seen = Omit<DrillReport, 'drill'> & { readonly checks: readonly DrillCheck[] }

async function restoreAndCompare(
  backups: Backups,
  opened: OpenedBackup,
  options: DrillOptions,
): Promise<Seen> {
  const { view, record } = opened
  const scratch = await options.makeScratch(view)
  const { target } = scratch
  try {
    await target.prepare({ ...view.facts, bytes: record.plainBytes })
    const plain = backups.readPlain(opened, { ...options, isLent: true })
    const counts = await target.receive(plain, options.signal ?? new AbortController().signal)
    const restored = { counts, tables: target.tables?.() ?? [] }
    await target.commit()
    const more = await scratch.examine()
    const source = await options.measureSource?.()
    return compare(restored, { record, more, source })
  } finally {
    await target.abandon()
    await scratch.remove()
  }
}

interface Expected {
  readonly record: OpenedBackup['record']
  readonly source: MeasuredSource | undefined
  readonly more: readonly DrillCheck[]
}

function compare({ counts, tables }: Measured, { record, source, more }: Expected): Seen {
  const differences: TableDifference[] = []
  const checks: DrillCheck[] = ['digest']
  if (record.tables !== undefined && tables.length > 0) {
    checks.push('tables')
    differences.push(...differencesOf('record', record.tables, tables))
  }
  // Which table it is says more than that there is one.
  if (differences.length === 0) requireCounts(record.counts, counts)
  if (Object.keys(counts).some((name) => name in record.counts)) checks.push('counts')
  if (source !== undefined) {
    checks.push('source')
    differences.push(...differencesOf('source', source.tables, tables))
    const isSame = source.sha256 === undefined || source.sha256 === record.plainSha256
    if (!isSame) differences.push({ name: '*', against: 'source' })
  }
  return { counts, tables, differences, checks: [...checks, ...more] }
}

function differencesOf(
  against: TableDifference['against'],
  expected: readonly BackupTable[],
  found: readonly BackupTable[],
): readonly TableDifference[] {
  const [wanted, given] = [byName(expected), byName(found)]
  return [...new Set([...wanted.keys(), ...given.keys()])].toSorted().flatMap((name) => {
    const [left, right] = [wanted.get(name), given.get(name)]
    if (left?.rows === right?.rows && left?.checksum === right?.checksum) return []
    return [
      {
        name,
        against,
        ...(left === undefined ? {} : { expected: left }),
        ...(right === undefined ? {} : { found: right }),
      },
    ]
  })
}

function byName(tables: readonly BackupTable[]): ReadonlyMap<string, BackupTable> {
  return new Map(tables.map((table) => [table.name, table]))
}
