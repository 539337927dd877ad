import { CoffreError } from '../model/errors.ts'
import { freeNow } from '../model/free-bytes.ts'
import {
  CHUNK_BYTES,
  CHUNKED_AES_256_GCM,
  type ChunkedInput,
  chunkOffset,
  HEADER_BYTES,
  MAX_WHOLE_BYTES,
  resumeMessage,
  shapeOfCiphertext,
  startMessage,
  TAG_BYTES,
} from './chunked-message.ts'
import type { KeyMaterial } from './key-material.ts'

/**
 * Encrypts a message of at most 64 MiB under a 32-byte key (docs/spec/chunked.md). Whoever decrypts needs the
 * same context. Throws KEY_REFUSED for another key length, LIMIT_EXCEEDED for a longer message or context.
 */
export function sealChunked(key: KeyMaterial, plaintext: Uint8Array, context: Uint8Array): Uint8Array {
  return sealWhole({ aead: CHUNKED_AES_256_GCM, key, context }, plaintext)
}

/** The message, once every chunk is verified; DECRYPTION_FAILED for whatever else. */
export function openChunked(key: KeyMaterial, ciphertext: Uint8Array, context: Uint8Array): Uint8Array {
  return openWhole({ aead: CHUNKED_AES_256_GCM, key, context }, ciphertext)
}

/** `sealChunked` for any row of the table of instantiations. */
function sealWhole(input: ChunkedInput, plaintext: Uint8Array): Uint8Array {
  refuseLongMessage(plaintext.length)
  const { keys, header } = startMessage(input)
  const lastIndex = Math.floor(plaintext.length / CHUNK_BYTES)
  const output = new Uint8Array(HEADER_BYTES + plaintext.length + (lastIndex + 1) * TAG_BYTES)
  output.set(header)
  for (let index = 0; index <= lastIndex; index += 1) {
    const chunk = plaintext.subarray(index * CHUNK_BYTES, (index + 1) * CHUNK_BYTES)
    keys.sealInto(index, chunk, output, chunkOffset(index))
  }
  return output
}

/** `openChunked` for any row of the table of instantiations. */
export function openWhole(input: ChunkedInput, ciphertext: Uint8Array): Uint8Array {
  const { lastIndex, messageBytes } = shapeOfCiphertext(ciphertext.length)
  refuseLongMessage(messageBytes)
  const keys = resumeMessage(input, ciphertext.subarray(0, HEADER_BYTES))
  const output = new Uint8Array(messageBytes)
  for (let index = 0; index <= lastIndex; index += 1) {
    const sealed = ciphertext.subarray(chunkOffset(index), chunkOffset(index + 1))
    const chunk = keys.open(index, sealed)
    output.set(chunk, index * CHUNK_BYTES)
    freeNow(chunk)
  }
  return output
}

function refuseLongMessage(messageBytes: number): void {
  if (messageBytes <= MAX_WHOLE_BYTES) return
  throw new CoffreError('LIMIT_EXCEEDED', { facts: { at: 'message', mostBytes: MAX_WHOLE_BYTES } })
}
