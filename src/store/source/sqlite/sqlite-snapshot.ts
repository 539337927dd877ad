import { stat } from 'node:fs/promises'
import type { DatabaseSync } from 'node:sqlite'
import { setTimeout } from 'node:timers/promises'
import { primaryCode, SQLITE_BUSY } from '../../sqlite/sqlite-errors.ts'
import type { Measured } from '../../backup-source.ts'
import { sourceFailed } from '../reasons.ts'
import { measureSqlite } from './measure-sqlite.ts'
import { ask, openSqliteFile } from './sqlite-file.ts'

const AGAIN_AFTER_MS = 5
const MAX_WAIT_MS = 30_000
/** Of our own statements on a rollback journal, where a writer of another program has its turn. */
const BUSY_TIMEOUT_MS = 2_000

/**
 * Keeps the database file as it is in one moment, for as long as it lives (docs/design/backup-sources.md, "SQLite"). In WAL mode
 * others go on to write: into the log. With a rollback journal they wait.
 */
export class SqliteSnapshot {
  /** So many bytes of the file are the database. */
  readonly bytes: number
  readonly #path: string
  readonly #reader: DatabaseSync
  readonly #changedAt: bigint

  private constructor(path: string, held: { readonly reader: DatabaseSync; readonly changedAt: bigint }) {
    this.#path = path
    this.#reader = held.reader
    this.#changedAt = held.changedAt
    this.bytes = pages(held.reader)
  }

  /** Throws the errors of node:sqlite, and BACKUP_SOURCE_FAILED when the log does not get empty. */
  static async take(path: string, signal: AbortSignal): Promise<SqliteSnapshot> {
    const reader = await openSqliteFile(path, BUSY_TIMEOUT_MS)
    try {
      const mode = ask(reader, 'pragma journal_mode')['journal_mode']
      if (mode === 'wal') await holdEmptyLog(path, reader, signal)
      else hold(reader)
      return new SqliteSnapshot(path, { reader, changedAt: await changeTime(path) })
    } catch (error) {
      reader.close()
      throw error
    }
  }

  /** Nobody may have written to the file, whatever we think of locks; a program without SQLite's own might. */
  async requireUnchanged(): Promise<void> {
    if (pages(this.#reader) !== this.bytes || (await changeTime(this.#path)) !== this.#changedAt)
      throw sourceFailed({ reason: 'the file was written to while it was held', file: this.#path })
  }

  measure(signal: AbortSignal): Promise<Measured> {
    return measureSqlite(this.#reader, signal)
  }

  end(): void {
    if (this.#reader.isOpen) this.#reader.close()
  }
}

/**
 * A reader that begins when everything in the log is in the file as well does without the log, and SQLite lets nobody copy
 * anything into the file before it ends (https://sqlite.org/walformat.html, WAL_READ_LOCK(0)). Writers wait for
 * the few milliseconds in which the log is copied.
 */
async function holdEmptyLog(path: string, reader: DatabaseSync, signal: AbortSignal): Promise<void> {
  const writer = await openSqliteFile(path, 0)
  const copier = await openSqliteFile(path, 0)
  try {
    const giveUpAt = performance.now() + MAX_WAIT_MS
    while (!tryHold({ writer, copier, reader })) {
      signal.throwIfAborted()
      if (performance.now() > giveUpAt)
        throw sourceFailed({ reason: 'another program holds an old moment of the database', file: path })
      await setTimeout(AGAIN_AFTER_MS)
    }
  } finally {
    copier.close()
    writer.close()
  }
}

interface Connections {
  readonly writer: DatabaseSync
  readonly copier: DatabaseSync
  readonly reader: DatabaseSync
}

function tryHold({ writer, copier, reader }: Connections): boolean {
  // Most of it while others write; what is left is little.
  isLogCopied(copier)
  if (!tryBegin(writer)) return false
  try {
    if (!isLogCopied(copier)) return false
    hold(reader)
    return true
  } finally {
    writer.exec('rollback')
  }
}

function isLogCopied(copier: DatabaseSync): boolean {
  const { busy, log, checkpointed } = ask(copier, 'pragma wal_checkpoint(passive)')
  return busy === 0 && log === checkpointed
}

function tryBegin(writer: DatabaseSync): boolean {
  try {
    writer.exec('begin immediate')
    return true
  } catch (error) {
    if (primaryCode(error) === SQLITE_BUSY) return false
    throw error
  }
}

/** A transaction takes its moment with its first read. */
function hold(reader: DatabaseSync): void {
  reader.exec('begin')
  ask(reader, 'select count(*) from sqlite_schema')
}

function pages(reader: DatabaseSync): number {
  const count = Number(ask(reader, 'pragma page_count')['page_count'])
  return count * Number(ask(reader, 'pragma page_size')['page_size'])
}

async function changeTime(path: string): Promise<bigint> {
  return (await stat(path, { bigint: true })).mtimeNs
}
