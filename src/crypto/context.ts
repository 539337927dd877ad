import { concat, lengthPrefixed, utf8 } from './bytes.ts'
import type { Context, VersionKey } from './algorithm.ts'

const NO_PAIRS = new Uint8Array(4)

/** docs/spec/ciphertext.md, "Authenticated data": tenant and purpose of the key, before the caller's pairs. */
export function encodeScope(key: VersionKey): Uint8Array {
  return concat(lengthPrefixed(utf8(key.tenant)), lengthPrefixed(utf8(key.purpose)))
}

/** The caller's pairs: their number, then each by the bytes of its name, so insertion order does not matter. */
export function encodePairs(context: Context): Uint8Array {
  const names = Object.keys(context)
  if (names.length === 0) return NO_PAIRS
  const pairs = names.map((name) => ({ name: utf8(name), value: utf8(context[name] ?? '') }))
  pairs.sort((left, right) => Buffer.compare(left.name, right.name))
  const count = Buffer.alloc(4)
  count.writeUInt32BE(pairs.length)
  return concat(count, ...pairs.flatMap((pair) => [lengthPrefixed(pair.name), lengthPrefixed(pair.value)]))
}
