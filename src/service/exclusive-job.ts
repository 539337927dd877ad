import type { Store } from '../store/store.ts'

/** Far longer than a page of work takes; a process that dies with it holds the others up for so long. */
const LEASE_MS = 60_000

export interface ExclusiveJob {
  readonly name: string
  /** Unique to the process. */
  readonly holder: string
}

/** Runs `work` unless another process on this store does so now. Answers whether it ran. */
export async function runExclusively(
  store: Store,
  job: ExclusiveJob,
  work: () => Promise<unknown>,
): Promise<boolean> {
  if (!(await store.transaction((tx) => tx.claimJob({ ...job, leaseMs: LEASE_MS })))) return false
  try {
    await work()
  } finally {
    await store.transaction((tx) => tx.finishJob({ ...job, againInMs: 0 }))
  }
  return true
}
