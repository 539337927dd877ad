import type { DatabaseSync } from 'node:sqlite'
import { setImmediate } from 'node:timers/promises'
import type { Measured, TableMeasure } from '../../backup-source.ts'
import { sumTables, WRAP } from '../sum-tables.ts'
import { openSqliteFile, toSqliteError } from './sqlite-file.ts'

/** Without those of SQLite itself, and with what a full-text index keeps in tables of its own. */
const TABLES = `select name from pragma_table_list where schema = 'main' and type in ('table', 'shadow')
  and name not like 'sqlite_%' order by name collate binary`
/** So many rows, and then others of this process have their turn. */
const ROWS_AT_ONCE = 2_000
const BUSY_TIMEOUT_MS = 2_000
const UPPER_BITS = 2 ** 32
const UPPER_MASK = 0xffff

/** Rows and content of every table, as one transaction sees them. */
export async function measureSqlite(database: DatabaseSync, signal: AbortSignal): Promise<Measured> {
  const tables: TableMeasure[] = []
  for (const { name } of database.prepare(TABLES).all()) {
    tables.push(await measureTable(database, String(name), signal))
  }
  return sumTables(tables)
}

/** A file as it is now, to compare a restored one with. */
export async function measureSqliteFile(path: string): Promise<Measured> {
  try {
    const database = await openSqliteFile(path, BUSY_TIMEOUT_MS)
    try {
      database.exec('begin')
      return await measureSqlite(database, new AbortController().signal)
    } finally {
      database.close()
    }
  } catch (error) {
    throw toSqliteError('BACKUP_SOURCE_FAILED', error, path)
  }
}

async function measureTable(
  database: DatabaseSync,
  name: string,
  signal: AbortSignal,
): Promise<TableMeasure> {
  const statement = database.prepare(`select * from "${name.replaceAll('"', '""')}"`)
  statement.setReadBigInts(true)
  statement.setReturnArrays(true)
  let [rows, checksum] = [0, 0]
  for (const row of statement.iterate()) {
    checksum = (checksum + hashRow(Object.values(row))) % WRAP
    rows += 1
    if (rows % ROWS_AT_ONCE !== 0) continue
    signal.throwIfAborted()
    await setImmediate()
  }
  return { name, rows, checksum }
}

/** Each value with its kind and length, so that no two rows are written the same. */
function hashRow(values: readonly unknown[]): number {
  const pieces = values.flatMap((value) => {
    const bytes = value instanceof Uint8Array ? value : Buffer.from(String(value))
    const kind = value instanceof Uint8Array ? 'blob' : typeof value
    return [Buffer.from(`${kind}:${bytes.length}:`), bytes]
  })
  return hash48(Buffer.concat(pieces))
}

/** Two multiplications of 32 bits over each byte. */
function hash48(bytes: Uint8Array): number {
  let [low, high] = [0x811c9dc5, 0x41c6ce57]
  for (const byte of bytes) {
    low = Math.imul(low ^ byte, 0x01000193)
    high = Math.imul(high ^ byte, 0x9e3779b1)
  }
  high ^= Math.imul(low ^ (low >>> 15), 0x85ebca6b)
  return ((high ^ (high >>> 13)) & UPPER_MASK) * UPPER_BITS + (low >>> 0)
}
