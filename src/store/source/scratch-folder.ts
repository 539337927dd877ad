import { lstat, mkdtemp, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { hasCode } from '../../model/errors.ts'
import { takeLock } from '../sqlite/folder-lock.ts'
import { removeTree } from './files/files-target.ts'
import { asBackupError, systemReason } from './reasons.ts'

const PREFIX = 'coffre-drill-'
const NAME = /^coffre-drill-[A-Za-z0-9]{6}$/
/** In a folder of ours, and held for as long as its drill lives. */
const LOCK = 'drill.lock'

/** A folder for its owner alone, that goes away again. */
export interface ScratchFolder {
  readonly path: string
  remove(): Promise<void>
}

export async function makeScratchFolder(parent: string): Promise<ScratchFolder> {
  try {
    const path = await mkdtemp(join(parent, PREFIX))
    const release = await takeLock(join(path, LOCK))
    return {
      path,
      remove: async () => {
        release()
        await removeTree(path)
      },
    }
  } catch (error) {
    throw asBackupError('RESTORE_REFUSED', error, { folder: parent })
  }
}

export interface SweptFolders {
  readonly removed: readonly string[]
  /** Named as ours are, without our mark: somebody else's, or made a moment before its maker was killed. */
  readonly unmarked: readonly string[]
}

/**
 * Removes what killed drills have left in `parent`: folders of this user with our lock in them that nobody holds, older than
 * `olderThanMs`.
 */
export async function sweepFolders(
  parent: string,
  { olderThanMs, now }: { readonly olderThanMs: number; readonly now: number },
): Promise<SweptFolders> {
  const removed: string[] = []
  const unmarked: string[] = []
  const names = await readdir(parent).catch((error: unknown) => {
    throw asBackupError('RESTORE_REFUSED', error, { folder: parent })
  })
  for (const name of names.filter((each) => NAME.test(each)).toSorted()) {
    const path = join(parent, name)
    const folder = await lstat(path)
    if (!folder.isDirectory() || folder.uid !== process.getuid?.()) continue
    if (!(await isFile(join(path, LOCK)))) unmarked.push(path)
    else if (folder.mtimeMs <= now - olderThanMs && (await isFree(join(path, LOCK)))) {
      await removeTree(path)
      removed.push(path)
    }
  }
  return { removed, unmarked }
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await lstat(path)).isFile()
  } catch (error) {
    if (systemReason(error) === 'ENOENT') return false
    throw error
  }
}

async function isFree(path: string): Promise<boolean> {
  try {
    const release = await takeLock(path)
    release()
    return true
  } catch (error) {
    if (hasCode(error, 'STORE_IN_USE')) return false
    throw error
  }
}
