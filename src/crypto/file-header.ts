import { FILE_FIXED_BYTES, MAX_DATA_KEY_CIPHERTEXT_BYTES } from '../model/file-layout.ts'
import { concat, lengthPrefixed, parseBase64url } from './bytes.ts'
import { type CiphertextHeader, encodeHeader, HEADER_BYTES, readHeader } from './ciphertext-header.ts'

export interface FileHeader {
  /** Every byte before the body: the context of its encryption. */
  readonly bytes: Uint8Array
  /** In text form, for `decrypt`. */
  readonly dataKeyCiphertext: string
}

/** docs/spec/file.md, step 2. `undefined` where the data key's ciphertext is not one of ours. */
export function encodeFileHeader(dataKeyCiphertext: string): FileHeader | undefined {
  const ciphertext = parseBase64url(dataKeyCiphertext)
  const named = ciphertext === undefined ? undefined : readHeader(ciphertext)
  if (ciphertext === undefined || named === undefined || !bindsContext(named)) return undefined
  const bytes = concat(encodeHeader({ ...named, construction: 'file' }), lengthPrefixed(ciphertext))
  return { bytes, dataKeyCiphertext }
}

/**
 * Reads the header at the start of `bytes`. `needs` says how many bytes must be there before it can be
 * read; `undefined` that these are no file of ours.
 */
export function readFileHeader(bytes: Uint8Array): FileHeader | { readonly needs: number } | undefined {
  if (bytes.length < FILE_FIXED_BYTES) return { needs: FILE_FIXED_BYTES }
  const named = readHeader(bytes)
  const length = Buffer.from(bytes).readUInt32BE(HEADER_BYTES)
  if (named?.construction !== 'file' || length > MAX_DATA_KEY_CIPHERTEXT_BYTES) return undefined
  const end = FILE_FIXED_BYTES + length
  if (bytes.length < end) return { needs: end }
  const ciphertext = Buffer.from(bytes.subarray(FILE_FIXED_BYTES, end))
  const inner = readHeader(ciphertext)
  if (inner === undefined || !isSameVersion(named, inner) || !bindsContext(inner)) return undefined
  return { bytes: bytes.slice(0, end), dataKeyCiphertext: ciphertext.toString('base64url') }
}

/** AES-KW has no place for a context, so a data key under it would open under any. */
function bindsContext({ construction }: CiphertextHeader): boolean {
  return construction === 'message' || construction === 'oaep'
}

function isSameVersion(outer: CiphertextHeader, inner: CiphertextHeader): boolean {
  return outer.keyId === inner.keyId && outer.version === inner.version
}
