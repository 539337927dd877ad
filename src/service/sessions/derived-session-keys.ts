import { takeDerivedKey } from '../../crypto/secret-key.ts'
import { type Clock, toInstant } from '../../model/clock.ts'
import type { Coffre, KeyVersionView } from '../../model/coffre.ts'
import { CoffreError } from '../../model/errors.ts'
import type { SessionCipher, SessionKey, SessionKeys, SessionPurpose } from './session-keys.ts'
import { SessionSubkeys } from './session-subkeys.ts'
import { mayVerify, toKid, WatchedKey } from './watched-key.ts'

/** docs/spec/session.md, "Keys from a key of Coffre". */
const INFO = 'coffre/session/v1'
const ROOT_BYTES = 32

export interface DerivedSessionKeysOptions {
  readonly coffre: Pick<Coffre, 'deriveKey' | 'keys'>
  /** The name of a key with the algorithm `x25519`. */
  readonly key: string
  readonly clock?: Clock
}

/**
 * Session keys that this process derives from the versions of one key of Coffre, to encrypt as well as to sign. Coffre derives,
 * counts and audits once for each version and process. Rotating the key logs nobody out; a version that is suspended or
 * compromised opens and verifies nothing within 2 seconds.
 */
export class DerivedSessionKeys implements SessionKeys {
  readonly #coffre: DerivedSessionKeysOptions['coffre']
  readonly #name: string
  readonly #key: WatchedKey
  readonly #deriving = new Map<string, Promise<SessionSubkeys>>()
  readonly #derived = new Map<string, SessionSubkeys>()
  #current: string | undefined

  constructor({ coffre, key, clock = () => toInstant(Date.now()) }: DerivedSessionKeysOptions) {
    this.#coffre = coffre
    this.#name = key
    this.#key = new WatchedKey({ coffre, key, clock }, ['x25519'])
  }

  /** Throws KEY_NOT_FOUND, PURPOSE_MISMATCH for another kind of key, and KEY_VERSION_UNUSABLE while none may sign. */
  async current(): Promise<SessionKey> {
    const view = await this.#key.view()
    const version = view.versions.find((each) => each.version === view.currentVersion)
    if (version?.state !== 'active' || !mayVerify(view, version)) {
      this.#current = undefined
      throw new CoffreError('KEY_VERSION_UNUSABLE')
    }
    const kid = toKid(view, version.version)
    await this.#derive(kid, version)
    this.#current = kid
    return { kid, algorithm: 'HS256' }
  }

  async find(kid: string): Promise<SessionKey | undefined> {
    const version = await this.#key.findVerifying(kid)
    if (version === undefined) {
      this.#drop(kid)
      return undefined
    }
    await this.#derive(kid, version)
    return { kid, algorithm: 'HS256' }
  }

  sign(kid: string, purpose: SessionPurpose, message: Uint8Array): Promise<Uint8Array | undefined> {
    const subkeys = kid === this.#current ? this.#derived.get(kid) : undefined
    return Promise.resolve(subkeys?.sign(purpose, message))
  }

  async verify(
    kid: string,
    purpose: SessionPurpose,
    message: Uint8Array,
    signature: Uint8Array,
  ): Promise<boolean> {
    if ((await this.find(kid)) === undefined) return false
    return this.#derived.get(kid)?.verify(purpose, message, signature) ?? false
  }

  readonly cipher: SessionCipher = {
    seal: (kid, purpose, head, plaintext) =>
      kid === this.#current ? this.#derived.get(kid)?.seal(purpose, head, plaintext) : undefined,
    open: (kid, purpose, head, sealed) => this.#derived.get(kid)?.open(purpose, head, sealed),
  }

  async #derive(kid: string, version: KeyVersionView): Promise<void> {
    if (this.#derived.has(kid)) return
    const deriving = this.#deriving.get(kid) ?? this.#ask(version)
    this.#deriving.set(kid, deriving)
    try {
      this.#derived.set(kid, await deriving)
    } finally {
      this.#deriving.delete(kid)
    }
  }

  /** With its own public key as the peer's, so that a version has one root, which only its private key gives. */
  async #ask({ version, publicKey = '' }: KeyVersionView): Promise<SessionSubkeys> {
    const request = { key: this.#name, peerPublicKey: publicKey, info: INFO, bytes: ROOT_BYTES, version }
    const { derivedKey } = await this.#coffre.deriveKey(request)
    const root = takeDerivedKey(derivedKey)
    const subkeys = new SessionSubkeys(root)
    root.wipe()
    return subkeys
  }

  #drop(kid: string): void {
    this.#derived.get(kid)?.wipe()
    this.#derived.delete(kid)
  }
}
