import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { hasCode } from '../../model/errors.ts'
import type { SchemaFacts } from '../store.ts'
import { newestSchema } from '../sql/migration/migrations.ts'
import { toStoreError } from './sqlite-errors.ts'

export interface FileFacts extends SchemaFacts {
  /** What SQLite finds wrong first, `ok`, or `skipped` for a file that is too large to read while somebody waits. */
  readonly check: string
}

/** About four seconds from a disk of 250 MB/s. */
const MAX_CHECKED_BYTES = 1024 ** 3
const BUSY_TIMEOUT_MILLISECONDS = 1_000

/** Reads only, beside whoever has the folder open. `undefined` where there is no database. Throws STORE_UNAVAILABLE. */
export async function examineFile(folder: string): Promise<FileFacts | undefined> {
  const path = join(folder, 'coffre.db')
  const found = await stat(path).catch(() => undefined)
  if (found === undefined) return undefined
  const newest = newestSchema()
  try {
    const sqlite = await import('node:sqlite')
    const database = new sqlite.DatabaseSync(path, { readOnly: true, timeout: BUSY_TIMEOUT_MILLISECONDS })
    try {
      const check = found.size > MAX_CHECKED_BYTES ? 'skipped' : quickCheck(database)
      return { check, newest, ...readSchema(database) }
    } finally {
      database.close()
    }
  } catch (cause) {
    const error = toStoreError(cause)
    if (hasCode(error, 'STORE_DAMAGED')) return { check: 'it is no database any more', newest }
    throw error
  }
}

function quickCheck(database: DatabaseSync): string {
  const [first] = database.prepare('pragma quick_check(1)').all()
  return String(first?.['quick_check'])
}

/** Nothing where there are no tables yet. */
function readSchema(database: DatabaseSync): { readonly schema?: number } {
  const table = database.prepare(`select 1 from sqlite_schema where name = 'migration'`).get()
  if (table === undefined) return {}
  const row = database.prepare('select max(number) as newest from migration').get()
  return typeof row?.['newest'] === 'number' ? { schema: row['newest'] } : {}
}
