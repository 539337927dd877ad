/** `length (4, big-endian) || bytes`: what keeps ("ab", "c") and ("a", "bc") apart. */
export function lengthPrefixed(bytes: Uint8Array): Uint8Array {
  const out = Buffer.allocUnsafe(4 + bytes.length)
  out.writeUInt32BE(bytes.length, 0)
  out.set(bytes, 4)
  return out
}

export function utf8(text: string): Uint8Array {
  return Buffer.from(text, 'utf8')
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(parts)
}

/** The bytes of canonical base64url without padding (RFC 4648, section 5), or `undefined`. */
export function parseBase64url(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64url')
  return bytes.toString('base64url') === text ? bytes : undefined
}
