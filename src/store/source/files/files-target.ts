import { chmod, lstat, mkdir, readdir, rename, rm, rmdir } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { RestoreTarget, SourceCounts, SourceFacts } from '../../backup-source.ts'
import { requireRenamable, requireSpace, stateOf, syncFolder } from '../part-file.ts'
import { asBackupError, restoreRefused, systemReason } from '../reasons.ts'
import { OpenFolder } from './open-folder.ts'
import { readTree } from './read-tree.ts'
import { TreeWriter } from './tree-writer.ts'

export interface FilesTargetOptions {
  /** The folder that becomes what the backup holds. */
  readonly folder: string
  /** Unique to this restore: part of the names in quarantine. */
  readonly id: string
  /** A folder that is there keeps its content under another name. */
  readonly replace?: boolean
  /** One file or folder of the backup, with `/` between names: nothing else is written. */
  readonly only?: string
  /** Users and groups as well, by their numbers; only root may. */
  readonly owners?: boolean
  readonly maxEntries?: number
  readonly maxBytes?: number
  /** Absent: as the file system does. */
  readonly foldsNames?: boolean
}

const OWNER_ONLY = 0o700

export function filesTarget(options: FilesTargetOptions): RestoreTarget {
  return new FilesTarget(options)
}

class FilesTarget implements RestoreTarget {
  readonly kind = 'files'
  readonly #options: FilesTargetOptions
  readonly #folder: string
  readonly #quarantine: string
  readonly #before: string
  #maxBytes = 0

  constructor(options: FilesTargetOptions) {
    this.#options = options
    this.#folder = resolve(options.folder)
    this.#quarantine = `${this.#folder}.restore_${options.id}`
    this.#before = `${this.#folder}.before_${options.id}`
  }

  async prepare({ bytes = 0 }: SourceFacts): Promise<void> {
    const { replace = false, only, maxBytes = Number.MAX_SAFE_INTEGER } = this.#options
    const target = this.#folder
    const state = await stateOf(target)
    if (state === 'file' || state === 'other')
      throw restoreRefused({ reason: 'the target is not a folder', target })
    if (state === 'folder' && !replace && !(await isEmpty(target)))
      throw restoreRefused({ reason: 'the target folder is not empty', target, option: '--replace' })
    if (state === 'folder') await requireRenamable(target)
    const free = await requireSpace(dirname(target), only === undefined ? Number(bytes) : 0)
    this.#maxBytes = Math.min(maxBytes, only === undefined ? free : Number.MAX_SAFE_INTEGER)
  }

  async receive(plaintext: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<SourceCounts> {
    try {
      await mkdir(this.#quarantine, { mode: OWNER_ONLY })
      const root = await OpenFolder.open(this.#quarantine)
      return await this.#receiveInto(root, plaintext, signal)
    } catch (error) {
      throw asBackupError('RESTORE_FAILED', error, { folder: this.#folder })
    }
  }

  async commit(): Promise<SourceFacts> {
    try {
      const isKept = await this.#takePlace()
      await syncFolder(dirname(this.#folder))
      return { folder: this.#folder, ...(isKept ? { before: this.#before } : {}) }
    } catch (error) {
      throw asBackupError('RESTORE_FAILED', error, { folder: this.#folder })
    }
  }

  async abandon(): Promise<void> {
    await removeTree(this.#quarantine)
  }

  /** Answers whether there was something before. */
  async #takePlace(): Promise<boolean> {
    const isThere = (await stateOf(this.#folder)) === 'folder'
    const isKept = isThere && !(await isEmpty(this.#folder))
    if (isKept) await rename(this.#folder, this.#before)
    else if (isThere) await rmdir(this.#folder)
    try {
      await rename(this.#quarantine, this.#folder)
    } catch (error) {
      if (isKept) await rename(this.#before, this.#folder)
      throw error
    }
    return isKept
  }

  async #receiveInto(
    root: OpenFolder,
    plaintext: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<SourceCounts> {
    const { only, owners = false, maxEntries } = this.#options
    const writer = new TreeWriter(root, { only, owners })
    try {
      const guard = await readTree(plaintext, writer, {
        signal,
        maxBytes: this.#maxBytes,
        foldsNames: this.#options.foldsNames ?? (await doesFold(root)),
        ...(maxEntries === undefined ? {} : { maxEntries }),
      })
      await writer.leaveAll()
      if (only === undefined) return { ...guard.totals, changed: writer.changed }
      if (writer.written.files + writer.written.folders === 0)
        throw restoreRefused({ reason: 'the backup has no such file or folder', only })
      return { ...writer.written, changed: writer.changed }
    } finally {
      await writer.close()
    }
  }
}

/** A folder that was read-only in the backup is so where it was restored. */
export async function removeTree(folder: string): Promise<void> {
  try {
    await rm(folder, { recursive: true, force: true })
  } catch (error) {
    if (!['EACCES', 'EPERM'].includes(systemReason(error))) throw error
    await makeWritable(folder)
    await rm(folder, { recursive: true, force: true })
  }
}

async function isEmpty(folder: string): Promise<boolean> {
  return (await readdir(folder)).length === 0
}

async function makeWritable(folder: string): Promise<void> {
  await chmod(folder, OWNER_ONLY)
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) await makeWritable(join(folder, entry.name))
  }
}

/** Whether names are the same here that differ in case or normalisation only. */
async function doesFold(folder: OpenFolder): Promise<boolean> {
  const pairs = [
    ['coffre-probe-a', 'coffre-probe-A'],
    ['coffre-probe-\u00e9', 'coffre-probe-e\u0301'],
  ] as const
  for (const [made, asked] of pairs) {
    await mkdir(folder.at(Buffer.from(made)), { mode: OWNER_ONLY })
    const isFound = await lstat(folder.at(Buffer.from(asked))).then(
      () => true,
      (error: unknown) => {
        if (systemReason(error) === 'ENOENT') return false
        throw error
      },
    )
    await rmdir(folder.at(Buffer.from(made)))
    if (isFound) return true
  }
  return false
}
