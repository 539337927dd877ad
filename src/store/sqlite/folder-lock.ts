import type { DatabaseSync } from 'node:sqlite'
import { CoffreError } from '../../model/errors.ts'
import { makePrivateFile } from './folder.ts'
import { primaryCode, SQLITE_BUSY, toStoreError } from './sqlite-errors.ts'

/**
 * Keeps every other process, and every other store in this one, away for as long as `lock` is open. The
 * kernel releases it when the process dies in any way. Throws STORE_IN_USE at once when it is held.
 */
export function holdLock(lock: DatabaseSync): void {
  try {
    // Nothing is ever written, so there is nothing to keep a journal file for.
    lock.exec('pragma journal_mode = memory')
    lock.exec('begin exclusive')
  } catch (error) {
    throw primaryCode(error) === SQLITE_BUSY ? new CoffreError('STORE_IN_USE') : toStoreError(error)
  }
}

/** A lock file of its own, for work on a folder that is no store. Answers how to let go, which may be done twice. */
export async function takeLock(path: string): Promise<() => void> {
  const { DatabaseSync } = await import('node:sqlite')
  await makePrivateFile(path)
  const lock = new DatabaseSync(path, { timeout: 0 })
  try {
    holdLock(lock)
  } catch (error) {
    lock.close()
    throw error
  }
  return () => {
    if (lock.isOpen) lock.close()
  }
}
