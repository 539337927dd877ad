import type { Database } from './schema.ts'

/** What one database brings to the SQL store: its connections and the few words in which dialects differ. */
export interface SqlEngine {
  /** Sees committed work only. Where the database isolates readers itself this may be `writer`. */
  readonly reader: Database
  /**
   * Its transactions exclude every other writer from their first statement on. A statement that failed
   * ends its transaction: later statements and the commit fail too. All errors are CoffreErrors.
   */
  readonly writer: Database
  readonly words: SchemaWords
  /** Whether a row that a transaction has read can be kept from every other writer by `for update`. */
  readonly locksRows: boolean
  /** Whether a transaction that failed so was chosen to give way: nothing was written, and it may run again. */
  mayRunAgain(error: unknown): boolean
  /** A statement of a transaction by which its commit is told to `watch` of other processes. */
  readonly announcement?: string
  /** Calls `listener` when another process has announced a change, or may have. Answers how to stop. */
  watch(listener: () => void): () => void
  /**
   * Removes what the database itself keeps of erased values, such as old pages in a log. It never throws
   * and answers whether everything is gone; the store asks again after a later commit when it is not.
   */
  eraseTraces(): boolean
  close(): Promise<void>
}

/** Words of the schema that differ between databases. */
export interface SchemaWords {
  /** A whole number from -2^63 to 2^63 - 1. */
  readonly integer: string
  readonly bytes: string
  /** Text that is compared and ordered by its bytes. */
  readonly text: string
  /** The database's own clock, in milliseconds since 1970. */
  readonly now: string
  /** What follows the closing parenthesis of a table. */
  readonly tableEnd: string
}
