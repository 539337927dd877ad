import { resolve } from 'node:path'
import { type Clock, toInstant } from '../../model/clock.ts'
import { commitWork } from '../sql/commit-work.ts'
import { migrate } from '../sql/migration/migrate.ts'
import { requireServable } from '../sql/move/move-state.ts'
import { SqlStore } from '../sql/sql-store.ts'
import type { Store } from '../store.ts'
import { makeFolder } from './folder.ts'
import { type FolderShare, openSqliteEngine } from './sqlite-engine.ts'

export interface SqliteStoreOptions {
  /** Created for its owner alone when it does not exist. */
  readonly folder: string
  /** `member`: the parent process has this folder open too. It has migrated it, and lives longer. */
  readonly share?: FolderShare
  /** For the dates of migrations. */
  readonly clock?: Clock
}

/**
 * Opens, and creates or migrates, the store in `folder`. One store at a time holds a folder: a second one
 * gets STORE_IN_USE at once. Throws STORE_UNAVAILABLE, STORE_DAMAGED, or CONFIG_REFUSED when a newer
 * Coffre has written it.
 */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<Store> {
  const folder = resolve(options.folder)
  await makeFolder(folder)
  const engine = await openSqliteEngine(folder, options.share)
  try {
    await migrate(engine, { clock: options.clock ?? (() => toInstant(Date.now())) })
    await commitWork(engine.writer, requireServable)
    // A process that died after a commit may have left erased material in the log.
    engine.eraseTraces()
    return new SqlStore(engine)
  } catch (error) {
    await engine.close()
    throw error
  }
}
