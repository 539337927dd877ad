import { utf8 } from './bytes.ts'
import { deriveHkdf } from './derive.ts'
import { type KeyMaterial, rawBytes } from './key-material.ts'

const DIGEST = 'sha256'
/** RFC 5869, section 2.2: an absent salt is as many zeros as the digest is long. */
const NO_SALT = new Uint8Array(32)

/** docs/spec/agreement.md: the shared secret is not uniform, so it is never given out itself. */
export function deriveFromShared(shared: KeyMaterial, info: string, length: number): Uint8Array {
  const derived = deriveHkdf(shared, { digest: DIGEST, salt: NO_SALT, info: utf8(info), length })
  shared.wipe()
  const bytes = Uint8Array.from(rawBytes(derived))
  derived.wipe()
  return bytes
}
