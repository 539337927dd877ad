import type { KeyMaterial } from '../../crypto/key-material.ts'
import { hmacMac } from '../../crypto/mac.ts'
import { deriveSecretSubkey } from '../../crypto/secret-key.ts'
import { openPart, type SealedPart, sealPart } from '../../crypto/session-cipher.ts'
import type { CipherPurpose, SessionPurpose } from './session-keys.ts'

/** docs/spec/session.md, "Keys from one SECRET_KEY". */
export const SESSION_LABEL = 'coffre/session/v1/'
const PURPOSES = ['session', 'cookie', 'csrf', 'session-encrypt', 'cookie-encrypt'] as const
const hs256 = hmacMac('sha256')

type SubkeyPurpose = (typeof PURPOSES)[number]

/** The keys that come from one secret, one for each purpose; none has the bytes of another. */
export class SessionSubkeys {
  readonly #materials: ReadonlyMap<SubkeyPurpose, KeyMaterial>

  constructor(secret: KeyMaterial) {
    this.#materials = new Map(
      PURPOSES.map((purpose) => [purpose, deriveSecretSubkey(secret, SESSION_LABEL + purpose)] as const),
    )
  }

  sign(purpose: SessionPurpose, message: Uint8Array): Uint8Array {
    return hs256.mac(this.#material(purpose), message)
  }

  verify(purpose: SessionPurpose, message: Uint8Array, signature: Uint8Array): boolean {
    return hs256.verify(this.#material(purpose), message, signature)
  }

  seal(purpose: CipherPurpose, head: Uint8Array, plaintext: Uint8Array): SealedPart {
    return sealPart(this.#material(`${purpose}-encrypt`), head, plaintext)
  }

  open(purpose: CipherPurpose, head: Uint8Array, sealed: SealedPart): Uint8Array | undefined {
    return openPart(this.#material(`${purpose}-encrypt`), head, sealed)
  }

  wipe(): void {
    for (const material of this.#materials.values()) material.wipe()
  }

  #material(purpose: SubkeyPurpose): KeyMaterial {
    const material = this.#materials.get(purpose)
    if (material === undefined) throw new Error('unreachable: there is one for each purpose')
    return material
  }
}
