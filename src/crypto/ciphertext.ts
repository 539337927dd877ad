import { GCM_NONCE_BYTES, GCM_TAG_BYTES, openAesGcm, sealAesGcmInto } from './aes-gcm.ts'
import type { Encryption, PlainMessage, SealedMessage, VersionKey } from './algorithm.ts'
import { concat, parseBase64url } from './bytes.ts'
import { HEADER_BYTES, encodeHeader } from './ciphertext-header.ts'
import { encodePairs } from './context.ts'
import { fillRandom } from './random.ts'
import { COMMITMENT_BYTES, SALT_BYTES, type Subkey, subkeyForReading, subkeyForWriting } from './subkey.ts'

const SALT_END = HEADER_BYTES + SALT_BYTES
const PREFIX_BYTES = SALT_END + COMMITMENT_BYTES
const BODY_OFFSET = PREFIX_BYTES + GCM_NONCE_BYTES
/** docs/spec/ciphertext.md: what a message is longer than its plaintext, before the text form. */
export const OVERHEAD_BYTES = BODY_OFFSET + GCM_TAG_BYTES

/** Coffre's own ciphertext (docs/spec/ciphertext.md). */
export const nativeEncryption: Encryption = { selfDescribing: true, sealMany, openMany }

function sealMany(key: VersionKey, messages: readonly PlainMessage[]): string[] {
  const subkey = subkeyForWriting(key, messages.length)
  return messages.map((message) => sealMessage(subkey, message))
}

function sealMessage(subkey: Subkey, message: PlainMessage): string {
  const { plaintext } = message
  const out = Buffer.allocUnsafe(OVERHEAD_BYTES + plaintext.length)
  out.set(subkey.prefix, 0)
  fillRandom(out, PREFIX_BYTES, GCM_NONCE_BYTES)
  const associatedData = concat(subkey.prefix, subkey.scope, encodePairs(message.context))
  const nonce = out.subarray(PREFIX_BYTES, BODY_OFFSET)
  sealAesGcmInto({ key: subkey.key, nonce, associatedData }, plaintext, out.subarray(BODY_OFFSET))
  return out.toString('base64url')
}

function openMany(key: VersionKey, messages: readonly SealedMessage[]): (Uint8Array | undefined)[] {
  const header = encodeHeader({ construction: 'message', keyId: key.keyId, version: key.version })
  return messages.map((message) => {
    const bytes = parseBase64url(message.ciphertext)
    if (bytes === undefined || bytes.length < OVERHEAD_BYTES) return undefined
    // The caller chose the key by this header; it must be the very one, construction included.
    if (!bytes.subarray(0, HEADER_BYTES).equals(header)) return undefined
    return openMessage(key, bytes, message)
  })
}

function openMessage(key: VersionKey, bytes: Buffer, message: SealedMessage): Uint8Array | undefined {
  const subkey = subkeyForReading(
    key,
    bytes.subarray(HEADER_BYTES, SALT_END),
    bytes.subarray(SALT_END, PREFIX_BYTES),
  )
  if (subkey === undefined) return undefined
  const associatedData = concat(subkey.prefix, subkey.scope, encodePairs(message.context))
  const nonce = bytes.subarray(PREFIX_BYTES, BODY_OFFSET)
  return openAesGcm({ key: subkey.key, nonce, associatedData }, bytes.subarray(BODY_OFFSET))
}
