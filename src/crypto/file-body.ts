import { decryptStream, encryptStream } from './chunked-stream.ts'
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

function takeOver(dataKey: Uint8Array): KeyMaterial {
  const material = new KeyMaterial(dataKey)
  dataKey.fill(0)
  return material
}
