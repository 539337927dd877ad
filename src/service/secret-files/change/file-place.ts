import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { isCode, type OpenFolder, refused } from './folder.ts'

/** An env or TOML file of a project has some KiB. */
const MAX_FILE_BYTES = 1024 * 1024
const OWNER_WRITES = 0o200

/** A file of a project by its folder, which is held open, and its name there. */
export interface FilePlace {
  /** From the project's folder, with `/`. */
  readonly path: string
  readonly folder: OpenFolder
  readonly name: string
}

export interface FoundFile {
  readonly bytes: Buffer
  /** Permission bits. */
  readonly mode: number
  /** Changes with whatever anybody does to the file. */
  readonly stamp: string
}

/** What is there; `undefined` for nothing. Throws SECRET_FILE_REFUSED for links, others' files and what is no file. */
export async function readPlace(place: FilePlace): Promise<FoundFile | undefined> {
  const { folder, name, path } = place
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
  const file = await open(folder.at(name), flags).catch((error: unknown) => {
    if (isCode(error, 'ENOENT')) return undefined
    const expected = isCode(error, 'ELOOP') ? 'a file, not a link' : 'a file that can be read'
    throw refused({ file: path, expected }, error)
  })
  if (file === undefined) return undefined
  try {
    const stats = await file.stat({ bigint: true })
    if (!stats.isFile()) throw refused({ file: path, expected: 'a file' })
    if (Number(stats.uid) !== (process.geteuid?.() ?? Number(stats.uid)))
      throw refused({ file: path, expected: 'a file of yours' })
    if (stats.nlink !== 1n) throw refused({ file: path, expected: 'a file with one name (no hard links)' })
    if (stats.size > MAX_FILE_BYTES)
      throw refused({ file: path, expected: `at most ${MAX_FILE_BYTES} bytes` })
    const stamp = [stats.ino, stats.size, stats.mtimeNs, stats.ctimeNs].join(':')
    return { bytes: await file.readFile(), mode: Number(stats.mode) & 0o7777, stamp }
  } finally {
    await file.close()
  }
}

export function refuseReadOnly(path: string, found: FoundFile): void {
  // Root writes whatever the mode says, so the mode is asked.
  if ((found.mode & OWNER_WRITES) === 0)
    throw refused({ file: path, expected: 'a file that its owner may write' })
}

/** Strict UTF-8: other bytes would not come back as they were. UTF-16 without a mark is UTF-8 with NUL between. */
export function textOf(place: FilePlace, bytes: Uint8Array): string {
  if (bytes.includes(0)) throw refused({ file: place.path, expected: 'UTF-8' })
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (error) {
    throw refused({ file: place.path, expected: 'UTF-8' }, error)
  }
}
