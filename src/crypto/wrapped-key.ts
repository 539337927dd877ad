import type { AlgorithmName, KeyPurpose } from '../model/algorithm-name.ts'
import type { KeyId, TenantId, VersionNumber } from '../model/ids.ts'
import { toWrapped, type Wrapped } from '../model/wrapped.ts'
import { concat, lengthPrefixed, utf8 } from './bytes.ts'
import { openChunked, sealChunked } from './chunked.ts'
import { KeyMaterial, rawBytes } from './key-material.ts'

/** The row that a wrapped blob belongs to, and the only one in which it opens. */
export interface WrapBinding {
  readonly tenant: TenantId
  readonly keyId: KeyId
  readonly version: VersionNumber
  readonly algorithm: AlgorithmName
  readonly purpose: KeyPurpose
}

const FORMAT = 1
const LABEL = concat(utf8('coffre wrapped key v1'), Uint8Array.of(0, FORMAT))

/** docs/spec/wrapped-key.md. */
export function wrapKey(root: KeyMaterial, inner: KeyMaterial, binding: WrapBinding): Wrapped {
  return toWrapped(concat(Uint8Array.of(FORMAT), sealChunked(root, rawBytes(inner), encodeBinding(binding))))
}

/** Throws DECRYPTION_FAILED where the blob is not the one of this row under this root key. */
export function unwrapKey(root: KeyMaterial, wrapped: Wrapped, binding: WrapBinding): KeyMaterial {
  const format = wrapped[0] === FORMAT ? wrapped.subarray(1) : new Uint8Array(0)
  const bytes = openChunked(root, format, encodeBinding(binding))
  const material = new KeyMaterial(bytes)
  bytes.fill(0)
  return material
}

function encodeBinding(binding: WrapBinding): Uint8Array {
  const { tenant, keyId, version, algorithm, purpose } = binding
  const fields = [tenant, keyId, String(version), algorithm, purpose]
  return concat(LABEL, ...fields.map((field) => lengthPrefixed(utf8(field))))
}
