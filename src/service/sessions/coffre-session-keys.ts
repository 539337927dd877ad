import { concat, utf8 } from '../../crypto/bytes.ts'
import { parseSpkiPem } from '../../crypto/pem.ts'
import { ed25519Signing } from '../../crypto/signature.ts'
import { type Clock, toInstant } from '../../model/clock.ts'
import type { Coffre, KeyVersionView, KeyView } from '../../model/coffre.ts'
import { CoffreError, type ErrorCode } from '../../model/errors.ts'
import type { SessionKey, SessionKeys, SessionPurpose } from './session-keys.ts'
import { SESSION_LABEL } from './session-subkeys.ts'
import { toKid, WatchedKey } from './watched-key.ts'

const ZERO = new Uint8Array(1)
const ALGORITHMS: Readonly<Record<string, SessionKey['algorithm']>> = {
  'hmac-sha256': 'HS256',
  ed25519: 'EdDSA',
}
/** What makes a signature worth nothing, rather than Coffre out of reach. */
const REFUSALS: ReadonlySet<ErrorCode> = new Set([
  'SIGNATURE_INVALID',
  'KEY_VERSION_UNUSABLE',
  'KEY_VERSION_NOT_FOUND',
  'KEY_SUSPENDED',
  'KEY_PENDING_DESTRUCTION',
])

export interface CoffreSessionKeysOptions {
  readonly coffre: Pick<Coffre, 'sign' | 'mac' | 'verifyMac' | 'keys'>
  /** The name of a key with the algorithm `ed25519` or `hmac-sha256`. */
  readonly key: string
  readonly clock?: Clock
}

/**
 * Session keys that are the versions of one key of Coffre. Rotating it logs nobody out: what an older version signed is
 * good until it is over, or until that version is suspended, compromised or below the floor.
 */
export class CoffreSessionKeys implements SessionKeys {
  readonly #coffre: CoffreSessionKeysOptions['coffre']
  readonly #name: string
  readonly #key: WatchedKey

  constructor({ coffre, key, clock = () => toInstant(Date.now()) }: CoffreSessionKeysOptions) {
    this.#coffre = coffre
    this.#name = key
    this.#key = new WatchedKey({ coffre, key, clock }, Object.keys(ALGORITHMS))
  }

  /** Throws KEY_NOT_FOUND, PURPOSE_MISMATCH for another kind of key, and KEY_VERSION_UNUSABLE while none signs. */
  async current(): Promise<SessionKey> {
    const view = await this.#key.view()
    if (view.currentVersion === undefined) throw new CoffreError('KEY_VERSION_UNUSABLE')
    return { kid: toKid(view, view.currentVersion), algorithm: algorithmOf(view) }
  }

  async find(kid: string): Promise<SessionKey | undefined> {
    const version = await this.#key.findVerifying(kid)
    return version === undefined ? undefined : { kid, algorithm: algorithmOf(await this.#key.view()) }
  }

  async sign(kid: string, purpose: SessionPurpose, message: Uint8Array): Promise<Uint8Array | undefined> {
    const view = await this.#key.view()
    const request = { key: this.#name, message: toMessage(purpose, message) }
    const made =
      algorithmOf(view) === 'EdDSA'
        ? await this.#coffre.sign(request).then(({ signature, version }) => ({ proof: signature, version }))
        : await this.#coffre.mac(request).then(({ mac, version }) => ({ proof: mac, version }))
    if (toKid(view, made.version) === kid) return made.proof
    this.#key.forget()
    return undefined
  }

  async verify(
    kid: string,
    purpose: SessionPurpose,
    message: Uint8Array,
    signature: Uint8Array,
  ): Promise<boolean> {
    const version = await this.#key.findVerifying(kid)
    if (version === undefined) return false
    const signed = toMessage(purpose, message)
    return algorithmOf(await this.#key.view()) === 'EdDSA'
      ? verifyWithPublicKey(version, signed, signature)
      : this.#verifyMac(version.version, signed, signature)
  }

  async #verifyMac(version: number, message: Uint8Array, mac: Uint8Array): Promise<boolean> {
    try {
      await this.#coffre.verifyMac({ key: this.#name, message, mac, version })
      return true
    } catch (error) {
      if (error instanceof CoffreError && REFUSALS.has(error.code)) return false
      throw error
    }
  }
}

function algorithmOf({ algorithm }: KeyView): SessionKey['algorithm'] {
  const found = ALGORITHMS[algorithm]
  if (found === undefined) throw new Error('unreachable: WatchedKey takes no other')
  return found
}

function verifyWithPublicKey(
  { publicKey }: KeyVersionView,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  const spki = publicKey === undefined ? undefined : parseSpkiPem(publicKey)
  return spki !== undefined && ed25519Signing.verifyWithPublicKey(spki, message, signature)
}

/** docs/spec/session.md: a JWS is signed as it is. */
function toMessage(purpose: SessionPurpose, message: Uint8Array): Uint8Array {
  return purpose === 'session' ? message : concat(utf8(SESSION_LABEL + purpose), ZERO, message)
}
