import { constants } from 'node:fs'
import { type FileHandle, mkdir, open, rm } from 'node:fs/promises'
import { writeAll } from '../part-file.ts'
import { type Attributes, type FileEnd, STATE } from './container.ts'
import type { OpenFolder } from './open-folder.ts'
import type { FileVisitor, TreeVisitor } from './read-tree.ts'

const CREATE = constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | (constants.O_NOFOLLOW ?? 0)
/** Until everything is in it; then it gets its own mode. */
const OWNER_ONLY_FILE = 0o600
const OWNER_ONLY_FOLDER = 0o700

export interface TreeWriterOptions {
  readonly only: string | undefined
  readonly owners: boolean
}

interface WrittenFolder {
  readonly folder: OpenFolder
  readonly attributes: Attributes
}

/** Makes new files and folders inside of one folder, and never opens what it has not made itself. */
export class TreeWriter implements TreeVisitor {
  readonly written = { files: 0, folders: 0, bytes: 0 }
  changed = 0
  /** What was asked for is written. */
  isDone = false
  readonly #owners: boolean
  readonly #only: readonly Buffer[]
  readonly #root: OpenFolder
  /** `undefined`: a folder that is not wanted. */
  readonly #open: (WrittenFolder | undefined)[] = []

  constructor(root: OpenFolder, { only, owners }: TreeWriterOptions) {
    this.#root = root
    this.#owners = owners
    this.#only = (only ?? '')
      .split('/')
      .filter(Boolean)
      .map((name) => Buffer.from(name))
  }

  async enterFolder(attributes: Attributes, path: readonly Buffer[]): Promise<void> {
    const name = path.at(-1)
    if (name === undefined) {
      this.#open.push({ folder: this.#root, attributes })
      return
    }
    const parent = this.#open.at(-1)
    if (parent === undefined || !this.#isOnTheWay(path)) {
      this.#open.push(undefined)
      return
    }
    await mkdir(parent.folder.at(name), { mode: OWNER_ONLY_FOLDER })
    this.#open.push({ folder: await parent.folder.enter(name), attributes })
    if (this.#isWanted(path)) this.written.folders += 1
  }

  /** Only now, because a folder may be read-only, and every entry changes its time. */
  async leaveFolder(): Promise<void> {
    const left = this.#open.pop()
    if (left === undefined) return
    if (this.#only.length > 0 && this.#open.length === this.#only.length) this.isDone = true
    try {
      await this.#setAttributes(left.folder.handle, left.attributes)
      await left.folder.handle.sync()
    } finally {
      if (left.folder !== this.#root) await left.folder.close()
    }
  }

  async beginFile(
    name: Buffer,
    attributes: Attributes,
    path: readonly Buffer[],
  ): Promise<FileVisitor | undefined> {
    const parent = this.#open.at(-1)
    if (parent === undefined || !this.#isWanted([...path, name])) return undefined
    const isAll = path.length + 1 === this.#only.length
    const place = parent.folder.at(name)
    const file = await open(place, CREATE, OWNER_ONLY_FILE)
    return {
      write: (piece) => writeAll(file, piece),
      end: async (end) => {
        await this.#endFile(file, { place, attributes, end })
        if (isAll) this.isDone = true
      },
      close: () => file.close(),
    }
  }

  /** The folders that lead to what was asked for, when it is there. */
  async leaveAll(): Promise<void> {
    while (this.#open.length > 0) await this.leaveFolder()
  }

  /** Of the root as well. */
  async close(): Promise<void> {
    const open = this.#open.splice(0).flatMap((each) => (each === undefined ? [] : [each.folder]))
    for (const folder of new Set([this.#root, ...open])) await folder.close()
  }

  async #endFile(
    file: FileHandle,
    {
      place,
      attributes,
      end,
    }: { readonly place: Buffer; readonly attributes: Attributes; readonly end: FileEnd },
  ): Promise<void> {
    if (end.state === STATE.void) return rm(place)
    if (end.state === STATE.changed) {
      this.changed += 1
      await file.truncate(end.length)
    }
    await this.#setAttributes(file, attributes)
    await file.sync()
    this.written.files += 1
    this.written.bytes += end.length
  }

  /** The owner first: a change of it may take bits of the mode away. */
  async #setAttributes(file: FileHandle, { mode, user, group, changedAt }: Attributes): Promise<void> {
    if (this.#owners) await file.chown(user, group)
    await file.chmod(mode)
    const seconds = changedAt / 1_000
    await file.utimes(seconds, seconds)
  }

  /** It, something in it, or a folder that leads to it. */
  #isOnTheWay(path: readonly Buffer[]): boolean {
    return path.slice(0, this.#only.length).every((name, index) => this.#only[index]?.equals(name) === true)
  }

  #isWanted(path: readonly Buffer[]): boolean {
    return path.length >= this.#only.length && this.#isOnTheWay(path)
  }
}
