import {
  ATTRIBUTE_BYTES,
  type Attributes,
  type FileEnd,
  type FileRecord,
  MAGIC,
  REASON,
  STATE,
  TAG,
  VERSION,
} from './container.ts'
import { PieceReader } from './piece-reader.ts'
import { TreeGuard, type TreeLimits } from './tree-guard.ts'

/** Who makes something of a tree. Whatever comes has passed the guard; `path` are the open folders below the root. */
export interface TreeVisitor {
  /** Whatever follows is of no interest. */
  readonly isDone: boolean
  enterFolder(attributes: Attributes, path: readonly Buffer[]): Promise<void>
  leaveFolder(): Promise<void>
  /** `undefined`: its content is of no interest. */
  beginFile(name: Buffer, attributes: Attributes, path: readonly Buffer[]): Promise<FileVisitor | undefined>
}

export interface FileVisitor {
  write(piece: Uint8Array): Promise<void>
  end(end: FileEnd): Promise<void>
  /** The rest of it will not come. May be called after any of the others. */
  close(): Promise<void>
}

export interface ReadTreeOptions extends TreeLimits {
  readonly signal: AbortSignal
}

const PIECE_BYTES = 1024 * 1024

/** Reads a tree of hostile bytes, as far as the visitor wants. Throws BACKUP_CONTENT_REFUSED. */
export async function readTree(
  plaintext: AsyncIterable<Uint8Array>,
  visitor: TreeVisitor,
  { signal, ...limits }: ReadTreeOptions,
): Promise<TreeGuard> {
  const reader = new TreeReader(plaintext, new TreeGuard(limits))
  try {
    await reader.readHead()
    while (!reader.guard.isEnded && !visitor.isDone) {
      signal.throwIfAborted()
      await visitRecord(reader, visitor, signal)
    }
    if (reader.guard.isEnded) await reader.requireEnd()
    return reader.guard
  } finally {
    await reader.close()
  }
}

async function visitRecord(reader: TreeReader, visitor: TreeVisitor, signal: AbortSignal): Promise<void> {
  const record = await reader.readRecord()
  const { guard } = reader
  if (record.type === 'folder') await visitor.enterFolder(record.attributes, guard.path)
  if (record.type === 'up') await visitor.leaveFolder()
  if (record.type !== 'file') return
  const file = await visitor.beginFile(record.name, record.attributes, guard.path)
  try {
    for (let left = record.size; left > 0; ) {
      signal.throwIfAborted()
      const piece = await reader.readSome(Math.min(left, PIECE_BYTES))
      await file?.write(piece)
      left -= piece.length
    }
    const end = await reader.readFileEnd()
    guard.checkEnd(record, end)
    await file?.end(end)
  } finally {
    await file?.close()
  }
}

class TreeReader {
  readonly guard: TreeGuard
  readonly #reader: PieceReader

  constructor(plaintext: AsyncIterable<Uint8Array>, guard: TreeGuard) {
    this.#reader = new PieceReader(plaintext)
    this.guard = guard
  }

  async readHead(): Promise<void> {
    if (!(await this.#take(MAGIC.length)).equals(MAGIC)) throw this.guard.refused('not a tree of files')
    const version = (await this.#take(4)).readUInt32BE()
    if (version !== VERSION) throw this.guard.refused('a version that this Coffre does not know')
  }

  async readRecord(): Promise<FileRecord> {
    const record = await this.#readAny()
    this.guard.check(record)
    return record
  }

  async readFileEnd(): Promise<FileEnd> {
    const bytes = await this.#take(9)
    const number = bytes.readUInt8()
    const state = Object.values(STATE).find((each) => each === number)
    if (state === undefined) throw this.guard.refused('an unknown state of a file')
    return { state, length: this.#whole(bytes, 1) }
  }

  async readSome(atMost: number): Promise<Buffer> {
    const piece = await this.#reader.takeSome(atMost)
    if (piece === undefined) throw this.guard.refused('an end too early')
    return piece
  }

  async requireEnd(): Promise<void> {
    if ((await this.#reader.takeSome(1)) !== undefined) throw this.guard.refused('something after the end')
  }

  close(): Promise<void> {
    return this.#reader.close()
  }

  async #readAny(): Promise<FileRecord> {
    const tag = (await this.#take(1)).readUInt8()
    if (tag === TAG.up) return { type: 'up' }
    if (tag === TAG.end) return this.#readEnd()
    if (tag === TAG.folder)
      return { type: 'folder', name: await this.#readName(), attributes: await this.#readAttributes() }
    if (tag === TAG.leftOut) return this.#readLeftOut()
    if (tag !== TAG.file) throw this.guard.refused('an unknown record')
    const name = await this.#readName()
    const attributes = await this.#readAttributes()
    return { type: 'file', name, attributes, size: this.#whole(await this.#take(8), 0) }
  }

  async #readEnd(): Promise<FileRecord> {
    const bytes = await this.#take(32)
    const whole = (index: number): number => this.#whole(bytes, index * 8)
    return {
      type: 'end',
      totals: { files: whole(0), folders: whole(1), leftOut: whole(2), bytes: whole(3) },
    }
  }

  async #readLeftOut(): Promise<FileRecord> {
    const name = await this.#readName()
    const number = (await this.#take(1)).readUInt8()
    const reason = Object.values(REASON).find((each) => each === number)
    if (reason === undefined) throw this.guard.refused('an unknown reason for what was left out')
    return { type: 'left-out', name, reason }
  }

  /** A copy: the guard keeps it longer than the piece that it came in. */
  async #readName(): Promise<Buffer> {
    return Buffer.from(await this.#take((await this.#take(2)).readUInt16BE()))
  }

  async #readAttributes(): Promise<Attributes> {
    const bytes = await this.#take(ATTRIBUTE_BYTES)
    return {
      mode: bytes.readUInt16BE(0),
      user: bytes.readUInt32BE(2),
      group: bytes.readUInt32BE(6),
      // Beyond 2^53 it is not exact, and refused for its size anyway.
      changedAt: Number(bytes.readBigInt64BE(10)),
    }
  }

  async #take(length: number): Promise<Buffer> {
    const bytes = await this.#reader.take(length)
    if (bytes === undefined) throw this.guard.refused('an end too early')
    return bytes
  }

  #whole(bytes: Buffer, offset: number): number {
    const value = Number(bytes.readBigUInt64BE(offset))
    if (!Number.isSafeInteger(value)) throw this.guard.refused('a number out of bounds')
    return value
  }
}
