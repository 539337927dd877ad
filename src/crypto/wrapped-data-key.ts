import { CoffreError } from '../model/errors.ts'
import type { Encryption, PlainMessage, SealedMessage, VersionKey, Wrapping } from './algorithm.ts'
import { concat, parseBase64url } from './bytes.ts'
import { encodeHeader, HEADER_BYTES } from './ciphertext-header.ts'
import type { Context } from './algorithm.ts'
import { KeyMaterial, rawBytes } from './key-material.ts'

/** Data keys under a key of purpose `wrap` (docs/spec/ciphertext.md, "Wrapped data key"). */
export function wrapEncryption(wrapping: Wrapping): Encryption {
  return {
    selfDescribing: true,
    sealMany: (key, messages) => messages.map((message) => sealDataKey(wrapping, key, message)),
    openMany: (key, messages) => messages.map((message) => openDataKey(wrapping, key, message)),
  }
}

function sealDataKey(wrapping: Wrapping, key: VersionKey, message: PlainMessage): string {
  if (!isEmpty(message.context)) {
    // AES-KW and AES-KWP have no associated data; a context would be silently dropped.
    throw new CoffreError('INVALID_REQUEST', {
      facts: { at: 'context', expected: 'none for this algorithm' },
    })
  }
  const inner = new KeyMaterial(message.plaintext)
  const blob = wrapping.wrap(key.material, inner)
  inner.wipe()
  return Buffer.from(concat(headerOf(key), blob)).toString('base64url')
}

function openDataKey(wrapping: Wrapping, key: VersionKey, message: SealedMessage): Uint8Array | undefined {
  const bytes = parseBase64url(message.ciphertext)
  const ours = bytes?.subarray(0, HEADER_BYTES).equals(headerOf(key)) === true
  if (bytes === undefined || !ours || !isEmpty(message.context)) return undefined
  const inner = wrapping.unwrap(key.material, bytes.subarray(HEADER_BYTES))
  if (inner === undefined) return undefined
  const plaintext = Uint8Array.from(rawBytes(inner))
  inner.wipe()
  return plaintext
}

function headerOf(key: VersionKey): Uint8Array {
  return encodeHeader({ construction: 'wrapped', keyId: key.keyId, version: key.version })
}

function isEmpty(context: Context): boolean {
  return Object.keys(context).length === 0
}
