import { stat } from 'node:fs/promises'
import type { DatabaseSync } from 'node:sqlite'
import { CoffreError } from '../../../model/errors.ts'
import { primaryCode } from '../../sqlite/sqlite-errors.ts'
import { asBackupError, type FailureCode } from '../reasons.ts'

/** Of SQLite itself (https://sqlite.org/rescode.html). */
const REASONS: ReadonlyMap<number, string> = new Map([
  [5, 'the database is locked by another program'],
  [6, 'the database is locked by another program'],
  [8, 'the database may not be written here, which reading it in one moment needs'],
  [10, 'the disk failed'],
  [11, 'the database is damaged'],
  [13, 'the disk is full'],
  [14, 'the file cannot be opened'],
  [26, 'the file is no SQLite database'],
])

export const DAMAGED: readonly number[] = [11, 26]

/** Only a file that is there: SQLite would make one. */
export async function openSqliteFile(path: string, timeout: number): Promise<DatabaseSync> {
  await stat(path)
  const { DatabaseSync } = await import('node:sqlite')
  const database = new DatabaseSync(path, { timeout, enableDoubleQuotedStringLiterals: true })
  try {
    // What stands in the schema of a file from elsewhere runs nothing that has an effect.
    database.exec('pragma trusted_schema = off')
    database.enableDefensive(true)
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

export function ask(database: DatabaseSync, sql: string): Readonly<Record<string, unknown>> {
  return database.prepare(sql).get() ?? {}
}

export function toSqliteError(code: FailureCode, error: unknown, path: string): unknown {
  const primary = primaryCode(error)
  if (primary === undefined) return asBackupError(code, error, { file: path })
  const reason = REASONS.get(primary) ?? 'SQLite refused'
  return new CoffreError(code, { facts: { reason, sqlite: primary, file: path }, cause: error })
}
