import { utf8 } from './bytes.ts'
import { deriveHkdf } from './derive.ts'
import { KeyMaterial, rawBytes } from './key-material.ts'

const DIGEST = 'sha256'
/** RFC 5869, section 2.2: an absent salt is as many zeros as the digest is long. */
const NO_SALT = new Uint8Array(32)
const SUBKEY_BYTES = 32

/** A secret that an application has as text: its UTF-8 bytes, as they are. */
export function secretKeyMaterial(text: string): KeyMaterial {
  const bytes = utf8(text)
  const material = new KeyMaterial(bytes)
  bytes.fill(0)
  return material
}

/** What a key of Coffre gave for one purpose, as bytes; they are wiped. */
export function takeDerivedKey(bytes: Uint8Array): KeyMaterial {
  const material = new KeyMaterial(bytes)
  bytes.fill(0)
  return material
}

/** A key of 32 bytes for one purpose: nothing else has its bytes, and the secret is not found from them. */
export function deriveSecretSubkey(secret: KeyMaterial, info: string): KeyMaterial {
  return derive(secret, info, SUBKEY_BYTES)
}

/** A name for the secret that may be shown: it is derived as a subkey is. `bytes` in base64url. */
export function nameSecret(secret: KeyMaterial, info: string, bytes: number): string {
  const derived = derive(secret, info, bytes)
  const name = Buffer.from(rawBytes(derived)).toString('base64url')
  derived.wipe()
  return name
}

function derive(secret: KeyMaterial, info: string, length: number): KeyMaterial {
  return deriveHkdf(secret, { digest: DIGEST, salt: NO_SALT, info: utf8(info), length })
}
