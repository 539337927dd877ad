import { type BigIntStats, constants, type Stats } from 'node:fs'
import { type FileHandle, lstat, open, readdir } from 'node:fs/promises'
import { setTimeout } from 'node:timers/promises'
import type { SourceCounts } from '../../backup-source.ts'
import { printable, sourceFailed, systemReason } from '../reasons.ts'
import {
  type Attributes,
  encodeFileEnd,
  encodeRecord,
  MAX_DEPTH,
  MODE_BITS,
  REASON,
  type ReasonNumber,
  STATE,
  type Totals,
} from './container.ts'
import type { OpenFolder } from './open-folder.ts'

/** Nonblocking, so that a pipe that took the place of a file does not hold us up. */
const READ_FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)
const PIECE_BYTES = 256 * 1024
/** A file that changes is read so often. */
const MAX_READINGS = 3
const AGAIN_AFTER_MS = 20
const MILLION = 1_000_000n

/** Reads a tree in the order of docs/spec/backup-files.md, and counts it. */
export class TreeWalk {
  #sums = { files: 0, folders: 0, leftOut: 0, bytes: 0, changed: 0 }

  get totals(): Totals {
    const { files, folders, leftOut, bytes } = this.#sums
    return { files, folders, leftOut, bytes }
  }

  get counts(): SourceCounts {
    return { ...this.#sums }
  }

  /** Closes the folder. */
  async *root(folder: OpenFolder, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    yield* this.#inside(folder, { name: Buffer.alloc(0), depth: 1 }, signal)
  }

  async *entry(parent: OpenFolder, name: Buffer, signal: AbortSignal, depth = 1): AsyncGenerator<Uint8Array> {
    signal.throwIfAborted()
    const found = await orGone(() => lstat(parent.at(name)), parent.pathOf(name))
    if (found === undefined) yield this.#leaveOut(name, REASON.gone)
    else if (found.isSymbolicLink()) yield this.#leaveOut(name, REASON.link)
    else if (found.isDirectory()) yield* this.#folder(parent, { name, depth: depth + 1 }, signal)
    else if (found.isFile()) yield* this.#file(parent, name, signal)
    else yield this.#leaveOut(name, REASON.special)
  }

  async *#folder(
    parent: OpenFolder,
    { name, depth }: { readonly name: Buffer; readonly depth: number },
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array> {
    if (depth > MAX_DEPTH)
      throw sourceFailed({ reason: `deeper than ${MAX_DEPTH} folders`, path: printable(parent.pathOf(name)) })
    const folder = await orGone(() => parent.enter(name), parent.pathOf(name))
    if (folder === undefined) {
      yield this.#leaveOut(name, REASON.gone)
      return
    }
    this.#sums.folders += 1
    yield* this.#inside(folder, { name, depth }, signal)
  }

  async *#inside(
    folder: OpenFolder,
    { name, depth }: { readonly name: Buffer; readonly depth: number },
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array> {
    try {
      const attributes = attributesOf(await folder.handle.stat())
      yield encodeRecord({ type: 'folder', name, attributes })
      for (const inside of await listNames(folder)) yield* this.entry(folder, inside, signal, depth)
      yield encodeRecord({ type: 'up' })
    } finally {
      await folder.close()
    }
  }

  async *#file(parent: OpenFolder, name: Buffer, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    for (let reading = 1; ; reading += 1) {
      const file = await orGone(() => open(parent.at(name), READ_FLAGS), parent.pathOf(name))
      const before = await file?.stat({ bigint: true })
      if (file === undefined || before?.isFile() !== true) {
        await file?.close()
        // After a void record the same file has to follow; one without content says what is known of it.
        yield reading === 1 ? this.#leaveOut(name, REASON.gone) : this.#goneAfterVoid(name)
        return
      }
      let length = 0
      try {
        for await (const piece of this.#open(file, name, before, signal)) {
          if (typeof piece === 'number') length = piece
          else yield piece
        }
        const isSame =
          length === Number(before.size) && isUnchanged(before, await file.stat({ bigint: true }))
        if (isSame || reading === MAX_READINGS) {
          yield this.#endFile(isSame ? STATE.whole : STATE.changed, length)
          return
        }
      } finally {
        await file.close()
      }
      yield encodeFileEnd({ state: STATE.void, length })
      await setTimeout(reading * AGAIN_AFTER_MS)
    }
  }

  /** The record and the content, as long as it was when it was opened; a number: how much of it is true. */
  async *#open(
    file: FileHandle,
    name: Buffer,
    before: BigIntStats,
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array | number> {
    const size = Number(before.size)
    yield encodeRecord({ type: 'file', name, attributes: attributesOfExact(before), size })
    let at = 0
    let length = size
    while (at < size) {
      signal.throwIfAborted()
      const piece = Buffer.allocUnsafe(Math.min(PIECE_BYTES, size - at))
      const { bytesRead } = await file.read(piece, 0, piece.length, at)
      if (bytesRead === 0) {
        length = Math.min(length, at)
        // It became shorter.
        piece.fill(0)
        yield piece
        at += piece.length
      } else {
        yield piece.subarray(0, bytesRead)
        at += bytesRead
      }
    }
    yield length
  }

  #endFile(state: typeof STATE.whole | typeof STATE.changed, length: number): Uint8Array {
    this.#sums.files += 1
    this.#sums.bytes += length
    if (state === STATE.changed) this.#sums.changed += 1
    return encodeFileEnd({ state, length })
  }

  #goneAfterVoid(name: Buffer): Uint8Array {
    const attributes = { mode: 0o600, user: 0, group: 0, changedAt: 0 }
    const record = encodeRecord({ type: 'file', name, attributes, size: 0 })
    return Buffer.concat([record, this.#endFile(STATE.changed, 0)])
  }

  #leaveOut(name: Buffer, reason: ReasonNumber): Uint8Array {
    this.#sums.leftOut += 1
    return encodeRecord({ type: 'left-out', name, reason })
  }
}

/** How much there is to read. What goes away meanwhile is left out here as well. */
export async function measureTree(
  parent: OpenFolder,
  name: Buffer,
  sums: { files: number; folders: number; bytes: number },
): Promise<void> {
  const found = await orGone(() => lstat(parent.at(name)), parent.pathOf(name))
  if (found?.isFile() === true) {
    sums.files += 1
    sums.bytes += found.size
  }
  if (found?.isDirectory() !== true) return
  const folder = await orGone(() => parent.enter(name), parent.pathOf(name))
  if (folder === undefined) return
  sums.folders += 1
  try {
    for (const inside of await listNames(folder)) await measureTree(folder, inside, sums)
  } finally {
    await folder.close()
  }
}

/** In the order of their bytes. */
async function listNames(folder: OpenFolder): Promise<readonly Buffer[]> {
  const names = await readdir(folder.place, { encoding: 'buffer' })
  return names.toSorted((a, b) => Buffer.compare(a, b))
}

/** `undefined` for what is not there any more, or is a link now. */
async function orGone<Answer>(work: () => Promise<Answer>, path: string): Promise<Answer | undefined> {
  try {
    return await work()
  } catch (error) {
    const reason = systemReason(error)
    if (['ENOENT', 'ELOOP', 'ENOTDIR', 'ENXIO'].includes(reason)) return undefined
    throw sourceFailed({ reason, path: printable(path) }, error)
  }
}

/** The clock of a file system ticks every few milliseconds; a second change within one tick is not seen. */
function isUnchanged(before: BigIntStats, after: BigIntStats): boolean {
  return before.size === after.size && before.mtimeNs === after.mtimeNs && before.ctimeNs === after.ctimeNs
}

function attributesOf({ mode, uid, gid, mtimeMs }: Stats): Attributes {
  return { mode: mode & MODE_BITS, user: uid, group: gid, changedAt: Math.floor(mtimeMs) }
}

function attributesOfExact({ mode, uid, gid, mtimeNs }: BigIntStats): Attributes {
  return {
    mode: Number(mode) & MODE_BITS,
    user: Number(uid),
    group: Number(gid),
    changedAt: Number(mtimeNs / MILLION),
  }
}
