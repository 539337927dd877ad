import type { Context, VersionKey } from './algorithm.ts'
import { concat, lengthPrefixed, utf8 } from './bytes.ts'

const NO_PAIRS = new Uint8Array(4)
const LENGTH_BYTES = 4

/** docs/spec/ciphertext.md, "Authenticated data": tenant and purpose of the key, before the caller's pairs. */
export function encodeScope(key: VersionKey): Uint8Array {
  return concat(lengthPrefixed(utf8(key.tenant)), lengthPrefixed(utf8(key.purpose)))
}

/** The caller's pairs: their number, then each by the bytes of its name, so insertion order does not matter. */
export function encodePairs(context: Context): Uint8Array {
  const names = Object.keys(context)
  if (names.length === 0) return NO_PAIRS
  if (names.length > 1) names.sort(compareUtf8)
  const texts = names.flatMap((name) => [name, context[name] ?? ''])
  const lengths = texts.map((text) => Buffer.byteLength(text))
  const out = Buffer.allocUnsafe(lengths.reduce((sum, length) => sum + LENGTH_BYTES + length, LENGTH_BYTES))
  let at = out.writeUInt32BE(names.length)
  for (const [index, text] of texts.entries()) {
    at = out.writeUInt32BE(lengths[index] ?? 0, at)
    at += out.write(text, at)
  }
  return out
}

const SURROGATE = /[\uD800-\uDFFF]/

/** By UTF-8 bytes. UTF-16 units give the same order as long as no surrogate is among them. */
function compareUtf8(left: string, right: string): number {
  if (SURROGATE.test(left) || SURROGATE.test(right)) return Buffer.compare(utf8(left), utf8(right))
  return left < right ? -1 : 1
}
