import type { SourceFacts } from '../../backup-source.ts'
import { type DatabasePlace, withDatabase } from '../postgres/connection.ts'
import type { FailureCode } from '../reasons.ts'
import { openSqliteFile, toSqliteError } from '../sqlite/sqlite-file.ts'
import { readCoffreFacts } from './coffre-facts.ts'

const BUSY_TIMEOUT_MS = 2_000

/** Throws `code`. */
export async function folderFacts(path: string, code: FailureCode): Promise<SourceFacts> {
  try {
    const database = await openSqliteFile(path, BUSY_TIMEOUT_MS)
    try {
      return await readCoffreFacts(async (sql) => database.prepare(sql).get() ?? {}, 'sqlite')
    } finally {
      database.close()
    }
  } catch (error) {
    throw toSqliteError(code, error, path)
  }
}

/** Throws `code`. */
export function databaseFacts(place: DatabasePlace, code: FailureCode): Promise<SourceFacts> {
  return withDatabase(place, code, ({ ask }) =>
    readCoffreFacts(async (sql) => (await ask(sql))[0] ?? {}, 'postgres'),
  )
}
