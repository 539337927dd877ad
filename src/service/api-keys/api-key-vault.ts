import type { FernetRing } from '../../crypto/fernet-ring.ts'
import type { WrappingForm } from '../../model/api-key.ts'
import { hasCode } from '../../model/errors.ts'
import type { User } from '../../model/user.ts'
import type { Store, StoreTransaction } from '../../store/store.ts'
import { isRevoked } from './fernet-checks.ts'
import type { OwnKey } from './own-key.ts'

export interface ApiKeyVaultParts {
  readonly store: Store
  readonly own: OwnKey
  readonly ring: FernetRing | undefined
}

/** Whose key, and from whom. */
export interface KeyOwner {
  readonly user: Pick<User, 'id'>
  readonly provider: string
}

export type OpenedKey =
  | { readonly is: 'open'; readonly bytes: Buffer }
  /** `moved`: it opens, and is another user's or provider's. */
  | { readonly is: 'unreadable'; readonly because: 'damaged' | 'moved' }

/** Encrypts and opens the keys of providers, in the form that is configured, and reads both. */
export class ApiKeyVault {
  readonly #parts: ApiKeyVaultParts

  constructor(parts: ApiKeyVaultParts) {
    this.#parts = parts
  }

  /** A Fernet key that was revoked never encrypts again; until another is configured, Coffre's own does. */
  async formToWrite(): Promise<WrappingForm> {
    const { ring, store } = this.#parts
    return ring === undefined || (await isRevoked(store, ring)) ? 'own' : 'fernet'
  }

  async seal(plaintext: Uint8Array, owner: KeyOwner, form: WrappingForm): Promise<string> {
    const { own, ring } = this.#parts
    if (form === 'fernet' && ring !== undefined) return ring.encrypt(plaintext)
    return own.seal(plaintext, contextOf(owner))
  }

  async open(user: User): Promise<OpenedKey | undefined> {
    const { apiKey } = user
    if (apiKey === undefined) return undefined
    const owner = { user, provider: apiKey.provider }
    const opened = await this.#decrypt(apiKey.encrypted, owner)
    if (opened === undefined) return { is: 'unreadable', because: 'damaged' }
    const bytes = Buffer.from(opened.buffer, opened.byteOffset, opened.byteLength)
    // Fernet binds nothing, so a token of another row opens here as well.
    if ((await this.fingerprint(bytes, owner)) === apiKey.fingerprint) return { is: 'open', bytes }
    bytes.fill(0)
    return { is: 'unreadable', because: 'moved' }
  }

  /** Length-prefixed, so that no two owners and keys make one message. */
  async fingerprint(plaintext: Uint8Array, { user, provider }: KeyOwner): Promise<string> {
    const head = Buffer.from(`${user.id.length}:${user.id}${provider.length}:${provider}`)
    const message = Buffer.concat([head, plaintext])
    try {
      return await this.#parts.own.fingerprint(message)
    } finally {
      message.fill(0)
    }
  }

  /** Whether it is under what encrypts now in that form. */
  async isCurrent(
    encrypted: string,
    form: WrappingForm,
    within: Pick<StoreTransaction, 'findKey'>,
  ): Promise<boolean> {
    const { own, ring } = this.#parts
    if (form === 'own') return own.isCurrent(encrypted, within)
    return isFernet(encrypted) && ring !== undefined && ring.isCurrent(encrypted)
  }

  async #decrypt(encrypted: string, owner: KeyOwner): Promise<Uint8Array | undefined> {
    const { own, ring } = this.#parts
    if (!isFernet(encrypted)) return own.open(encrypted, contextOf(owner))
    try {
      return ring?.decrypt(encrypted)
    } catch (error) {
      if (hasCode(error, 'DECRYPTION_FAILED')) return undefined
      throw error
    }
  }
}

/** Version 0x80 and a time of this century, in base64url. */
function isFernet(encrypted: string): boolean {
  return encrypted.startsWith('gAAAAA')
}

export function formOf(encrypted: string): WrappingForm {
  return isFernet(encrypted) ? 'fernet' : 'own'
}

function contextOf({ user, provider }: KeyOwner) {
  return { purpose: 'api-key', user: user.id, provider }
}
