import { chmod, mkdir, open } from 'node:fs/promises'
import { CoffreError } from '../../model/errors.ts'

const OWNER_ONLY_FOLDER = 0o700
const OWNER_ONLY_FILE = 0o600

/** Creates `folder` for its owner alone. A folder that exists keeps its mode. Throws STORE_UNAVAILABLE. */
export async function makeFolder(folder: string): Promise<void> {
  await onMedium(folder, () => mkdir(folder, { recursive: true, mode: OWNER_ONLY_FOLDER }))
}

/**
 * Makes sure that `path` is a file that its owner alone may read or write. SQLite gives its -wal and -shm
 * files the same mode. Throws STORE_UNAVAILABLE.
 */
export async function makePrivateFile(path: string): Promise<void> {
  await onMedium(path, async () => {
    if (!(await createFile(path))) await chmod(path, OWNER_ONLY_FILE)
  })
}

/**
 * Only a new file is opened here: closing any descriptor of a file drops all POSIX locks that this process
 * has on it (fcntl(2)), those of an open store included.
 */
async function createFile(path: string): Promise<boolean> {
  try {
    const file = await open(path, 'wx', OWNER_ONLY_FILE)
    await file.close()
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  }
}

async function onMedium(file: string, work: () => Promise<unknown>): Promise<void> {
  try {
    await work()
  } catch (cause) {
    // EROFS, EACCES and ENOSPC each ask for something else of whoever reads it.
    const reason = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown'
    throw new CoffreError('STORE_UNAVAILABLE', { facts: { file, reason }, cause })
  }
}
