import type {
  CacheEvent,
  CacheKeyChange,
  CacheKeys,
  EraseReceipt,
  StoredCacheKey,
} from '../../model/cache.ts'
import type { InclusionProof } from '../../model/audit.ts'
import type { UserRows } from './user-rows.ts'

/** What a deleted user's row held: with it the user's entries are erased as those of any other, and recorded. */
export class DeletedRow implements CacheKeys {
  readonly #rows: UserRows
  readonly #held: StoredCacheKey

  /** `held`: empty where the row was deleted before anybody could look. */
  constructor(rows: UserRows, held: StoredCacheKey) {
    this.#rows = rows
    this.#held = held
  }

  async read(): Promise<StoredCacheKey> {
    return this.#held
  }

  /** There is no row to write to; what happened to the entries is recorded all the same. */
  async write(user: string, { event }: CacheKeyChange): Promise<boolean> {
    await this.#rows.record(user, event)
    return true
  }

  record(user: string, event: CacheEvent): Promise<void> {
    return this.#rows.record(user, event)
  }

  prove(user: string, action: CacheEvent['action']): Promise<InclusionProof | undefined> {
    return this.#rows.prove(user, action)
  }
}

/** One receipt of several caches: the last, whose record is the newest, with what was found in all of them. */
export function joinReceipts(receipts: readonly EraseReceipt[]): EraseReceipt | undefined {
  const last = receipts.at(-1)
  if (last === undefined) return undefined
  const sum = (count: (receipt: EraseReceipt) => number) =>
    receipts.reduce((total, receipt) => total + count(receipt), 0)
  return {
    ...last,
    entries: sum(({ entries }) => entries),
    legacyEntries: sum(({ legacyEntries }) => legacyEntries),
    remaining: sum(({ remaining }) => remaining),
  }
}
