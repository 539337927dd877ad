/** One committed change of something that processes keep in memory. */
export interface Change {
  /** 1, 2, 3 … without gaps, in the order of the commits. */
  readonly seq: number
  /** `key`, `token`, `root` …; one that is not known comes from a newer Coffre and may have changed anything. */
  readonly kind: string
  readonly id: string
  /** Of a key, after the change; 0 for what has no epoch. */
  readonly epoch: number
}

/** What a store can tell about changes. The count also rises with those of which the record is gone. */
export interface ReadChanges {
  /** How many changes were committed so far. */
  readChangeCount(): Promise<number>
  /**
   * Changes `after + 1`, `after + 2` …, at most `limit`. Only the newest are kept: when the first is not
   * `after + 1`, some are missing.
   */
  listChanges(after: number, limit: number): Promise<readonly Change[]>
}

/** What an operation used that others can change: its record is refused when they have. */
export interface Reliance {
  /** Everything was read when at least this many changes were committed. */
  readonly count: number
  /** Whether a change after `count` makes a difference. */
  isTouchedBy(change: Change): boolean
}
