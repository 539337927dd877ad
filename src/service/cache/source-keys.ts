import { deriveSourceKey, sourceIndexId } from '../../crypto/cache-key.ts'
import { saltedDigest } from '../../crypto/digest.ts'
import { Fernet } from '../../crypto/fernet.ts'
import type { KeyMaterial } from '../../crypto/key-material.ts'
import { randomBytes } from '../../crypto/random.ts'
import { CoffreError } from '../../model/errors.ts'
import type { ClientSecret } from '../../model/cache.ts'

/** docs/spec/cache.md, "Bounds". */
const MAX_SECRET_BYTES = 1_024
/** Keys of users that were served lately. */
const MAX_KEPT = 256
const SALT_BYTES = 32

/** A key of format 1, and the set of what was written under it. */
export interface SourceKey {
  /** Names the key, and tells nothing of it. */
  readonly id: string
  readonly fernet: Fernet
  readonly index: string
}

/** Throws INVALID_REQUEST for what can be no client secret. */
export function revealSecret(secret: ClientSecret): string {
  const text = typeof secret === 'string' ? secret : secret.reveal()
  const isRight = typeof text === 'string' && text !== '' && Buffer.byteLength(text) <= MAX_SECRET_BYTES
  if (isRight && text.isWellFormed()) return text
  throw new CoffreError('INVALID_REQUEST', {
    facts: { at: 'encryptionKey', expected: `text of 1 to ${MAX_SECRET_BYTES} bytes` },
  })
}

/** `coffre:cache:v1:<id>` (docs/spec/cache.md, "Format 1"). */
export function sourceIndexName(id: string): string {
  return `coffre:cache:v1:${id}`
}

/** Keys of format 1, kept for the next call while there is place. */
export class SourceKeys {
  /** By a digest that only this process can make, so no secret lies in here. The least recently used first. */
  readonly #kept = new Map<string, SourceKey & { readonly material: KeyMaterial }>()
  readonly #salt = randomBytes(SALT_BYTES)

  get(secret: ClientSecret): SourceKey {
    const text = revealSecret(secret)
    const digest = saltedDigest(this.#salt, text)
    const known = this.#kept.get(digest)
    if (known !== undefined) {
      this.#kept.delete(digest)
      this.#kept.set(digest, known)
      return known
    }
    const material = deriveSourceKey(text)
    const id = sourceIndexId(material)
    const key = { id, fernet: new Fernet(material), index: sourceIndexName(id), material }
    this.#kept.set(digest, key)
    // Not wiped: a read that is under way may still hold it.
    const [oldest] = this.#kept.keys()
    if (this.#kept.size > MAX_KEPT && oldest !== undefined) this.#kept.delete(oldest)
    return key
  }

  /** Best effort: erases what is kept. What still uses such a key fails. */
  wipe(): void {
    for (const { fernet, material } of this.#kept.values()) {
      fernet.wipe()
      material.wipe()
    }
    this.#kept.clear()
  }
}
