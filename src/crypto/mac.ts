import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Mac } from './algorithm.ts'
import type { KeyMaterial } from './key-material.ts'

export type HmacDigest = 'sha256' | 'sha384' | 'sha512'

/** HMAC (RFC 2104) with tags of the digest's full length; truncated ones are never made nor accepted. */
export function hmacMac(digest: HmacDigest): Mac {
  const mac = (material: KeyMaterial, message: Uint8Array): Uint8Array =>
    createHmac(digest, material.secretKey()).update(message).digest()
  return {
    mac,
    verify(material, message, tag) {
      const expected = mac(material, message)
      return tag.length === expected.length && timingSafeEqual(expected, tag)
    },
  }
}
