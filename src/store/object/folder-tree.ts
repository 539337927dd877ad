import { constants } from 'node:fs'
import { lstat, mkdir, open, readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { CoffreError } from '../../model/errors.ts'
import { isReadableName } from '../object-store.ts'
import { codeOf, isAbsent, onFolder } from './folder-errors.ts'

const OWNER_ONLY_FOLDER = 0o700

/** Whether all folders between `root` and the file are there. A link among them is refused. */
export async function checkParents(root: string, name: string): Promise<boolean> {
  for (const folder of parentsOf(name)) {
    const stats = await lstat(join(root, folder)).catch((error: unknown) => {
      if (isAbsent(error)) return undefined
      throw error
    })
    if (stats?.isSymbolicLink()) throw linked(root, folder)
    if (!stats?.isDirectory()) return false
  }
  return true
}

/** Makes what is missing of the folders between `root` and the file, for their owner alone. */
export async function makeParents(root: string, name: string): Promise<void> {
  for (const folder of parentsOf(name)) {
    try {
      await mkdir(join(root, folder), OWNER_ONLY_FOLDER)
      await syncParent(root, folder)
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error
      const stats = await lstat(join(root, folder))
      if (stats.isSymbolicLink()) throw linked(root, folder)
      if (!stats.isDirectory())
        throw new CoffreError('OBJECT_EXISTS', { facts: { place: root, name: folder } })
    }
  }
}

/** A name is on the disk only once its folder is. */
export async function syncParent(root: string, name: string): Promise<void> {
  const folder = await open(dirname(join(root, name)), constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

/**
 * Names of all files below `root` that begin with `prefix`, in the order of their bytes: a folder is sorted as its name
 * with the slash. Links and devices are left out.
 */
export async function* walk(root: string, prefix: string, within = ''): AsyncGenerator<string> {
  const entries = await onFolder({ place: root }, () =>
    readdir(join(root, within), { withFileTypes: true }).catch((error: unknown) => {
      // A folder that goes meanwhile has nothing any more; the root itself has to be there.
      if (within !== '' && isAbsent(error)) return []
      throw error
    }),
  )
  const found = entries
    .filter((entry) => entry.isFile() || entry.isDirectory())
    .map((entry) => ({ isFolder: entry.isDirectory(), path: `${within}${entry.name}` }))
    .filter(({ path }) => isReadableName(path))
    .map(({ isFolder, path }) => ({ isFolder, path: isFolder ? `${path}/` : path }))
    .filter(({ isFolder, path }) => path.startsWith(prefix) || (isFolder && prefix.startsWith(path)))
    .toSorted((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)))
  for (const { isFolder, path } of found) {
    if (isFolder) yield* walk(root, prefix, path)
    else yield path
  }
}

/** `a` and `a/b` for `a/b/c`. */
function parentsOf(name: string): readonly string[] {
  const segments = name.split('/').slice(0, -1)
  return segments.map((_, index) => segments.slice(0, index + 1).join('/'))
}

function linked(root: string, folder: string): CoffreError {
  return new CoffreError('OBJECT_STORE_REFUSED', {
    facts: { place: root, folder, expected: 'a folder, not a link' },
  })
}
