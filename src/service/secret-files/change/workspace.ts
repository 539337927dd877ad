import { rmdir } from 'node:fs/promises'
import { posix } from 'node:path'
import { CoffreError } from '../../../model/errors.ts'
import type { FilePlace } from './file-place.ts'
import { OpenFolder, refused } from './folder.ts'

/** Coffre's own files of a project; nothing in it is for git. */
const STATE_FOLDER = '.coffre'
const MAX_PATH_CHARACTERS = 256

/** The folders of one project, held open while it is looked at or changed. */
export class Workspace {
  readonly root: OpenFolder
  readonly #folders = new Map<string, OpenFolder>()
  readonly #made: string[] = []

  private constructor(root: OpenFolder) {
    this.root = root
  }

  static async open(path: string): Promise<Workspace> {
    return new Workspace(await OpenFolder.open(path))
  }

  /** Folders that `place` made, outermost first. */
  get made(): readonly string[] {
    return this.#made
  }

  /** `undefined` where its folder is missing. */
  async find(path: string): Promise<FilePlace | undefined> {
    return this.#locate(path, 'keep')
  }

  /** Makes missing folders, 0700. */
  async place(path: string): Promise<FilePlace> {
    const found = await this.#locate(path, 'make')
    if (found === undefined) throw new Error('unreachable: missing folders are made')
    return found
  }

  async #locate(path: string, missing: 'keep' | 'make'): Promise<FilePlace | undefined> {
    const parts = partsOf(path)
    const name = parts.at(-1) ?? ''
    let folder = this.root
    for (const [index, part] of parts.slice(0, -1).entries()) {
      const inner = parts.slice(0, index + 1).join('/')
      const known = this.#folders.get(inner)
      if (known === undefined) {
        if (missing === 'make' && (await folder.makeChild(part))) this.#made.push(inner)
        else if (!(await folder.has(part))) return undefined
      }
      folder = known ?? (await folder.openChild(part))
      this.#folders.set(inner, folder)
    }
    return { path, folder, name }
  }

  /** Coffre's own folder, made where it is missing. */
  async stateFolder(): Promise<OpenFolder> {
    return (await this.place(`${STATE_FOLDER}/x`)).folder
  }

  /** Folders that a change made for nothing, if they are empty. */
  async removeFolders(paths: readonly string[]): Promise<void> {
    for (const path of paths.toReversed()) {
      if (path === STATE_FOLDER) continue
      const place = await this.find(path)
      if (place !== undefined) await rmdir(place.folder.at(place.name)).catch(() => undefined)
    }
  }

  async close(): Promise<void> {
    for (const folder of this.#folders.values()) await folder.close()
    await this.root.close()
  }
}

/** A path that stays inside the project. Throws INVALID_REQUEST. */
function partsOf(path: string): readonly string[] {
  const parts = path.split('/')
  const isInside =
    path.length <= MAX_PATH_CHARACTERS &&
    !posix.isAbsolute(path) &&
    parts.every((part) => part !== '' && part !== '.' && part !== '..' && !/[\p{Cc}\\]/u.test(part))
  if (!isInside)
    throw new CoffreError('INVALID_REQUEST', {
      facts: { at: 'target', expected: 'a path inside the project' },
    })
  return parts
}

export function refuseStateFolder(path: string): void {
  if (partsOf(path)[0] === STATE_FOLDER)
    throw refused({ file: path, expected: `a file outside ${STATE_FOLDER}` })
}
