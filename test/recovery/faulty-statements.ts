import { DatabaseSync, StatementSync } from 'node:sqlite'

/** Told of each statement, begin and commit included; it runs it by `proceed`. */
export type OnStatement = (statement: {
  readonly sql: string
  readonly database: DatabaseSync | undefined
  readonly proceed: () => unknown
}) => unknown

/** Puts `onStatement` between this process and every SQLite database in it. Answers how to take it away. */
export function interceptStatements(onStatement: OnStatement): () => void {
  // Methods are taken off their prototypes to be called with their own `this` below.
  // oxlint-disable-next-line typescript/unbound-method
  const { prepare, exec } = DatabaseSync.prototype
  // oxlint-disable-next-line typescript/unbound-method
  const { run, all, get } = StatementSync.prototype
  const owners = new WeakMap<StatementSync, DatabaseSync>()
  DatabaseSync.prototype.prepare = function (this: DatabaseSync, ...given) {
    const statement = prepare.apply(this, given)
    owners.set(statement, this)
    return statement
  }
  DatabaseSync.prototype.exec = function (this: DatabaseSync, sql) {
    onStatement({ sql, database: this, proceed: () => exec.call(this, sql) })
  }
  const wrap = <Method extends (...given: never[]) => unknown>(method: Method): Method =>
    function (this: StatementSync, ...given: Parameters<Method>) {
      const database = owners.get(this)
      return onStatement({ sql: this.sourceSQL, database, proceed: () => method.apply(this, given) })
    } as Method
  Object.assign(StatementSync.prototype, { run: wrap(run), all: wrap(all), get: wrap(get) })
  return () => {
    Object.assign(DatabaseSync.prototype, { prepare, exec })
    Object.assign(StatementSync.prototype, { run, all, get })
  }
}
