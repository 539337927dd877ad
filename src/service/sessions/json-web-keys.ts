import { parseSpkiPem } from '../../crypto/pem.ts'
import type { KeyView } from '../../model/coffre.ts'
import { isPrepared, mayVerify } from './watched-key.ts'

/** An Ed25519 key in SPKI ends with its 32 bytes (RFC 8410, section 4). */
const ED25519_BYTES = 32

/** A public key as RFC 8037, section 2 has it. */
export interface PublicJsonWebKey {
  readonly kty: 'OKP'
  readonly crv: 'Ed25519'
  readonly x: string
  readonly kid: string
  readonly use: 'sig'
  readonly alg: 'EdDSA'
}

/**
 * The public keys of every version of `view` that may verify, and of the one that is prepared, so that who keeps a set for a
 * while has it before it signs. None for other algorithms than Ed25519.
 */
export function toJsonWebKeys(view: KeyView): readonly PublicJsonWebKey[] {
  if (view.algorithm !== 'ed25519') return []
  return view.versions
    .filter((version) => mayVerify(view, version) || isPrepared(view, version))
    .flatMap(({ version, publicKey }) => {
      const spki = publicKey === undefined ? undefined : parseSpkiPem(publicKey)
      if (spki === undefined) return []
      const x = Buffer.from(spki.subarray(-ED25519_BYTES)).toString('base64url')
      return {
        kty: 'OKP',
        crv: 'Ed25519',
        x,
        kid: `${view.id}.${version}`,
        use: 'sig',
        alg: 'EdDSA',
      } as const
    })
}
