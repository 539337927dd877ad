import { concat, lengthPrefixed, utf8 } from './bytes.ts'
import type { CacheKey } from './cache-key.ts'
import { encodeHeader, HEADER_BYTES, readHeader } from './ciphertext-header.ts'
import { OVERHEAD_BYTES, openMessages, sealMessages } from './ciphertext.ts'

// docs/spec/cache.md, "Format 2".

const MAGIC = Uint8Array.of(0x63, 0x66, 0x63, 2)
const WRITTEN_AT = MAGIC.length
const EXPIRES_AT = WRITTEN_AT + 8
const HEAD_BYTES = EXPIRES_AT + 8
const LENGTH_BYTES = 4

/** Seconds since 1970. */
export interface EntryTimes {
  readonly writtenAt: number
  readonly expiresAt: number
}

/** Whose entry it is, and under which name the store has it. */
export interface EntryPlace {
  readonly user: string
  readonly storedName: string
}

export interface CacheEntry extends EntryTimes {
  /** As the application named it. */
  readonly name: string
  readonly value: Uint8Array
}

export type OpenedEntry = CacheEntry | 'wrong-key' | 'tampered'

/** Whether stored bytes are of this format at all; `openEntry` says whether they are authentic. */
export function hasEntryMagic(bytes: Uint8Array): boolean {
  return MAGIC.every((byte, index) => bytes[index] === byte)
}

export function sealEntry(key: CacheKey, place: EntryPlace, entry: CacheEntry): Uint8Array {
  const plaintext = concat(lengthPrefixed(utf8(entry.name)), entry.value)
  const [message] = sealMessages(key, [{ plaintext, context: contextOf(place, entry) }])
  plaintext.fill(0)
  if (message === undefined) throw new Error('unreachable: one message in, one message out')
  const head = Buffer.alloc(HEAD_BYTES)
  head.set(MAGIC)
  head.writeBigUInt64BE(BigInt(entry.writtenAt), WRITTEN_AT)
  head.writeBigUInt64BE(BigInt(entry.expiresAt), EXPIRES_AT)
  return concat(head, message)
}

/** Never throws for what a store holds. Whether it is too old is for the caller to judge. */
export function openEntry(key: CacheKey, place: EntryPlace, stored: Uint8Array): OpenedEntry {
  if (stored.length < HEAD_BYTES + OVERHEAD_BYTES || !hasEntryMagic(stored)) return 'tampered'
  const times = readTimes(stored)
  const ours = Buffer.from(encodeHeader({ construction: 'message', keyId: key.keyId, version: key.version }))
  const message = Buffer.from(stored.subarray(HEAD_BYTES))
  const named = readHeader(message)
  const isOurs = ours.equals(message.subarray(0, HEADER_BYTES))
  // With our own header in its place, a message that only names another key still shows that it is ours.
  message.set(ours)
  const [plaintext] = openMessages(key, [{ bytes: message, context: contextOf(place, times) }])
  if (plaintext === undefined) return isOurs || named?.construction !== 'message' ? 'tampered' : 'wrong-key'
  return isOurs ? { ...times, ...readPlaintext(plaintext) } : 'tampered'
}

function contextOf({ user, storedName }: EntryPlace, { writtenAt, expiresAt }: EntryTimes) {
  return {
    user,
    key: storedName,
    format: '2',
    writtenAt: String(writtenAt),
    expiresAt: String(expiresAt),
  }
}

/** Inexact above 2^53, which no entry reaches; such a one fails its authentication. */
function readTimes(stored: Uint8Array): EntryTimes {
  const view = Buffer.from(stored.buffer, stored.byteOffset, HEAD_BYTES)
  return {
    writtenAt: Number(view.readBigUInt64BE(WRITTEN_AT)),
    expiresAt: Number(view.readBigUInt64BE(EXPIRES_AT)),
  }
}

/** It was authenticated, so its length prefix is ours. */
function readPlaintext(plaintext: Uint8Array): { readonly name: string; readonly value: Uint8Array } {
  const view = Buffer.from(plaintext.buffer, plaintext.byteOffset, plaintext.length)
  const end = LENGTH_BYTES + view.readUInt32BE(0)
  return { name: view.toString('utf8', LENGTH_BYTES, end), value: plaintext.subarray(end) }
}
