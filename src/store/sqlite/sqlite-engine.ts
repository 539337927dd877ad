import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { Kysely } from 'kysely'
import { CoffreError } from '../../model/errors.ts'
import type { SchemaWords, SqlEngine } from '../sql/engine.ts'
import { makePrivateFile } from './folder.ts'
import { holdLock } from './folder-lock.ts'
import { sqliteDialect } from './sqlite-driver.ts'
import { toStoreError } from './sqlite-errors.ts'

/** Nobody else writes, so only a foreign reader's recovery or checkpoint can make us wait, and blocked. */
const BUSY_TIMEOUT_MILLISECONDS = 1_000
/** The log shrinks to this after a burst. */
const MAX_IDLE_WAL_BYTES = 64 * 1024 * 1024

const WORDS: SchemaWords = { integer: 'integer', bytes: 'blob', text: 'text', tableEnd: ' strict' }

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
 * The connections to `coffre.db` in an existing folder, and the lock that keeps everybody else from writing.
 * Reads have a connection of their own: it sees committed work only and never waits for a writer.
 */
export async function openSqliteEngine(folder: string): Promise<SqlEngine> {
  // Node releases without node:sqlite can still import this package.
  const sqlite = await import('node:sqlite')
  const [lockPath, path] = [join(folder, 'coffre.lock'), join(folder, 'coffre.db')]
  await makePrivateFile(lockPath)
  const opened: DatabaseSync[] = []
  const open = (...settings: ConstructorParameters<typeof DatabaseSync>): DatabaseSync => {
    const database = new sqlite.DatabaseSync(...settings)
    opened.push(database)
    return database
  }
  try {
    const lock = open(lockPath, { timeout: 0 })
    holdLock(lock)
    await makePrivateFile(path)
    const writer = open(path, { timeout: BUSY_TIMEOUT_MILLISECONDS, enableDoubleQuotedStringLiterals: false })
    prepareWriter(writer)
    const reader = open(path, { readOnly: true, timeout: BUSY_TIMEOUT_MILLISECONDS })
    set(reader, SAFETY)
    return toEngine({ lock, writer, reader })
  } catch (error) {
    for (const database of opened.toReversed()) database.close()
    throw toStoreError(error)
  }
}

function prepareWriter(writer: DatabaseSync): void {
  const mode = writer.prepare('pragma journal_mode = wal').get()?.['journal_mode']
  if (mode !== 'wal')
    throw new CoffreError('STORE_UNAVAILABLE', { facts: { reason: 'no write-ahead log here' } })
  set(writer, WRITER_SETTINGS)
}

function set(database: DatabaseSync, settings: readonly string[]): void {
  for (const setting of settings) database.exec(`pragma ${setting}`)
}

interface Connections {
  readonly lock: DatabaseSync
  readonly writer: DatabaseSync
  readonly reader: DatabaseSync
}

function toEngine({ lock, writer, reader }: Connections): SqlEngine {
  return {
    writer: new Kysely({ dialect: sqliteDialect(writer) }),
    reader: new Kysely({ dialect: sqliteDialect(reader) }),
    words: WORDS,
    eraseTraces: () => emptyLog(writer),
    close: async () => {
      // The last one to close copies the log into the database file, and the lock goes after that.
      for (const database of [reader, writer, lock]) if (database.isOpen) database.close()
    },
  }
}

/** Copies the log into the database and cuts it to nothing, unless a foreign reader is using it now. */
function emptyLog(writer: DatabaseSync): boolean {
  try {
    writer.exec('pragma busy_timeout = 0')
    return writer.prepare('pragma wal_checkpoint(truncate)').get()?.['busy'] === 0
  } catch {
    // The commit stands whatever happens here; the store asks again.
    return false
  } finally {
    writer.exec(`pragma busy_timeout = ${BUSY_TIMEOUT_MILLISECONDS}`)
  }
}
