import type { KeyId, VersionNumber } from '../model/ids.ts'
import { parseKeyId, parseVersionNumber } from '../model/ids.ts'
import { parseBase64url } from './bytes.ts'

/** docs/spec/ciphertext.md, fields 1 to 4. */
export const HEADER_BYTES = 24
/** The header in text form; 24 bytes are 32 characters exactly. */
export const HEADER_CHARACTERS = 32
const MAGIC_TEXT = 'cof1'
const MAGIC = Buffer.from(MAGIC_TEXT, 'base64url')
const KEY_ID_OFFSET = 4
const VERSION_OFFSET = 20

/** How the bytes after the header were made. Never renumbered. */
export const CONSTRUCTION = { message: 1, oaep: 2, file: 3, wrapped: 4 } as const

export type Construction = keyof typeof CONSTRUCTION

export interface CiphertextHeader {
  readonly construction: Construction
  readonly keyId: KeyId
  readonly version: VersionNumber
}

export function encodeHeader(header: CiphertextHeader): Uint8Array {
  const bytes = Buffer.alloc(HEADER_BYTES)
  bytes.set(MAGIC, 0)
  bytes[3] = CONSTRUCTION[header.construction]
  bytes.write(header.keyId.replaceAll('-', ''), KEY_ID_OFFSET, 'hex')
  bytes.writeUInt32BE(header.version, VERSION_OFFSET)
  return bytes
}

/** What the first 24 bytes say, unauthenticated; `undefined` where they are no header of ours. */
export function readHeader(bytes: Uint8Array): CiphertextHeader | undefined {
  if (bytes.length < HEADER_BYTES) return undefined
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, HEADER_BYTES)
  const construction = constructionOf(view[3])
  const version = view.readUInt32BE(VERSION_OFFSET)
  if (!view.subarray(0, 3).equals(MAGIC) || construction === undefined) return undefined
  if (version < 1 || version > 2 ** 31 - 1) return undefined
  return { construction, keyId: readKeyId(view), version: parseVersionNumber(version) }
}

/** Whether text can begin with a header of ours; `readTextHeader` says whether it does. */
export function readMagic(text: string): boolean {
  return text.startsWith(MAGIC_TEXT)
}

/** As `readHeader`, from the text form. */
export function readTextHeader(text: string): CiphertextHeader | undefined {
  if (text.length < HEADER_CHARACTERS) return undefined
  const bytes = parseBase64url(text.slice(0, HEADER_CHARACTERS))
  return bytes === undefined ? undefined : readHeader(bytes)
}

const CONSTRUCTION_NAMES = ['message', 'oaep', 'file', 'wrapped'] as const

function constructionOf(code: number | undefined): Construction | undefined {
  return CONSTRUCTION_NAMES.find((name) => CONSTRUCTION[name] === code)
}

function readKeyId(view: Buffer): KeyId {
  const hex = view.toString('hex', KEY_ID_OFFSET, VERSION_OFFSET)
  return parseKeyId(
    [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-'),
  )
}
