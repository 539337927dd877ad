import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { platform } from 'node:process'

const NOFOLLOW = constants.O_NOFOLLOW ?? 0
const FOLDER_FLAGS = constants.O_RDONLY | NOFOLLOW | (constants.O_DIRECTORY ?? 0)
const SLASH = Buffer.from('/')

/**
 * A folder by its descriptor. On Linux, what is inside is found from there, so that nobody can put a link in the place of
 * a folder on the way. Elsewhere it is found by its path, and that somebody may.
 */
export class OpenFolder {
  readonly path: Buffer
  readonly handle: FileHandle

  private constructor(path: Buffer, handle: FileHandle) {
    this.path = path
    this.handle = handle
  }

  /** Follows links on the way to it, but not at its end. */
  static async open(path: string): Promise<OpenFolder> {
    return new OpenFolder(Buffer.from(path), await open(path, FOLDER_FLAGS))
  }

  /** Where this folder is, for calls of the system. */
  get place(): Buffer {
    return platform === 'linux' ? Buffer.from(`/proc/self/fd/${this.handle.fd}/`) : this.path
  }

  at(name: Uint8Array): Buffer {
    return join(this.place, name)
  }

  async enter(name: Uint8Array): Promise<OpenFolder> {
    return new OpenFolder(join(this.path, name), await open(this.at(name), FOLDER_FLAGS))
  }

  /** For messages. */
  pathOf(name: Uint8Array): string {
    return join(this.path, name).toString()
  }

  close(): Promise<void> {
    return this.handle.close()
  }
}

function join(folder: Buffer, name: Uint8Array): Buffer {
  return folder.at(-1) === SLASH[0] ? Buffer.concat([folder, name]) : Buffer.concat([folder, SLASH, name])
}
