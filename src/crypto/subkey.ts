import { createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto'
import type { VersionKey } from './algorithm.ts'
import { concat, utf8 } from './bytes.ts'
import { encodeHeader } from './ciphertext-header.ts'
import { encodeScope } from './context.ts'
import { hkdfExpand } from './hkdf-expand.ts'
import type { Slot } from './key-material.ts'
import { randomBytes } from './random.ts'

export const SALT_BYTES = 24
export const COMMITMENT_BYTES = 32
const SUBKEY_BYTES = 32
const INFO = concat(utf8('coffre ciphertext v1'), new Uint8Array(1))

// docs/spec/ciphertext.md, "Shared subkeys": bounds for one salt.
const MAX_MESSAGES = 65_536
const MAX_AGE_MS = 60_000
/** Subkeys kept for reading, for each version in memory: about 100 KiB. */
const MAX_READ_SUBKEYS = 512

/** A key for the messages of one salt. */
export interface Subkey {
  readonly key: KeyObject
  readonly commitment: Uint8Array
  /** header || salt || commitment: the first bytes of every message, and of its authenticated data. */
  readonly prefix: Uint8Array
  /** LP(tenant) || LP(purpose), which follow the prefix in the authenticated data. */
  readonly scope: Uint8Array
}

interface Subkeys {
  writing: (Subkey & { readonly madeAt: number }) | undefined
  messagesLeft: number
  /** Oldest first; by salt as a latin-1 string. */
  readonly reading: Map<string, Subkey>
}

const SUBKEYS: Slot<Subkeys> = Symbol('subkeys')

/** A subkey that may write `messages` more messages; one batch may pass the bound, as the spec says. */
export function subkeyForWriting(key: VersionKey, messages: number): Subkey {
  const subkeys = subkeysOf(key)
  const now = performance.now()
  const stale = subkeys.writing === undefined || now - subkeys.writing.madeAt > MAX_AGE_MS
  if (subkeys.writing === undefined || stale || subkeys.messagesLeft < messages) {
    subkeys.writing = { ...deriveSubkey(key, randomBytes(SALT_BYTES)), madeAt: now }
    subkeys.messagesLeft = MAX_MESSAGES
  }
  subkeys.messagesLeft -= messages
  return subkeys.writing
}

/** The subkey of a stored message, or `undefined` when its commitment is to another key. */
export function subkeyForReading(
  key: VersionKey,
  salt: Uint8Array,
  commitment: Uint8Array,
): Subkey | undefined {
  const { reading } = subkeysOf(key)
  const name = Buffer.from(salt).toString('latin1')
  const known = reading.get(name)
  const subkey = known ?? deriveSubkey(key, salt)
  if (!timingSafeEqual(subkey.commitment, commitment)) return undefined
  if (known !== undefined) return known
  // Only a proven salt is kept, so forged ones cannot push out the real ones.
  reading.set(name, subkey)
  if (reading.size > MAX_READ_SUBKEYS) forgetOldest(reading)
  return subkey
}

function subkeysOf(key: VersionKey): Subkeys {
  return key.material.derive(SUBKEYS, () => ({ writing: undefined, messagesLeft: 0, reading: new Map() }))
}

function deriveSubkey(key: VersionKey, salt: Uint8Array): Subkey {
  const header = encodeHeader({ construction: 'message', keyId: key.keyId, version: key.version })
  const derived = hkdfExpand(
    key.material,
    concat(INFO, header, salt),
    SUBKEY_BYTES + COMMITMENT_BYTES,
    'sha512',
  )
  const commitment = Uint8Array.from(derived.subarray(SUBKEY_BYTES))
  const subkey = createSecretKey(derived.subarray(0, SUBKEY_BYTES))
  derived.fill(0)
  return { key: subkey, commitment, prefix: concat(header, salt, commitment), scope: encodeScope(key) }
}

function forgetOldest(reading: Map<string, Subkey>): void {
  const oldest = reading.keys().next().value
  if (oldest !== undefined) reading.delete(oldest)
}
