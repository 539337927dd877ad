import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { Kysely } from 'kysely'
import { CoffreError } from '../../model/errors.ts'
import type { SchemaWords, SqlEngine } from '../sql/engine.ts'
import type { Database } from '../sql/schema.ts'
import { makePrivateFile } from './folder.ts'
import { holdLock } from './folder-lock.ts'
import { sqliteDialect } from './sqlite-driver.ts'
import { toStoreError } from './sqlite-errors.ts'

/** For another process's recovery or reset of the log. It blocks the event loop, so the writer's lock does not wait so. */
const BUSY_TIMEOUT_MILLISECONDS = 1_000
/** The log shrinks to this after a burst. */
const MAX_IDLE_WAL_BYTES = 64 * 1024 * 1024

const WORDS: SchemaWords = {
  integer: 'integer',
  bytes: 'blob',
  text: 'text',
  now: "cast(unixepoch('subsec') * 1000 as integer)",
  tableEnd: ' strict',
}

const SAFETY = ['trusted_schema = off', 'cell_size_check = on']

const WRITER_SETTINGS = [
  ...SAFETY,
  // Every commit is on the disk before it is answered; FULL means that in WAL mode.
  'synchronous = full',
  // On macOS fsync does not reach the disk without it; elsewhere it changes nothing.
  'fullfsync = on',
  'foreign_keys = on',
  'secure_delete = on',
  `journal_size_limit = ${MAX_IDLE_WAL_BYTES}`,
]

/**
 * `alone` takes the lock that keeps every other Coffre away. `member` is for a process whose parent holds that lock and
 * shares the folder with it: SQLite's own locks keep their transactions apart.
 */
export type FolderShare = 'alone' | 'member'

/**
 * The connections to `coffre.db` in an existing folder, and its lock. Reads have a connection of their own: it sees
 * committed work only and never waits for a writer.
 */
export async function openSqliteEngine(folder: string, share: FolderShare = 'alone'): Promise<SqlEngine> {
  // Node releases without node:sqlite can still import this package.
  const sqlite = await import('node:sqlite')
  const [lockPath, path] = [join(folder, 'coffre.lock'), join(folder, 'coffre.db')]
  if (share === 'alone') await makePrivateFile(lockPath)
  const opened: DatabaseSync[] = []
  const open = (...settings: ConstructorParameters<typeof DatabaseSync>): DatabaseSync => {
    const database = new sqlite.DatabaseSync(...settings)
    opened.push(database)
    return database
  }
  try {
    if (share === 'alone') holdLock(open(lockPath, { timeout: 0 }))
    await makePrivateFile(path)
    const writer = open(path, { timeout: BUSY_TIMEOUT_MILLISECONDS, enableDoubleQuotedStringLiterals: false })
    prepareWriter(writer)
    const reader = open(path, { readOnly: true, timeout: BUSY_TIMEOUT_MILLISECONDS })
    set(reader, SAFETY)
    return toEngine({ opened, writer, reader })
  } catch (error) {
    for (const database of opened.toReversed()) database.close()
    throw toStoreError(error)
  }
}

/** Beside whoever holds the folder: it takes no lock of ours, writes nothing and makes no store. */
export async function openSqliteReader(folder: string, maxWaitMilliseconds: number): Promise<Database> {
  const sqlite = await import('node:sqlite')
  try {
    const settings = { readOnly: true, timeout: maxWaitMilliseconds }
    const reader = new sqlite.DatabaseSync(join(folder, 'coffre.db'), settings)
    set(reader, SAFETY)
    return new Kysely({ dialect: sqliteDialect(reader) })
  } catch (error) {
    throw toStoreError(error)
  }
}

function prepareWriter(writer: DatabaseSync): void {
  const mode = writer.prepare('pragma journal_mode = wal').get()?.['journal_mode']
  if (mode !== 'wal')
    throw new CoffreError('STORE_UNAVAILABLE', { facts: { reason: 'no write-ahead log here' } })
  set(writer, WRITER_SETTINGS)
  writer.exec('pragma busy_timeout = 0')
}

function set(database: DatabaseSync, settings: readonly string[]): void {
  for (const setting of settings) database.exec(`pragma ${setting}`)
}

interface Connections {
  /** In the order of opening, the lock first. */
  readonly opened: readonly DatabaseSync[]
  readonly writer: DatabaseSync
  readonly reader: DatabaseSync
}

function toEngine({ opened, writer, reader }: Connections): SqlEngine {
  return {
    writer: new Kysely({ dialect: sqliteDialect(writer) }),
    reader: new Kysely({ dialect: sqliteDialect(reader) }),
    words: WORDS,
    // BEGIN IMMEDIATE keeps the whole database.
    locksRows: false,
    mayRunAgain: () => false,
    // Nothing tells one process of another's commit; who waits for changes asks from time to time.
    watch: () => () => undefined,
    eraseTraces: () => emptyLog(writer),
    close: async () => {
      // The last one to close copies the log into the database file, and the lock goes after that.
      for (const database of opened.toReversed()) if (database.isOpen) database.close()
    },
  }
}

/** Copies the log into the database and cuts it to nothing, unless a foreign reader is using it now. */
function emptyLog(writer: DatabaseSync): boolean {
  try {
    return writer.prepare('pragma wal_checkpoint(truncate)').get()?.['busy'] === 0
  } catch {
    // The commit stands whatever happens here; the store asks again.
    return false
  }
}
