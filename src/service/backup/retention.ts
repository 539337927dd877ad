import type { BackupRetention } from '../../model/backup.ts'

interface Dated {
  /** ISO 8601 in UTC. */
  readonly createdAt: string
  readonly sequence: number
}

type Period = (createdAt: string) => string

const PERIODS: Readonly<Record<'daily' | 'weekly' | 'monthly', Period>> = {
  daily: (at) => at.slice(0, 10),
  weekly: (at) => weekOf(new Date(at)),
  monthly: (at) => at.slice(0, 7),
}

/**
 * Those that stay: the newest of each of the last `daily` days that have one, `weekly` weeks, `monthly` months, and the
 * `last` ones whatever their day. The newest of all always stays.
 */
export function chooseKept<Backup extends Dated>(
  backups: readonly Backup[],
  retention: BackupRetention,
): ReadonlySet<number> {
  const newestFirst = backups.toSorted((left, right) => right.sequence - left.sequence)
  const kept = new Set(newestFirst.slice(0, Math.max(1, retention.last ?? 0)).map(({ sequence }) => sequence))
  for (const [kind, period] of Object.entries(PERIODS)) {
    const wanted = retention[kind as keyof typeof PERIODS] ?? 0
    const seen = new Set<string>()
    for (const { createdAt, sequence } of newestFirst) {
      if (seen.size === wanted) break
      const name = period(createdAt)
      if (!seen.has(name)) kept.add(sequence)
      seen.add(name)
    }
  }
  return kept
}

/** ISO 8601 week, which begins on Monday and belongs to the year of its Thursday. */
function weekOf(date: Date): string {
  const thursday = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()))
  thursday.setUTCDate(thursday.getUTCDate() + 4 - (thursday.getUTCDay() || 7))
  const yearStart = Date.UTC(thursday.getUTCFullYear(), 0, 1)
  const week = Math.ceil(((thursday.getTime() - yearStart) / 86_400_000 + 1) / 7)
  return `${thursday.getUTCFullYear()}-W${String(week).padStart(2, '0')}`
}
