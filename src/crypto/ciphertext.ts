import { GCM_NONCE_BYTES, GCM_TAG_BYTES, openAesGcm, sealAesGcmInto } from './aes-gcm.ts'
import type { Context, Encryption, PlainMessage, SealedMessage, VersionKey } from './algorithm.ts'
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

/** Where a message stops being what this key version wrote: too short, another key or a changed head, or further on. */
export function judgeHead(key: VersionKey, ciphertext: string): 'truncated' | 'changed-head' | 'right-key' {
  const bytes = parseBase64url(ciphertext)
  if (bytes === undefined || bytes.length < OVERHEAD_BYTES) return 'truncated'
  const commitment = bytes.subarray(SALT_END, PREFIX_BYTES)
  const isRight = subkeyForReading(key, bytes.subarray(HEADER_BYTES, SALT_END), commitment) !== undefined
  return isRight ? 'right-key' : 'changed-head'
}

function sealMany(key: VersionKey, messages: readonly PlainMessage[]): string[] {
  return sealMessages(key, messages).map((message) => message.toString('base64url'))
}

/** The messages as bytes, for formats that hold one (docs/spec/cache.md). */
export function sealMessages(key: VersionKey, messages: readonly PlainMessage[]): Buffer[] {
  const subkey = subkeyForWriting(key, messages.length)
  let binding: Binding | undefined
  return messages.map(({ plaintext, context }) => {
    binding = bind(subkey, context, binding)
    return sealMessage(binding, plaintext)
  })
}

/** What one message is bound to; a batch whose items share a context object encodes it once. */
interface Binding {
  readonly subkey: Subkey
  readonly context: Context
  readonly associatedData: Uint8Array
}

function bind(subkey: Subkey, context: Context, last: Binding | undefined): Binding {
  if (last?.subkey === subkey && last.context === context) return last
  const associatedData = concat(subkey.prefix, subkey.scope, encodePairs(context))
  return { subkey, context, associatedData }
}

function sealMessage(binding: Binding, plaintext: Uint8Array): Buffer {
  const { subkey, associatedData } = binding
  const out = Buffer.allocUnsafe(OVERHEAD_BYTES + plaintext.length)
  out.set(subkey.prefix, 0)
  fillRandom(out, PREFIX_BYTES, GCM_NONCE_BYTES)
  const nonce = out.subarray(PREFIX_BYTES, BODY_OFFSET)
  sealAesGcmInto({ key: subkey.key, nonce, associatedData }, plaintext, out.subarray(BODY_OFFSET))
  return out
}

function openMany(key: VersionKey, messages: readonly SealedMessage[]): (Uint8Array | undefined)[] {
  const texts = messages.map(({ ciphertext, context }) => ({ bytes: parseBase64url(ciphertext), context }))
  return openMessages(key, texts)
}

interface MessageBytes {
  readonly bytes: Buffer | undefined
  readonly context: Context
}

/** As `openMany`, of messages as bytes. */
export function openMessages(key: VersionKey, messages: readonly MessageBytes[]): (Uint8Array | undefined)[] {
  const header = encodeHeader({ construction: 'message', keyId: key.keyId, version: key.version })
  let binding: Binding | undefined
  return messages.map(({ bytes, context }) => {
    if (bytes === undefined || bytes.length < OVERHEAD_BYTES) return undefined
    // The caller chose the key by this header; it must be the very one, construction included.
    if (bytes.compare(header, 0, HEADER_BYTES, 0, HEADER_BYTES) !== 0) return undefined
    const salt = bytes.subarray(HEADER_BYTES, SALT_END)
    const subkey = subkeyForReading(key, salt, bytes.subarray(SALT_END, PREFIX_BYTES))
    if (subkey === undefined) return undefined
    binding = bind(subkey, context, binding)
    return openMessage(binding, bytes)
  })
}

function openMessage({ subkey, associatedData }: Binding, bytes: Buffer): Uint8Array | undefined {
  const nonce = bytes.subarray(PREFIX_BYTES, BODY_OFFSET)
  return openAesGcm({ key: subkey.key, nonce, associatedData }, bytes.subarray(BODY_OFFSET))
}
