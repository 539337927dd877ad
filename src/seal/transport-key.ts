import { type KeyMaterial, rawBytes } from '../crypto/key-material.ts'
import { randomKeyMaterial } from '../crypto/random.ts'
import { parseSealKey } from './seal-key.ts'
import { SEAL_KEY_BYTES } from './seal-provider.ts'

/**
 * A key for `UnsealedVault.wrapRootFor`, and its text for the one process that shall use it. It lives as long as the
 * channel between the two and is stored nowhere.
 */
export function createTransportKey(): { readonly key: KeyMaterial; readonly text: string } {
  const key = randomKeyMaterial(SEAL_KEY_BYTES)
  return { key, text: Buffer.from(rawBytes(key)).toString('hex') }
}

export function readTransportKey(text: string): KeyMaterial {
  return parseSealKey(text, 'transport key')
}
