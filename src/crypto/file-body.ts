import type { RangePlan } from '../model/file-layout.ts'
import { CHUNKED_AES_256_GCM } from './chunked-message.ts'
import { RangeOpener } from './chunked-range.ts'
import { decryptStream, encryptStream, toWebStream } from './chunked-stream.ts'
import type { FileHeader } from './file-header.ts'
import { KeyMaterial } from './key-material.ts'

/** docs/spec/file.md, step 3. Takes the data key over: its bytes are wiped before this returns. */
export function encryptFileBody(
  dataKey: Uint8Array,
  header: FileHeader,
): TransformStream<Uint8Array, Uint8Array> {
  return encryptStream(takeOver(dataKey), header.bytes)
}

/** The reverse. The stream fails with DECRYPTION_FAILED and gives nothing of a chunk that is not genuine. */
export function decryptFileBody(
  dataKey: Uint8Array,
  header: FileHeader,
): TransformStream<Uint8Array, Uint8Array> {
  return decryptStream(takeOver(dataKey), header.bytes)
}

/** Of the parts of a body that `plan` names, in the order of docs/spec/file.md, "A part of a file". */
export function decryptFileRange(
  dataKey: Uint8Array,
  header: FileHeader,
  plan: RangePlan,
): TransformStream<Uint8Array, Uint8Array> {
  const input = { aead: CHUNKED_AES_256_GCM, key: takeOver(dataKey), context: header.bytes }
  return toWebStream(new RangeOpener(input, plan))
}

function takeOver(dataKey: Uint8Array): KeyMaterial {
  const material = new KeyMaterial(dataKey)
  dataKey.fill(0)
  return material
}
