import type { Encryption, PlainMessage, SealedMessage, VersionKey } from './algorithm.ts'
import { concat, parseBase64url } from './bytes.ts'
import { encodeHeader, HEADER_BYTES } from './ciphertext-header.ts'
import { encodePairs, encodeScope } from './context.ts'
import { oaepDecrypt, oaepEncrypt } from './rsa-oaep.ts'

/** RSA-OAEP under a managed key (docs/spec/ciphertext.md, "RSA-OAEP"), and bare blocks of other programs. */
export const oaepEncryption: Encryption = { selfDescribing: true, sealMany, openMany }

const NO_LABEL = new Uint8Array(0)

function sealMany(key: VersionKey, messages: readonly PlainMessage[]): string[] {
  const header = headerOf(key)
  return messages.map(({ plaintext, context }) => {
    const label = concat(header, encodeScope(key), encodePairs(context))
    return Buffer.from(concat(header, oaepEncrypt(key.material, plaintext, label))).toString('base64url')
  })
}

function openMany(key: VersionKey, messages: readonly SealedMessage[]): (Uint8Array | undefined)[] {
  const header = headerOf(key)
  return messages.map(({ ciphertext, context }) => {
    const bytes = parseBase64url(ciphertext)
    if (bytes === undefined || !bytes.subarray(0, HEADER_BYTES).equals(header)) {
      return openBareBlock(key, { ciphertext, context })
    }
    const label = concat(header, encodeScope(key), encodePairs(context))
    return oaepDecrypt(key.material, bytes.subarray(HEADER_BYTES), label)
  })
}

/** Standard base64 with padding, as `openssl base64 -A` writes it; it can carry no context. */
function openBareBlock(key: VersionKey, message: SealedMessage): Uint8Array | undefined {
  const block = Buffer.from(message.ciphertext, 'base64')
  if (block.toString('base64') !== message.ciphertext || Object.keys(message.context).length > 0) {
    return undefined
  }
  return oaepDecrypt(key.material, block, NO_LABEL)
}

function headerOf(key: VersionKey): Uint8Array {
  return encodeHeader({ construction: 'oaep', keyId: key.keyId, version: key.version })
}
