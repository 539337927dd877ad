import { concat, utf8 } from '../../crypto/bytes.ts'
import { parseSpkiPem } from '../../crypto/pem.ts'
import { ed25519Signing } from '../../crypto/signature.ts'
import { type Clock, type Instant, toInstant } from '../../model/clock.ts'
import type { Coffre, KeyVersionView, KeyView } from '../../model/coffre.ts'
import { CoffreError, type ErrorCode } from '../../model/errors.ts'
import type { SessionKey, SessionKeys, SessionPurpose } from './session-keys.ts'

/** Within this a rotation, a suspension or a compromise is known to every application. */
const FRESH_MS = 2_000
/** A token names a version that is not known: it may be new, and it may be made up. */
const MIN_REFRESH_MS = 250
const LABEL = 'coffre/session/v1/'
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

interface SeenKey {
  readonly view: KeyView
  readonly algorithm: SessionKey['algorithm']
  readonly at: Instant
}

/**
 * Session keys that are the versions of one key of Coffre. Rotating it logs nobody out: what an older version signed is
 * good until it is over, or until that version is suspended, compromised or below the floor.
 */
export class CoffreSessionKeys implements SessionKeys {
  readonly #coffre: CoffreSessionKeysOptions['coffre']
  readonly #name: string
  readonly #clock: Clock
  #seen: SeenKey | undefined

  constructor({ coffre, key, clock = () => toInstant(Date.now()) }: CoffreSessionKeysOptions) {
    this.#coffre = coffre
    this.#name = key
    this.#clock = clock
  }

  /** Throws KEY_NOT_FOUND, PURPOSE_MISMATCH for another kind of key, and KEY_VERSION_UNUSABLE while none signs. */
  async current(): Promise<SessionKey> {
    const { view, algorithm } = await this.#look(FRESH_MS)
    if (view.currentVersion === undefined) throw new CoffreError('KEY_VERSION_UNUSABLE')
    return { kid: toKid(view, view.currentVersion), algorithm }
  }

  async find(kid: string): Promise<SessionKey | undefined> {
    const seen = await this.#look(FRESH_MS)
    const known = findVersion(seen.view, kid)
    if (known === undefined && !isNext(seen.view, kid)) return undefined
    const isMaybeNew = known === undefined || isPrepared(seen.view, known)
    const { view, algorithm } = isMaybeNew ? await this.#look(MIN_REFRESH_MS) : seen
    const version = findVersion(view, kid)
    return version !== undefined && mayVerify(view, version) ? { kid, algorithm } : undefined
  }

  async sign(kid: string, purpose: SessionPurpose, message: Uint8Array): Promise<Uint8Array | undefined> {
    const { view, algorithm } = await this.#look(FRESH_MS)
    const request = { key: this.#name, message: toMessage(purpose, message) }
    const made =
      algorithm === 'EdDSA'
        ? await this.#coffre.sign(request).then(({ signature, version }) => ({ proof: signature, version }))
        : await this.#coffre.mac(request).then(({ mac, version }) => ({ proof: mac, version }))
    if (toKid(view, made.version) === kid) return made.proof
    this.#seen = undefined
    return undefined
  }

  async verify(
    kid: string,
    purpose: SessionPurpose,
    message: Uint8Array,
    signature: Uint8Array,
  ): Promise<boolean> {
    const { view, algorithm } = await this.#look(FRESH_MS)
    const found = findVersion(view, kid)
    if (found === undefined || !mayVerify(view, found)) return false
    const signed = toMessage(purpose, message)
    return algorithm === 'EdDSA'
      ? verifyWithPublicKey(found, signed, signature)
      : this.#verifyMac(found.version, signed, signature)
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

  async #look(maxAge: number): Promise<SeenKey> {
    const now = this.#clock()
    if (this.#seen !== undefined && now - this.#seen.at < maxAge) return this.#seen
    const view = await this.#coffre.keys.get(this.#name)
    const algorithm = ALGORITHMS[view.algorithm]
    if (algorithm === undefined) {
      throw new CoffreError('PURPOSE_MISMATCH', { facts: { algorithm: view.algorithm } })
    }
    this.#seen = { view, algorithm, at: now }
    return this.#seen
  }
}

function toKid({ id }: KeyView, version: number): string {
  return `${id}.${version}`
}

function findVersion(view: KeyView, kid: string): KeyVersionView | undefined {
  return view.versions.find(({ version }) => toKid(view, version) === kid)
}

/** Whether it can be a version that another process has just made. */
function isNext(view: KeyView, kid: string): boolean {
  return kid === toKid(view, view.versions.length + 1)
}

/** NIST SP 800-57 Part 1 Rev. 5, section 7, as `keyring/lifecycle.ts` has it. */
export function mayVerify(view: KeyView, { version, state }: KeyVersionView): boolean {
  return view.destroyAt === undefined && version >= view.floor && ['active', 'deactivated'].includes(state)
}

/** It signs nothing yet. */
export function isPrepared(view: KeyView, { version, state }: KeyVersionView): boolean {
  return view.destroyAt === undefined && version >= view.floor && state === 'pre-activation'
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
  return purpose === 'session' ? message : concat(utf8(LABEL + purpose), ZERO, message)
}
