import { constants } from 'node:fs'
import { link, open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'

const OWNER_ONLY = 0o600

/**
 * Writes a file that only its owner reads, whole or not at all: whoever dies in the middle leaves at most
 * `<path>.part`, which the next writer removes. `ifExists: 'keep'` answers false and changes nothing when the
 * file is there already; `'replace'` takes its place.
 */
export async function writePrivateFile(
  path: string,
  text: string,
  options: { readonly ifExists: 'keep' | 'replace' },
): Promise<boolean> {
  const part = `${path}.part`
  await rm(part, { force: true })
  await writeNew(part, text)
  const written = options.ifExists === 'keep' ? await linkNew(part, path) : await replace(part, path)
  await rm(part, { force: true })
  await syncFolder(dirname(path))
  return written
}

/** Exclusive and not through a link, so nobody can have prepared the place. */
async function writeNew(path: string, text: string): Promise<void> {
  const flags = constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | constants.O_NOFOLLOW
  const file = await open(path, flags, OWNER_ONLY)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Unlike a rename, a link never takes the place of what is there. */
async function linkNew(part: string, path: string): Promise<boolean> {
  try {
    await link(part, path)
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  }
}

async function replace(part: string, path: string): Promise<boolean> {
  await rename(part, path)
  return true
}

/** The name of a new file is durable only when its folder is. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, constants.O_RDONLY)
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
