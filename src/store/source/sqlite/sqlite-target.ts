import { rename, rm } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { RestoreTarget, SourceCounts, SourceFacts, TableMeasure } from '../../backup-source.ts'
import { primaryCode } from '../../sqlite/sqlite-errors.ts'
import { PartFile, stateOf } from '../part-file.ts'
import { contentRefused } from '../reasons.ts'
import { measureSqliteFile } from './measure-sqlite.ts'
import { ask, DAMAGED, openSqliteFile, toSqliteError } from './sqlite-file.ts'

export interface SqliteTargetOptions {
  readonly path: string
  /** Unique to this restore: part of the names in quarantine. */
  readonly id: string
  /** A database that is there keeps its content under another name. Nobody may have it open. */
  readonly replace?: boolean
  /** Sums up what was restored, to compare with the counts of a source that measured. */
  readonly measure?: boolean
}

/** A new file, which takes the name of the target when SQLite has found nothing wrong with it. */
export function sqliteTarget(options: SqliteTargetOptions): RestoreTarget {
  const { path: given, id, replace = false, measure = false } = options
  const path = resolve(given)
  let tables: readonly TableMeasure[] = []
  const part = new PartFile(path, id)
  return {
    kind: 'sqlite',
    prepare: async ({ bytes = 0 }: SourceFacts) => {
      await part.prepare({ replace, bytes: Number(bytes) })
      await settleOld(path)
    },
    receive: async (plaintext, signal): Promise<SourceCounts> => {
      try {
        const bytes = await part.write(plaintext, signal)
        await requireSound(part.path)
        if (!measure) return { bytes }
        const measured = await measureSqliteFile(part.path)
        tables = measured.tables
        return { bytes, ...measured.counts }
      } catch (error) {
        throw toSqliteError('RESTORE_FAILED', error, path)
      }
    },
    tables: () => tables,
    commit: async (): Promise<SourceFacts> => {
      try {
        await settleOld(path)
        await setAside(path, part.before)
        const before = await part.commit()
        return { file: path, ...(before === undefined ? {} : { before }) }
      } catch (error) {
        throw toSqliteError('RESTORE_FAILED', error, path)
      }
    },
    abandon: async () => {
      for (const end of ['', '-wal', '-shm', '-journal']) await rm(part.path + end, { force: true })
    },
  }
}

/** Copies the log of the old database into it. Throws RESTORE_REFUSED while anybody has it open. */
async function settleOld(path: string): Promise<void> {
  if ((await stateOf(path)) === 'absent') return
  try {
    const old = await openSqliteFile(path, 0)
    try {
      // In this mode the first access needs the file for itself, beside connections that do nothing as well.
      old.exec('pragma locking_mode = exclusive')
      old.exec('begin exclusive; rollback')
      ask(old, 'pragma wal_checkpoint(truncate)')
    } finally {
      old.close()
    }
  } catch (error) {
    // What is damaged may be replaced: that is what a restore is for.
    if (DAMAGED.includes(primaryCode(error) ?? 0)) return
    throw toSqliteError('RESTORE_REFUSED', error, path)
  }
}

/** A log that nobody could copy belongs to the old file: beside the new one it would damage it. */
async function setAside(path: string, before: string): Promise<void> {
  for (const end of ['-wal', '-journal']) {
    if ((await stateOf(path + end)) === 'file') await rename(path + end, before + end)
  }
  await rm(`${path}-shm`, { force: true })
}

async function requireSound(path: string): Promise<void> {
  let found: unknown
  try {
    const database = await openSqliteFile(path, 0)
    try {
      found = ask(database, 'pragma integrity_check(1)')['integrity_check']
    } finally {
      database.close()
    }
  } catch (error) {
    if (!DAMAGED.includes(primaryCode(error) ?? 0)) throw error
    found = 'it is no database, or a damaged one'
  }
  if (found !== 'ok')
    throw contentRefused({ reason: 'SQLite finds the database damaged', found: String(found) })
}
