import { CoffreError } from '../model/errors.ts'
import type { Secret } from '../model/secret.ts'
import { concat, parseBase64url, utf8 } from './bytes.ts'
import { openChunked, sealChunked } from './chunked.ts'
import { DEFAULT_ARGON2ID, deriveArgon2id } from './derive.ts'
import { refuseParameter } from './derive-bounds.ts'
import { KeyMaterial, rawBytes } from './key-material.ts'
import { randomBytes } from './random.ts'
import { recoveryFingerprint } from './recovery-key.ts'
import { ENCAPSULATED_BYTES, xWingDecapsulate, xWingEncapsulate, xWingPublicKey } from './x-wing.ts'

/** docs/spec/backup.md, "Slots": the backup key under a passphrase, or for a recovery key. Bytes are base64url. */

export interface PassphraseSlot {
  readonly slot: 'passphrase'
  /** `m=65536,t=3,p=1`. */
  readonly argon2id: string
  readonly salt: string
  readonly wrapped: string
}

export interface RecoverySlot {
  readonly slot: 'recovery'
  /** Fingerprint of the recovery key. */
  readonly recipient: string
  readonly encapsulated: string
  readonly wrapped: string
}

const KEY_BYTES = 32
const SALT_BYTES = 16
/** 32 bytes as a chunked message: salt, commitment, one chunk with its tag. */
const WRAPPED_BYTES = 56 + KEY_BYTES + 16
const PASSPHRASE_LABEL = 'coffre backup passphrase slot v1'
const RECOVERY_LABEL = 'coffre backup recovery slot v1'
const COSTS = /^m=(?<memoryKib>[1-9][0-9]{0,6}),t=(?<passes>[1-9][0-9]?),p=(?<parallelism>[1-9][0-9]?)$/
/** What a cheaper one would give away is a backup. */
const FLOOR = DEFAULT_ARGON2ID

interface Costs {
  readonly memoryKib: number
  readonly passes: number
  readonly parallelism: number
}

/** `id`: the 16 bytes of the backup id. */
export async function wrapForPassphrase(
  backupKey: KeyMaterial,
  id: Uint8Array,
  passphrase: Secret,
): Promise<PassphraseSlot> {
  const salt = randomBytes(SALT_BYTES)
  const argon2id = formatCosts(DEFAULT_ARGON2ID)
  const key = await stretch(passphrase, salt, DEFAULT_ARGON2ID)
  const wrapped = sealChunked(key, rawBytes(backupKey), passphraseContext(id, argon2id))
  key.wipe()
  return { slot: 'passphrase', argon2id, salt: text(salt), wrapped: text(wrapped) }
}

/**
 * Throws PASSPHRASE_WRONG, which a changed slot looks like too, and PARAMETERS_REFUSED before any work for costs that are
 * lower than ours or would take for ever.
 */
export async function unwrapByPassphrase(
  slot: PassphraseSlot,
  id: Uint8Array,
  passphrase: Secret,
): Promise<KeyMaterial> {
  const costs = parseCosts(slot.argon2id)
  const salt = bytesOf(slot.salt, SALT_BYTES)
  const key = await stretch(passphrase, salt, costs)
  try {
    return open(key, slot.wrapped, passphraseContext(id, slot.argon2id))
  } catch (cause) {
    throw new CoffreError('PASSPHRASE_WRONG', { cause })
  } finally {
    key.wipe()
  }
}

/** Throws KEY_REFUSED for what is no recovery key. */
export function wrapForRecovery(backupKey: KeyMaterial, id: Uint8Array, publicKey: Uint8Array): RecoverySlot {
  const { shared, encapsulated } = xWingEncapsulate(publicKey)
  const wrapped = sealChunked(shared, rawBytes(backupKey), recoveryContext(id))
  shared.wipe()
  const recipient = recoveryFingerprint(publicKey)
  return { slot: 'recovery', recipient, encapsulated: text(encapsulated), wrapped: text(wrapped) }
}

/** Whether a slot is for this recovery key; nothing of it is proven. */
export function isForRecoveryKey(slot: RecoverySlot, seed: KeyMaterial): boolean {
  return slot.recipient === recoveryFingerprint(xWingPublicKey(seed))
}

/** Throws DECRYPTION_FAILED for another recovery key, another backup and a changed slot. */
export function unwrapByRecovery(slot: RecoverySlot, id: Uint8Array, seed: KeyMaterial): KeyMaterial {
  const shared = decapsulate(seed, bytesOf(slot.encapsulated, ENCAPSULATED_BYTES))
  try {
    return open(shared, slot.wrapped, recoveryContext(id))
  } finally {
    shared.wipe()
  }
}

function decapsulate(seed: KeyMaterial, encapsulated: Uint8Array): KeyMaterial {
  try {
    return xWingDecapsulate(seed, encapsulated)
  } catch (cause) {
    throw new CoffreError('DECRYPTION_FAILED', { cause })
  }
}

function open(key: KeyMaterial, wrapped: string, context: Uint8Array): KeyMaterial {
  const bytes = openChunked(key, bytesOf(wrapped, WRAPPED_BYTES), context)
  const backupKey = new KeyMaterial(bytes)
  bytes.fill(0)
  return backupKey
}

function stretch(passphrase: Secret, salt: Uint8Array, costs: Costs): Promise<KeyMaterial> {
  return deriveArgon2id(passphrase, { ...costs, salt, length: KEY_BYTES })
}

function formatCosts({ memoryKib, passes, parallelism }: Costs): string {
  return `m=${memoryKib},t=${passes},p=${parallelism}`
}

/** The ceiling is that of every Argon2id (derive-bounds.ts). */
function parseCosts(written: string): Costs {
  const { memoryKib, passes, parallelism } = COSTS.exec(written)?.groups ?? {}
  const costs = { memoryKib: Number(memoryKib), passes: Number(passes), parallelism: Number(parallelism) }
  if (!(costs.memoryKib >= FLOOR.memoryKib)) {
    refuseParameter('memoryKib', { minimum: FLOOR.memoryKib, maximum: 1_048_576 })
  }
  if (!(costs.passes >= FLOOR.passes)) refuseParameter('passes', { minimum: FLOOR.passes, maximum: 10 })
  return costs
}

function passphraseContext(id: Uint8Array, argon2id: string): Uint8Array {
  return concat(utf8(`${PASSPHRASE_LABEL}\0`), id, utf8(argon2id))
}

function recoveryContext(id: Uint8Array): Uint8Array {
  return concat(utf8(`${RECOVERY_LABEL}\0`), id)
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url')
}

function bytesOf(written: string, length: number): Uint8Array {
  const bytes = parseBase64url(written)
  if (bytes?.length !== length) throw new CoffreError('DECRYPTION_FAILED', { cause: 'slot length' })
  return bytes
}
