import { constants } from 'node:fs'
import { type FileHandle, lstat, mkdir, open } from 'node:fs/promises'
import { join } from 'node:path'
import { CoffreError, type ErrorFacts, hasCode } from '../../../model/errors.ts'

const FOLDER_FLAGS = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW
const STICKY = 0o1000
const WRITABLE_BY_ALL = 0o002
const OWNER_ONLY_FOLDER = 0o700

/**
 * A folder that is held open. Paths of its files go through the descriptor where the system has /proc, so whoever
 * puts a link in the folder's place afterwards changes nothing for us.
 */
export class OpenFolder {
  readonly path: string
  readonly #handle: FileHandle

  private constructor(path: string, handle: FileHandle) {
    this.path = path
    this.#handle = handle
  }

  /** The project's own folder; it may be reached through links, what is below it may not. */
  static async open(path: string): Promise<OpenFolder> {
    const handle = await open(path, constants.O_RDONLY | constants.O_DIRECTORY).catch((error: unknown) => {
      throw refused({ folder: path, expected: 'a folder that can be read' }, error)
    })
    return OpenFolder.#judged(path, handle)
  }

  static async #judged(path: string, handle: FileHandle): Promise<OpenFolder> {
    const { mode, uid } = await handle.stat()
    const isOpenToAll = (mode & WRITABLE_BY_ALL) !== 0 && (mode & STICKY) === 0
    if (isOpenToAll || !isOwn(uid)) {
      await handle.close()
      throw refused({ folder: path, expected: 'a folder of yours that not everybody writes into' })
    }
    return new OpenFolder(path, handle)
  }

  /** Where the system finds the file `name` of this folder. */
  at(name: string): string {
    return process.platform === 'linux' ? `/proc/self/fd/${this.#handle.fd}/${name}` : join(this.path, name)
  }

  async openChild(name: string): Promise<OpenFolder> {
    const path = join(this.path, name)
    const handle = await open(this.at(name), FOLDER_FLAGS).catch((error: unknown) => {
      throw refused({ folder: path, expected: 'a folder, not a link' }, error)
    })
    return OpenFolder.#judged(path, handle)
  }

  /** Answers whether it was made. */
  async makeChild(name: string): Promise<boolean> {
    try {
      await mkdir(this.at(name), OWNER_ONLY_FOLDER)
      await this.sync()
      return true
    } catch (error) {
      if (isCode(error, 'EEXIST')) return false
      throw refused({ folder: join(this.path, name), expected: 'a folder that can be made' }, error)
    }
  }

  has(name: string): Promise<boolean> {
    return lstat(this.at(name)).then(
      () => true,
      () => false,
    )
  }

  /** Permission bits. */
  async mode(): Promise<number> {
    return (await this.#handle.stat()).mode & 0o7777
  }

  async keepForOwner(): Promise<void> {
    await this.#handle.chmod(OWNER_ONLY_FOLDER)
  }

  /** A changed name is durable only when its folder is. */
  async sync(): Promise<void> {
    await this.#handle.sync()
  }

  close(): Promise<void> {
    return this.#handle.close()
  }
}

/** Root's folders hold everybody's projects, so they are taken too. */
function isOwn(uid: number): boolean {
  const own = process.geteuid?.()
  return own === undefined || uid === own || uid === 0
}

export function refused(facts: ErrorFacts, cause?: unknown): CoffreError {
  return new CoffreError('SECRET_FILE_REFUSED', { facts, cause })
}

/** Runs `work` on the text of `file`, which a refusal then names. */
export function naming<Result>(file: string, work: () => Result): Result {
  try {
    return work()
  } catch (error) {
    if (!hasCode(error, 'SECRET_FILE_REFUSED') || !(error instanceof CoffreError)) throw error
    throw refused({ file, ...error.facts }, error.cause)
  }
}

export function isCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code))
}
