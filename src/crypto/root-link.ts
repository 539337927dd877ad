import type { RootGeneration, Wrapped } from '../model/wrapped.ts'
import { toWrapped } from '../model/wrapped.ts'
import { concat, lengthPrefixed, utf8 } from './bytes.ts'
import { openChunked, sealChunked } from './chunked.ts'
import { KeyMaterial, rawBytes } from './key-material.ts'
import type { RootKey } from './wrapped-key.ts'

const FORMAT = 1
const LINK_LABEL = concat(utf8('coffre root link v1'), Uint8Array.of(0, FORMAT))
const SIBLING_LABEL = concat(utf8('coffre sibling v1'), Uint8Array.of(0, FORMAT))
const ROOT_KEY_BYTES = 32
const GENERATION_BYTES = 4

/** The root key `to` under the root key `from` (docs/spec/wrapped-key.md, "Root link"). */
export function wrapRoot(from: RootKey, to: RootKey): Wrapped {
  const context = linkContext(from.generation, to.generation)
  return toWrapped(concat(Uint8Array.of(FORMAT), sealChunked(from.key, rawBytes(to.key), context)))
}

/** Throws DECRYPTION_FAILED for any link but the one between exactly these two. */
export function unwrapRoot(from: RootKey, to: RootGeneration, wrapped: Wrapped): RootKey {
  const body = wrapped[0] === FORMAT ? wrapped.subarray(1) : new Uint8Array(0)
  const bytes = openChunked(from.key, body, linkContext(from.generation, to))
  const key = new KeyMaterial(bytes)
  bytes.fill(0)
  return { generation: to, key }
}

function linkContext(from: RootGeneration, to: RootGeneration): Uint8Array {
  return concat(LINK_LABEL, lengthPrefixed(utf8(String(from))), lengthPrefixed(utf8(String(to))))
}

/** Root keys for another process of the same Coffre, under a key that only the two have. */
export function wrapForSibling(transport: KeyMaterial, roots: readonly RootKey[]): Wrapped {
  const plain = Buffer.alloc(roots.length * (GENERATION_BYTES + ROOT_KEY_BYTES))
  let at = 0
  for (const { generation, key } of roots) {
    at = plain.writeUInt32BE(generation, at)
    plain.set(rawBytes(key), at)
    at += ROOT_KEY_BYTES
  }
  const body = sealChunked(transport, plain, SIBLING_LABEL)
  plain.fill(0)
  return toWrapped(concat(Uint8Array.of(FORMAT), body))
}

/** Throws DECRYPTION_FAILED. */
export function unwrapFromSibling(transport: KeyMaterial, wrapped: Wrapped): readonly RootKey[] {
  const body = wrapped[0] === FORMAT ? wrapped.subarray(1) : new Uint8Array(0)
  const plain = Buffer.from(openChunked(transport, body, SIBLING_LABEL))
  const roots: RootKey[] = []
  for (let at = 0; at < plain.length; at += GENERATION_BYTES + ROOT_KEY_BYTES) {
    const start = at + GENERATION_BYTES
    const key = new KeyMaterial(plain.subarray(start, start + ROOT_KEY_BYTES))
    roots.push({ generation: plain.readUInt32BE(at), key })
  }
  plain.fill(0)
  return roots
}
