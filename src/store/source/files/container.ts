// docs/spec/backup-files.md

export const MAGIC = Buffer.from('coffre-files')
export const VERSION = 1

export const TAG = { end: 0, folder: 1, file: 2, leftOut: 3, up: 4 } as const
export const STATE = { whole: 0, void: 1, changed: 2 } as const
export const REASON = { link: 1, special: 2, gone: 3 } as const

export type StateNumber = (typeof STATE)[keyof typeof STATE]
export type ReasonNumber = (typeof REASON)[keyof typeof REASON]

export const MAX_NAME_BYTES = 255
export const MAX_DEPTH = 128
export const MAX_ENTRIES = 10_000_000
/** The bounds of a Date. */
export const MAX_TIME = 8_640_000_000_000_000
/** Read, write and execute of owner, group and others. */
export const MODE_BITS = 0o777
export const ATTRIBUTE_BYTES = 18

export interface Attributes {
  readonly mode: number
  readonly user: number
  readonly group: number
  /** Milliseconds since 1970. */
  readonly changedAt: number
}

export interface Totals {
  readonly files: number
  readonly folders: number
  readonly leftOut: number
  readonly bytes: number
}

export type FileRecord =
  | { readonly type: 'folder'; readonly name: Buffer; readonly attributes: Attributes }
  | { readonly type: 'file'; readonly name: Buffer; readonly attributes: Attributes; readonly size: number }
  | { readonly type: 'left-out'; readonly name: Buffer; readonly reason: ReasonNumber }
  | { readonly type: 'up' }
  | { readonly type: 'end'; readonly totals: Totals }

/** What comes after the content of a file. */
export interface FileEnd {
  readonly state: StateNumber
  readonly length: number
}

export function encodeHead(): Buffer {
  const head = Buffer.alloc(MAGIC.length + 4)
  MAGIC.copy(head)
  head.writeUInt32BE(VERSION, MAGIC.length)
  return head
}

/** Of a file without its content and its end. */
export function encodeRecord(record: FileRecord): Buffer {
  if (record.type === 'up') return Buffer.of(TAG.up)
  if (record.type === 'end') {
    const { files, folders, leftOut, bytes } = record.totals
    return Buffer.concat([Buffer.of(TAG.end), ...[files, folders, leftOut, bytes].map(encodeWhole)])
  }
  const name = encodeName(record.name)
  if (record.type === 'left-out')
    return Buffer.concat([Buffer.of(TAG.leftOut), name, Buffer.of(record.reason)])
  const attributes = encodeAttributes(record.attributes)
  if (record.type === 'folder') return Buffer.concat([Buffer.of(TAG.folder), name, attributes])
  return Buffer.concat([Buffer.of(TAG.file), name, attributes, encodeWhole(record.size)])
}

export function encodeFileEnd({ state, length }: FileEnd): Buffer {
  return Buffer.concat([Buffer.of(state), encodeWhole(length)])
}

function encodeName(name: Buffer): Buffer {
  const length = Buffer.alloc(2)
  length.writeUInt16BE(name.length)
  return Buffer.concat([length, name])
}

function encodeAttributes({ mode, user, group, changedAt }: Attributes): Buffer {
  const bytes = Buffer.alloc(ATTRIBUTE_BYTES)
  bytes.writeUInt16BE(mode, 0)
  bytes.writeUInt32BE(user, 2)
  bytes.writeUInt32BE(group, 6)
  bytes.writeBigInt64BE(BigInt(changedAt), 10)
  return bytes
}

function encodeWhole(value: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(BigInt(value))
  return bytes
}
