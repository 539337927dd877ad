import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { BackupSource, SourceCounts, SourceFacts, TableMeasure } from '../../backup-source.ts'
import { type Program, readProgram } from '../program.ts'
import { sourceFailed } from '../reasons.ts'
import { ask, openSqliteFile, toSqliteError } from './sqlite-file.ts'
import { SqliteSnapshot } from './sqlite-snapshot.ts'

export interface SqliteSourceOptions {
  readonly path: string
  /** Counts and sums up every row in the moment that is read, for a drill to compare with. The file is held for longer. */
  readonly measure?: boolean
}

const BUSY_TIMEOUT_MS = 2_000

/** The bytes of a database file in one moment, under whatever load. */
export function sqliteSource({ path: given, measure = false }: SqliteSourceOptions): BackupSource {
  const path = resolve(given)
  let counts: SourceCounts = {}
  let tables: readonly TableMeasure[] = []
  return {
    kind: 'sqlite',
    describe: () => describe(path),
    async *read(signal) {
      let snapshot: SqliteSnapshot | undefined
      try {
        snapshot = await SqliteSnapshot.take(path, signal)
        yield* readExactly(path, snapshot.bytes, signal)
        const measured = measure ? await snapshot.measure(signal) : undefined
        await snapshot.requireUnchanged()
        counts = { bytes: snapshot.bytes, ...measured?.counts }
        tables = measured?.tables ?? []
      } catch (error) {
        throw toSqliteError('BACKUP_SOURCE_FAILED', error, path)
      } finally {
        snapshot?.end()
      }
    },
    counts: () => counts,
    tables: () => tables,
  }
}

async function describe(path: string): Promise<SourceFacts> {
  try {
    const { size } = await stat(path)
    const database = await openSqliteFile(path, BUSY_TIMEOUT_MS)
    try {
      return {
        path,
        bytes: size,
        journal: String(ask(database, 'pragma journal_mode')['journal_mode']),
        tables: Number(ask(database, `select count(*) as n from sqlite_schema where type = 'table'`)['n']),
        sqlite: String(ask(database, 'select sqlite_version() as v')['v']),
      }
    } finally {
      database.close()
    }
  } catch (error) {
    throw toSqliteError('BACKUP_SOURCE_FAILED', error, path)
  }
}

/**
 * By another process: closing a descriptor of the file drops every lock that this process has on it (fcntl(2)), those of an
 * open Coffre included.
 */
async function* readExactly(path: string, length: number, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const cat: Program = { path: 'cat', args: [path], environment: { PATH: process.env['PATH'] } }
  let left = length
  for await (const piece of readProgram(cat, signal)) {
    if (left > 0) yield piece.subarray(0, left)
    left -= Math.min(left, piece.length)
  }
  if (left > 0)
    throw sourceFailed({ reason: 'the file is shorter than its database', file: path, missing: left })
}
