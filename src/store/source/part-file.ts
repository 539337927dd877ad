import { constants } from 'node:fs'
import { type FileHandle, link, lstat, open, readdir, rename, rm, statfs } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { restoreRefused, systemReason } from './reasons.ts'

const OWNER_ONLY = 0o600
const CREATE = constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | (constants.O_NOFOLLOW ?? 0)
/** What other programs on the same disk may need meanwhile. */
const SPARE_BYTES = 16 * 1024 * 1024
/** A restore writes all the time: whose part is so much older than another was killed. */
const LEFT_AFTER_MS = 3_600_000
const PART = /^\.restore_[0-9a-f]+\.part(?:-wal|-shm|-journal)?$/

/** A file in quarantine beside the one whose place it takes. */
export class PartFile {
  readonly target: string
  readonly path: string
  /** Where the file that was there goes. */
  readonly before: string

  constructor(target: string, id: string) {
    this.target = target
    this.path = `${target}.restore_${id}.part`
    this.before = `${target}.before_${id}`
  }

  /** Throws RESTORE_REFUSED where something stands at the target that is not to be replaced. */
  async prepare(options: { readonly replace: boolean; readonly bytes: number }): Promise<void> {
    const found = await stateOf(this.target)
    if (found === 'other') throw restoreRefused({ reason: 'the target is not a file', target: this.target })
    if (found === 'file' && !options.replace) {
      throw restoreRefused({ reason: 'the target exists', target: this.target, option: '--replace' })
    }
    await requireSpace(dirname(this.target), options.bytes)
  }

  /** Answers the number of bytes. They are on the disk when it resolves. */
  async write(pieces: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<number> {
    const file = await open(this.path, CREATE, OWNER_ONLY)
    try {
      await removeLeft(this.target, (await file.stat()).mtimeMs - LEFT_AFTER_MS)
      let bytes = 0
      for await (const piece of pieces) {
        signal.throwIfAborted()
        await writeAll(file, piece)
        bytes += piece.length
      }
      await file.sync()
      return bytes
    } finally {
      await file.close()
    }
  }

  /** Answers where the file went that was there before. At no moment is there no file. */
  async commit(): Promise<string | undefined> {
    const isThere = (await stateOf(this.target)) === 'file'
    if (isThere) await keepBefore(this.target, this.before)
    await rename(this.path, this.target)
    await syncFolder(dirname(this.target))
    return isThere ? this.before : undefined
  }

  async remove(): Promise<void> {
    await rm(this.path, { force: true })
  }
}

/** What killed restores to this file have left: they would fill the disk, one after the other. */
async function removeLeft(target: string, before: number): Promise<void> {
  const [folder, name] = [dirname(target), basename(target)]
  for (const each of await readdir(folder)) {
    if (!each.startsWith(name) || !PART.test(each.slice(name.length))) continue
    const path = join(folder, each)
    const found = await lstat(path).catch(() => undefined)
    if (found?.isFile() === true && found.mtimeMs < before) await rm(path, { force: true })
  }
}

/** `write` may take a part only. */
export async function writeAll(file: FileHandle, piece: Uint8Array): Promise<void> {
  for (let written = 0; written < piece.length; ) {
    written += (await file.write(piece, written)).bytesWritten
  }
}

/** A name is on the disk once its folder is. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, constants.O_RDONLY)
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

/** What may be written there. Throws RESTORE_REFUSED where that is less than `bytes`. */
export async function requireSpace(folder: string, bytes: number): Promise<number> {
  const found = await statfs(folder).catch((cause: unknown) => {
    throw restoreRefused({ reason: systemReason(cause), folder }, cause)
  })
  const free = Math.max(0, found.bavail * found.bsize - SPARE_BYTES)
  if (bytes > free) throw restoreRefused({ reason: 'not enough space', folder, free, needed: bytes })
  return free
}

export async function stateOf(path: string): Promise<'absent' | 'file' | 'folder' | 'other'> {
  try {
    const found = await lstat(path)
    if (found.isDirectory()) return 'folder'
    return found.isFile() ? 'file' : 'other'
  } catch (error) {
    if (systemReason(error) === 'ENOENT') return 'absent'
    throw restoreRefused({ reason: systemReason(error), target: path }, error)
  }
}

/** A mount point keeps its name, which would show when everything had been received. Throws RESTORE_REFUSED. */
export async function requireRenamable(folder: string): Promise<void> {
  const [own, parent] = await Promise.all([lstat(folder), lstat(dirname(folder))])
  if (own.dev === parent.dev) return
  throw restoreRefused({ reason: 'the target is a mount point: name a folder in it', target: folder })
}

/** A second name for it, so that the first is never missing; where links are not to be had, a new name. */
async function keepBefore(target: string, before: string): Promise<void> {
  try {
    await link(target, before)
  } catch (error) {
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].includes(systemReason(error))) throw error
    await rename(target, before)
  }
}
