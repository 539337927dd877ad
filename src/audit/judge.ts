import type { ReadChanges, Reliance } from '../store/changes.ts'

/** More than this between look-up and record means a process that was stopped for long. */
const MAX_CHANGES = 1_000

interface Judged {
  readonly reliance: Reliance | undefined
  isCurrent: boolean
}

/**
 * Marks what relies on something that was changed since. Inside the transaction that records the others, so nothing
 * can change before they are recorded.
 */
export async function judge(tx: ReadChanges, entries: readonly Judged[]): Promise<void> {
  let oldest = Number.POSITIVE_INFINITY
  for (const { reliance } of entries) oldest = Math.min(oldest, reliance?.count ?? oldest)
  if (oldest === Number.POSITIVE_INFINITY) return
  const count = await tx.readChangeCount()
  const changes = oldest < count ? await tx.listChanges(oldest, MAX_CHANGES) : []
  const isWhole = oldest + changes.length === count
  for (const entry of entries) {
    const { reliance } = entry
    if (reliance === undefined || reliance.count === count) entry.isCurrent = true
    else {
      const later = changes.filter(({ seq }) => seq > reliance.count)
      entry.isCurrent = isWhole && !later.some((change) => reliance.isTouchedBy(change))
    }
  }
}
