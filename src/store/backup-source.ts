/** What a backup is made of. `coffre` is a Coffre's own database, in a folder or on PostgreSQL. */
export type SourceKind = 'postgres' | 'postgres-globals' | 'sqlite' | 'files' | 'stream' | 'coffre'

/** For the manifest and the terminal: names, versions, sizes. Never a secret. `bytes` is what is about to be read. */
export type SourceFacts = Readonly<Record<string, string | number>>

/** What was read or written: `bytes`, and `files`, `tables` … by kind. Those of a source and of its target compare. */
export type SourceCounts = Readonly<Record<string, number>>

/** One table: how many rows it has, and a number over their content, whatever their order. It withstands no attacker. */
export interface TableMeasure {
  readonly name: string
  readonly rows: number
  readonly checksum: number
}

/** A whole database: its counts hold `tables`, `rows` and a `checksum` over all of it. */
export interface Measured {
  readonly counts: SourceCounts
  readonly tables: readonly TableMeasure[]
}

/**
 * Something that is read into a backup. It gives plaintext in one pass and constant memory, writes none of it to a disk,
 * and shows no password in the arguments of a process. Every method throws BACKUP_SOURCE_FAILED with its `reason`.
 */
export interface BackupSource {
  readonly kind: SourceKind
  /** How many bytes `read` will give, where that is known and no fact; of the others it is the fact `bytes`. */
  readonly expectedBytes?: number
  /** May be called more than once, and before `read`: whatever is known to be missing is refused here. */
  describe(): Promise<SourceFacts>
  /**
   * Once. It throws at its end when the source did not end well, so that what was read is a backup only when the
   * iteration has ended by itself. A piece is its reader's until the next is asked for. Ending it early, or `signal`, ends every process and transaction that it began.
   */
  read(signal: AbortSignal): AsyncIterable<Uint8Array>
  /** Known once `read` has ended. */
  counts(): SourceCounts
  /** Known with the counts, of a database that was asked to measure; empty otherwise. */
  tables?(): readonly TableMeasure[]
}

/**
 * Where a backup goes back to. What is restored lies in quarantine, beside the target, until `commit`. In order:
 * `prepare`, `receive`, and then either `commit` or `abandon`; `abandon` may be called at any time, also twice.
 *
 * RESTORE_REFUSED: nothing was begun. BACKUP_CONTENT_REFUSED: the backup holds what may not be restored.
 * RESTORE_FAILED: the target could not take it. The target is as it was in all three.
 */
export interface RestoreTarget {
  readonly kind: SourceKind
  /**
   * Refuses before a byte is read: the target exists and may not be replaced, programs are missing or too old, the
   * facts do not fit, no space. `facts` are those of the backup's source.
   */
  prepare(facts: SourceFacts): Promise<void>
  /**
   * Once. A piece is its own only until it asks for the next: then its memory is used for others. Ends what it began when it
   * throws; `abandon` removes the rest.
   */
  receive(plaintext: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<SourceCounts>
  /** Known once `receive` has resolved, of a database that was asked to measure; empty otherwise. */
  tables?(): readonly TableMeasure[]
  /**
   * Puts what was received in the place of the target. Called only when the whole backup was verified and `receive` has
   * resolved. Answers what a user has to know: what is where now, and where the old one went.
   */
  commit(): Promise<SourceFacts>
  /** Removes the quarantine. */
  abandon(): Promise<void>
}
