import { CoffreError } from '../model/errors.ts'
import { concat, parseBase64url } from './bytes.ts'
import { sha256 } from './digest.ts'
import { PUBLIC_BYTES, xWingEncapsulate } from './x-wing.ts'

/** docs/spec/recovery-key.md: the public half, as text. */

const PREFIX = 'coffre-recovery-v1:'
const CHECK_BYTES = 4
const FINGERPRINT_BYTES = 8

export function formatRecoveryPublicKey(publicKey: Uint8Array): string {
  return `${PREFIX}${Buffer.from(concat(publicKey, checkOf(publicKey))).toString('base64url')}`
}

/** Throws KEY_REFUSED for another text, a typing error and a key that nobody can encrypt to. */
export function parseRecoveryPublicKey(text: string): Uint8Array {
  const trimmed = text.trim()
  const bytes = trimmed.startsWith(PREFIX) ? parseBase64url(trimmed.slice(PREFIX.length)) : undefined
  const publicKey = bytes?.subarray(0, PUBLIC_BYTES)
  const isWhole =
    bytes?.length === PUBLIC_BYTES + CHECK_BYTES &&
    publicKey !== undefined &&
    bytes.subarray(PUBLIC_BYTES).equals(checkOf(publicKey))
  if (!isWhole) throw new CoffreError('KEY_REFUSED', { facts: { at: 'recovery key', rule: 'format' } })
  // Now, and not at 2 a.m. when the first backup is made.
  xWingEncapsulate(publicKey).shared.wipe()
  return publicKey
}

/** 16 hexadecimal digits. */
export function recoveryFingerprint(publicKey: Uint8Array): string {
  return Buffer.from(sha256(publicKey).subarray(0, FINGERPRINT_BYTES)).toString('hex')
}

function checkOf(publicKey: Uint8Array): Uint8Array {
  return sha256(publicKey).subarray(0, CHECK_BYTES)
}
