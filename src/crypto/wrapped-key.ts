import {
  type RootGeneration,
  rootOf,
  toWrapped,
  WRAPPED_FORMAT_FIRST,
  WRAPPED_FORMAT_NUMBERED,
  type WrapBinding,
  type Wrapped,
} from '../model/wrapped.ts'
import { concat, lengthPrefixed, utf8 } from './bytes.ts'
import { openChunked, sealChunked } from './chunked.ts'
import { KeyMaterial, rawBytes } from './key-material.ts'

/** One root key of a Coffre, with its number. */
export interface RootKey {
  readonly generation: RootGeneration
  readonly key: KeyMaterial
}

const FIRST_LABEL = concat(utf8('coffre wrapped key v1'), Uint8Array.of(0, WRAPPED_FORMAT_FIRST))
const NUMBERED_LABEL = concat(utf8('coffre wrapped key v2'), Uint8Array.of(0, WRAPPED_FORMAT_NUMBERED))

/** docs/spec/wrapped-key.md. */
export function wrapKey(root: RootKey, inner: KeyMaterial, binding: WrapBinding): Wrapped {
  const body = sealChunked(root.key, rawBytes(inner), encodeBinding(root.generation, binding))
  return toWrapped(concat(encodeHeader(root.generation), body))
}

/** Throws DECRYPTION_FAILED where the blob is not the one of this row under this root key. */
export function unwrapKey(root: RootKey, wrapped: Wrapped, binding: WrapBinding): KeyMaterial {
  const header = encodeHeader(root.generation)
  const isOurs = rootOf(wrapped) === root.generation && wrapped[0] === header[0]
  const body = isOurs ? wrapped.subarray(header.length) : new Uint8Array(0)
  const bytes = openChunked(root.key, body, encodeBinding(root.generation, binding))
  const material = new KeyMaterial(bytes)
  bytes.fill(0)
  return material
}

/** The first generation writes what it always wrote, so a Coffre before this one reads it. */
function encodeHeader(generation: RootGeneration): Uint8Array {
  if (generation === 1) return Uint8Array.of(WRAPPED_FORMAT_FIRST)
  return concat(Uint8Array.of(WRAPPED_FORMAT_NUMBERED), encodeGeneration(generation))
}

function encodeBinding(generation: RootGeneration, binding: WrapBinding): Uint8Array {
  const { tenant, keyId, version, algorithm, purpose } = binding
  const fields = [tenant, keyId, String(version), algorithm, purpose].map((field) =>
    lengthPrefixed(utf8(field)),
  )
  if (generation === 1) return concat(FIRST_LABEL, ...fields)
  return concat(NUMBERED_LABEL, lengthPrefixed(encodeGeneration(generation)), ...fields)
}

function encodeGeneration(generation: RootGeneration): Uint8Array {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(generation)
  return bytes
}
