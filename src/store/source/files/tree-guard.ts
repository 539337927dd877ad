import type { CoffreError } from '../../../model/errors.ts'
import { contentRefused, printable } from '../reasons.ts'
import {
  type Attributes,
  type FileEnd,
  type FileRecord,
  MAX_DEPTH,
  MAX_ENTRIES,
  MAX_NAME_BYTES,
  MAX_TIME,
  MODE_BITS,
  STATE,
  type Totals,
} from './container.ts'

export interface TreeLimits {
  readonly maxEntries?: number
  readonly maxBytes: number
  /** Whether names are the same that differ in case or in Unicode normalisation only. */
  readonly foldsNames: boolean
}

interface OpenFolder {
  readonly name: Buffer
  last: Buffer | undefined
  /** Only where names fold: as many as the folder has entries. */
  readonly folded: Set<string>
}

const SLASH = 0x2f

/** Holds the records of a tree to the rules of docs/spec/backup-files.md. It keeps one name for each open folder. */
export class TreeGuard {
  readonly #limits: TreeLimits
  readonly #open: OpenFolder[] = []
  #records = 0
  #isBegun = false
  #isEnded = false
  /** The name of a void file: what has to come next. */
  #again: Buffer | undefined
  #totals = { files: 0, folders: 0, leftOut: 0, bytes: 0 }

  constructor(limits: TreeLimits) {
    this.#limits = limits
  }

  get totals(): Totals {
    return { ...this.#totals }
  }

  get isEnded(): boolean {
    return this.#isEnded
  }

  /** Names from the root's first entry to the folder that is open. */
  get path(): readonly Buffer[] {
    return this.#open.slice(1).map(({ name }) => name)
  }

  /** Throws BACKUP_CONTENT_REFUSED. */
  check(record: FileRecord): void {
    this.#records += 1
    if (!this.#isBegun) return this.#begin(record)
    if (record.type === 'end') return this.#end(record.totals)
    if (this.#open.length === 0) throw this.refused('a record after the root')
    if (record.type === 'up') {
      if (this.#again !== undefined) throw this.refused('a void file that does not come again')
      this.#open.pop()
      return
    }
    this.#checkEntry(record)
  }

  /** Throws BACKUP_CONTENT_REFUSED. */
  checkEnd(record: Extract<FileRecord, { type: 'file' }>, { state, length }: FileEnd): void {
    const { size, name } = record
    if (length > size || (state === STATE.whole && length !== size))
      throw this.refused('a length that is not the size', name)
    if (state === STATE.void) {
      this.#again = name
      return
    }
    this.#totals.files += 1
    this.#totals.bytes += length
  }

  refused(reason: string, name?: Buffer): CoffreError {
    const path = [...this.path, ...(name === undefined ? [] : [name])].map(String).join('/')
    return contentRefused({
      reason,
      record: this.#records,
      ...(path === '' ? {} : { path: printable(path) }),
    })
  }

  #begin(record: FileRecord): void {
    if (record.type !== 'folder' || record.name.length > 0) throw this.refused('no root folder')
    this.#checkAttributes(record)
    this.#isBegun = true
    this.#enter(record.name)
  }

  #end(totals: Totals): void {
    if (this.#open.length > 0) throw this.refused('an end inside a folder')
    const names = ['files', 'folders', 'leftOut', 'bytes'] as const
    if (names.some((name) => totals[name] !== this.#totals[name]))
      throw this.refused('sums that are not what was read')
    this.#isEnded = true
  }

  #checkEntry(record: Exclude<FileRecord, { type: 'end' | 'up' }>): void {
    if (this.#records > (this.#limits.maxEntries ?? MAX_ENTRIES)) throw this.refused('too many entries')
    this.#checkName(record.name)
    this.#checkOrder(record)
    if (record.type === 'left-out') {
      this.#totals.leftOut += 1
      return
    }
    this.#checkAttributes(record)
    if (record.type === 'file') {
      if (record.size > this.#limits.maxBytes - this.#totals.bytes)
        throw this.refused('more bytes than there is space for', record.name)
      return
    }
    if (this.#open.length >= MAX_DEPTH) throw this.refused('folders too deep', record.name)
    this.#totals.folders += 1
    this.#enter(record.name)
  }

  #checkName(name: Buffer): void {
    if (name.length === 0 || name.length > MAX_NAME_BYTES) throw this.refused('a name of no valid length')
    const isPath = name.includes(SLASH) || name.includes(0) || ['.', '..'].includes(name.toString('latin1'))
    if (isPath) throw this.refused('a name that is a path', name)
  }

  #checkOrder({ name, type }: Exclude<FileRecord, { type: 'end' | 'up' }>): void {
    const folder = this.#open.at(-1)
    if (folder === undefined) throw new Error('unreachable: check has seen an open folder')
    if (this.#again !== undefined) {
      if (type !== 'file' || !name.equals(this.#again))
        throw this.refused('a void file that does not come again', name)
      this.#again = undefined
      return
    }
    if (folder.last !== undefined && Buffer.compare(name, folder.last) <= 0) {
      throw this.refused(name.equals(folder.last) ? 'a name twice' : 'names out of order', name)
    }
    folder.last = name
    if (!this.#limits.foldsNames) return
    const folded = foldName(name)
    if (folder.folded.has(folded)) throw this.refused('two names that are one on this file system', name)
    folder.folded.add(folded)
  }

  #checkAttributes({ attributes, name }: { readonly attributes: Attributes; readonly name: Buffer }): void {
    if (attributes.mode > MODE_BITS) throw this.refused('a mode with other bits than permissions', name)
    if (Math.abs(attributes.changedAt) > MAX_TIME) throw this.refused('a time out of bounds', name)
  }

  #enter(name: Buffer): void {
    this.#open.push({ name, last: undefined, folded: new Set() })
  }
}

/** Full case folding by way of upper case: ß and SS are one on such file systems. */
function foldName(name: Buffer): string {
  return name.toString('utf8').normalize('NFC').toUpperCase().toLowerCase().normalize('NFC')
}
