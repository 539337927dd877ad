import { type BigIntStats, constants } from 'node:fs'
import { type FileHandle, link, lstat, open, rename, stat, unlink } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { type Instant, toInstant } from '../../model/clock.ts'
import { CoffreError } from '../../model/errors.ts'
import {
  type ObjectFacts,
  type ObjectStore,
  type ObjectStoreWarning,
  PART_ENDING,
  type ReadOptions,
  requireObjectName,
  requireReadableName,
  type UnfinishedObject,
  type WriteOptions,
  type WrittenObject,
} from '../object-store.ts'
import { checkParents, makeParents, syncParent, walk } from './folder-tree.ts'
import { codeOf, isAbsent, onFolder } from './folder-errors.ts'
import { writeBody } from './part-file.ts'

const READ_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
const PART_FLAGS = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW
const OWNER_ONLY_FILE = 0o600
const READ_BYTES = 256 * 1024
const OTHERS_READ = 0o044
const OTHERS_WRITE = 0o022

type Condition = WrittenObject['condition']

/** Objects as files of a folder that only its owner reads. */
export class FolderObjectStore implements ObjectStore {
  readonly place: string
  #parts = 0

  private constructor(folder: string) {
    this.place = folder
  }

  /** The folder must be there: one that we made ourselves could lie under a disk that is not mounted. */
  static async open(folder: string): Promise<FolderObjectStore> {
    const store = new FolderObjectStore(resolve(folder))
    const { isDirectory } = await onFolder({ place: store.place }, async () => {
      const stats = await stat(store.place)
      return { isDirectory: stats.isDirectory() }
    })
    if (!isDirectory) throw new CoffreError('BUCKET_NOT_FOUND', { facts: { place: store.place } })
    return store
  }

  async write(
    name: string,
    body: AsyncIterable<Uint8Array>,
    options: WriteOptions = {},
  ): Promise<WrittenObject> {
    requireObjectName(name)
    options.signal?.throwIfAborted()
    await this.#requireCondition(name, options)
    const part = await this.#createPart(name)
    try {
      await writeBody(part.file, body, { ...options, place: this.place, name })
      const condition = await this.#on(name, () => this.#publish(part.path, name, options))
      const facts = await this.find(name)
      if (facts === undefined) throw new CoffreError('OBJECT_CHANGED', { facts: { place: this.place, name } })
      return { ...facts, condition }
    } catch (error) {
      // The first reason counts; a part that stays is found by `unfinished`.
      await unlink(part.path).catch(() => undefined)
      throw error
    } finally {
      await part.file.close()
    }
  }

  async *read(name: string, options: ReadOptions = {}): AsyncGenerator<Uint8Array> {
    requireReadableName(name)
    options.signal?.throwIfAborted()
    const file = await this.#openFile(name)
    try {
      const before = await this.#on(name, () => file.stat({ bigint: true }))
      if (!before.isFile()) throw new CoffreError('OBJECT_NOT_FOUND', { facts: { place: this.place, name } })
      if (options.version !== undefined && options.version !== versionOf(before)) throw this.#changed(name)
      yield* this.#readRange(file, { name, bytes: Number(before.size) }, options)
      const after = await this.#on(name, () => file.stat({ bigint: true }))
      if (versionOf(after) !== versionOf(before)) throw this.#changed(name)
    } finally {
      await file.close()
    }
  }

  async find(name: string): Promise<ObjectFacts | undefined> {
    requireReadableName(name)
    return this.#on(name, async () => {
      if (!(await checkParents(this.place, name))) return undefined
      const stats = await lstat(this.#path(name), { bigint: true }).catch(undefinedIfAbsent)
      return stats?.isFile() ? factsOf(name, stats) : undefined
    })
  }

  async *list(prefix: string): AsyncGenerator<ObjectFacts> {
    for await (const name of walk(this.place, prefix)) {
      if (name.endsWith(PART_ENDING)) continue
      const facts = await this.find(name)
      if (facts !== undefined) yield facts
    }
  }

  async remove(name: string): Promise<'removed' | 'absent' | 'locked'> {
    if ((await this.find(name)) === undefined) return 'absent'
    return this.#on(name, async () => {
      try {
        await unlink(this.#path(name))
      } catch (error) {
        if (isAbsent(error)) return 'absent'
        // In a folder of one's own this is a file that `chattr +i` or `+a` protects.
        if (codeOf(error) === 'EPERM') return 'locked'
        throw error
      }
      await syncParent(this.place, name)
      return 'removed'
    })
  }

  async *unfinished(): AsyncGenerator<UnfinishedObject> {
    for await (const path of walk(this.place, '')) {
      if (!path.endsWith(PART_ENDING)) continue
      const stats = await this.#on(path, () =>
        lstat(this.#path(path), { bigint: true }).catch(undefinedIfAbsent),
      )
      if (stats === undefined) continue
      const startedAt = instantOf(stats.birthtimeMs > 0n ? stats.birthtimeMs : stats.mtimeMs)
      yield { name: nameOfPart(path), startedAt, remove: () => this.#removePart(path) }
    }
  }

  async warnings(): Promise<readonly ObjectStoreWarning[]> {
    const { mode } = await this.#on('', () => stat(this.place))
    return [
      ...((mode & OTHERS_READ) === 0 ? [] : (['readable-by-others'] as const)),
      ...((mode & OTHERS_WRITE) === 0 ? [] : (['writable-by-others'] as const)),
    ]
  }

  async close(): Promise<void> {
    // Nothing is held open between two calls.
  }

  #path(name: string): string {
    return join(this.place, name)
  }

  async #requireCondition(name: string, { ifAbsent, ifVersion }: WriteOptions): Promise<void> {
    if (ifAbsent !== true && ifVersion === undefined) return
    const there = await this.find(name)
    if (ifAbsent === true && there !== undefined) throw this.#exists(name)
    if (ifVersion !== undefined && there?.version !== ifVersion) throw this.#changed(name)
  }

  async #createPart(name: string): Promise<{ readonly path: string; readonly file: FileHandle }> {
    return this.#on(name, async () => {
      await makeParents(this.place, name)
      for (;;) {
        this.#parts += 1
        const path = this.#path(`${name}.${process.pid}-${this.#parts}${PART_ENDING}`)
        try {
          return { path, file: await open(path, PART_FLAGS, OWNER_ONLY_FILE) }
        } catch (error) {
          // Left by a process of the same number, or written by one on another machine.
          if (codeOf(error) !== 'EEXIST') throw error
        }
      }
    })
  }

  async #publish(part: string, name: string, options: WriteOptions): Promise<Condition> {
    const condition = options.ifAbsent === true ? await this.#link(part, name) : 'looked'
    if (condition === 'looked') {
      await this.#requireCondition(name, options)
      await rename(part, this.#path(name)).catch((error: unknown) => {
        if (codeOf(error) === 'EPERM')
          throw new CoffreError('OBJECT_LOCKED', { facts: { place: this.place, name } })
        if (['EISDIR', 'ENOTEMPTY', 'EEXIST'].includes(codeOf(error))) throw this.#exists(name)
        throw error
      })
    }
    await syncParent(this.place, name)
    return options.ifAbsent === true || options.ifVersion !== undefined ? condition : 'none'
  }

  /** link(2) never replaces, so of two writers one fails. Some file systems (FAT, some of the network) have no links. */
  async #link(part: string, name: string): Promise<'atomic' | 'looked'> {
    try {
      await link(part, this.#path(name))
    } catch (error) {
      if (codeOf(error) === 'EEXIST') throw this.#exists(name)
      if (['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].includes(codeOf(error))) return 'looked'
      throw error
    }
    await unlink(part)
    return 'atomic'
  }

  async #openFile(name: string): Promise<FileHandle> {
    const file = await this.#on(name, async () => {
      if (!(await checkParents(this.place, name))) return undefined
      return open(this.#path(name), READ_FLAGS).catch(undefinedIfAbsent)
    })
    if (file === undefined) throw new CoffreError('OBJECT_NOT_FOUND', { facts: { place: this.place, name } })
    return file
  }

  async *#readRange(
    file: FileHandle,
    { name, bytes }: { readonly name: string; readonly bytes: number },
    { offset = 0, length = bytes, signal, isLent = false }: ReadOptions,
  ): AsyncGenerator<Uint8Array> {
    const end = Math.min(bytes, offset + length)
    const lent = Buffer.allocUnsafeSlow(isLent ? READ_BYTES : 0)
    for (let at = offset; at < end; ) {
      signal?.throwIfAborted()
      const chunk = isLent ? lent.subarray(0, end - at) : Buffer.allocUnsafe(Math.min(READ_BYTES, end - at))
      const { bytesRead } = await this.#on(name, () => file.read(chunk, 0, chunk.length, at))
      if (bytesRead === 0) throw this.#changed(name)
      yield chunk.subarray(0, bytesRead)
      at += bytesRead
    }
  }

  async #removePart(path: string): Promise<void> {
    await this.#on(path, () => unlink(this.#path(path)).catch(undefinedIfAbsent))
  }

  #on<Result>(name: string, work: () => Promise<Result>): Promise<Result> {
    return onFolder({ place: this.place, ...(name === '' ? {} : { name }) }, work)
  }

  #exists(name: string): CoffreError {
    return new CoffreError('OBJECT_EXISTS', { facts: { place: this.place, name } })
  }

  #changed(name: string): CoffreError {
    return new CoffreError('OBJECT_CHANGED', { facts: { place: this.place, name } })
  }
}

function undefinedIfAbsent(error: unknown): undefined {
  if (isAbsent(error)) return undefined
  throw error
}

/** `name.123-4.part` */
function nameOfPart(path: string): string {
  return path.replace(/(\.\d+-\d+)?\.part$/, '')
}

function factsOf(name: string, stats: BigIntStats): ObjectFacts {
  return {
    name,
    bytes: Number(stats.size),
    writtenAt: instantOf(stats.mtimeMs),
    version: versionOf(stats),
  }
}

function versionOf({ ino, size, mtimeNs }: BigIntStats): string {
  return `${ino}-${size}-${mtimeNs}`
}

function instantOf(milliseconds: bigint): Instant {
  return toInstant(Math.max(0, Number(milliseconds)))
}
