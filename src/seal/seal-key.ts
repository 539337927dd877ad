import { KeyMaterial } from '../crypto/key-material.ts'
import { CoffreError } from '../model/errors.ts'
import { SEAL_KEY_BYTES } from './seal-provider.ts'

/** Longer than any accepted spelling of 32 bytes. */
export const MAX_SEAL_KEY_CHARACTERS = 128

/**
 * 32 bytes written as 64 hex digits, base64 or base64url. Throws SEAL_KEY_MISSING with the name of the
 * setting, never with its value.
 */
export function parseSealKey(text: string, setting: string): KeyMaterial {
  const trimmed = text.trim()
  const encoding = /^[0-9a-fA-F]{64}$/.test(trimmed)
    ? 'hex'
    : /^[A-Za-z0-9+/_-]{43}=?$/.test(trimmed)
      ? 'base64url' // Node reads both alphabets and ignores the padding.
      : undefined
  if (encoding === undefined) {
    throw new CoffreError('SEAL_KEY_MISSING', {
      facts: { setting, expected: '32 bytes in hex or base64: openssl rand -hex 32' },
    })
  }
  const bytes = Buffer.from(trimmed, encoding)
  if (bytes.length !== SEAL_KEY_BYTES) throw new Error('unreachable: both patterns hold 32 bytes')
  const key = new KeyMaterial(bytes)
  bytes.fill(0)
  return key
}
