import type { DatabaseSync, StatementSync } from 'node:sqlite'

/** Our statements have about 40 shapes; updates of single columns add some. */
const MAX_STATEMENTS = 128

export interface PreparedStatement {
  readonly statement: StatementSync
  /** Whether it answers rows. */
  readonly answersRows: boolean
}

/** Prepared statements by their text; the one used longest ago makes room. */
export class StatementCache {
  readonly #database: DatabaseSync
  readonly #statements = new Map<string, PreparedStatement>()

  constructor(database: DatabaseSync) {
    this.#database = database
  }

  prepare(sql: string): PreparedStatement {
    const known = this.#statements.get(sql)
    if (known !== undefined) {
      // A Map iterates in the order of insertion, so this makes it the youngest.
      this.#statements.delete(sql)
      this.#statements.set(sql, known)
      return known
    }
    const statement = this.#database.prepare(sql)
    const prepared = { statement, answersRows: statement.columns().length > 0 }
    this.#makeRoom()
    this.#statements.set(sql, prepared)
    return prepared
  }

  #makeRoom(): void {
    if (this.#statements.size < MAX_STATEMENTS) return
    const [oldest] = this.#statements.keys()
    if (oldest !== undefined) this.#statements.delete(oldest)
  }
}
