import { readTextHeader } from '../../crypto/ciphertext-header.ts'
import { CoffreError, hasCode } from '../../model/errors.ts'
import { type KeyName, parseKeyName, SYSTEM_TENANT, type VersionNumber } from '../../model/ids.ts'
import type { Store, StoreTransaction } from '../../store/store.ts'
import { systemCaller } from '../caller.ts'
import type { DataKeys } from '../data/data-keys.ts'
import type { KeyService } from '../keys/key-service.ts'
import { Reach } from '../policy/reach.ts'

/** Encrypt the keys of providers, and tell them apart; both in SYSTEM_TENANT, where no token reaches. */
const ENCRYPTS: KeyName = parseKeyName('api-keys')
const FINGERPRINTS: KeyName = parseKeyName('api-key-fingerprints')
const ENCRYPT = Reach.whole(SYSTEM_TENANT, 'data.encrypt')
const DECRYPT = Reach.whole(SYSTEM_TENANT, 'data.decrypt')
const MAC = Reach.whole(SYSTEM_TENANT, 'data.mac')

export interface OwnKeyParts {
  readonly store: Store
  readonly keys: KeyService
  readonly dataKeys: DataKeys
}

type Context = Readonly<Record<string, string>>

/** Coffre's own keys for the keys of providers. They are made when they are first needed. */
export class OwnKey {
  readonly #parts: OwnKeyParts
  /** Names of those that are there; nothing takes them away. */
  readonly #known = new Set<KeyName>()

  constructor(parts: OwnKeyParts) {
    this.#parts = parts
  }

  async seal(plaintext: Uint8Array, context: Context): Promise<string> {
    await this.#ensure(ENCRYPTS, 'aes256-gcm')
    const wanted = { purposes: ['encrypt'], count: 1 } as const
    const { row, version } = await this.#parts.dataKeys.forProtecting(ENCRYPT, ENCRYPTS, wanted)
    const [text] = row.encryption?.sealMany(version, [{ plaintext, context }]) ?? []
    if (text === undefined) throw new Error('unreachable: the key was made to encrypt')
    return text
  }

  /** `undefined` for what this key did not make for this context. */
  async open(ciphertext: string, context: Context): Promise<Uint8Array | undefined> {
    const header = readTextHeader(ciphertext)
    if (header === undefined) return undefined
    try {
      const named = { ...header, purposes: ['encrypt'] } as const
      const { key, row, version } = await this.#parts.dataKeys.forDecrypting(DECRYPT, named)
      return key.name === ENCRYPTS
        ? row.encryption?.openMany(version, [{ ciphertext, context }])[0]
        : undefined
    } catch (error) {
      if (hasCode(error, 'DECRYPTION_FAILED') || hasCode(error, 'KEY_VERSION_UNUSABLE')) return undefined
      throw error
    }
  }

  async fingerprint(message: Uint8Array): Promise<string> {
    await this.#ensure(FINGERPRINTS, 'hmac-sha256')
    // Never rotated: a fingerprint under another version would look like another key.
    const wanted = { purposes: ['mac'], count: 1 } as const
    const { row, version } = await this.#parts.dataKeys.forProtecting(MAC, FINGERPRINTS, wanted)
    if (row.mac === undefined) throw new Error('unreachable: the key was made to MAC')
    return Buffer.from(row.mac.mac(version.material, message)).toString('hex').slice(0, 32)
  }

  /** Whether a stored ciphertext is under the version that encrypts now; false for one that is no ciphertext. */
  async isCurrent(ciphertext: string, within: Pick<StoreTransaction, 'findKey'>): Promise<boolean> {
    const header = readTextHeader(ciphertext)
    const key = await within.findKey(SYSTEM_TENANT, ENCRYPTS)
    if (header === undefined || key === undefined || header.keyId !== key.id) return false
    return key.versions.find(({ state }) => state.name === 'active')?.version === header.version
  }

  /** `undefined` for what is no ciphertext of Coffre's own. */
  versionOf(ciphertext: string): VersionNumber | undefined {
    return readTextHeader(ciphertext)?.version
  }

  async rotate(): Promise<void> {
    await this.#ensure(ENCRYPTS, 'aes256-gcm')
    await this.#parts.keys.rotate(this.#caller(), ENCRYPTS)
  }

  /** `undefined` while there is no such key. */
  async currentVersion(): Promise<VersionNumber | undefined> {
    const key = await this.#parts.store.findKey(SYSTEM_TENANT, ENCRYPTS)
    return key?.versions.find(({ state }) => state.name === 'active')?.version
  }

  /** Erases every version below one that was current before a look at all rows found nothing under those. */
  async destroyVersionsBelow(floor: VersionNumber | undefined): Promise<void> {
    const { keys } = this.#parts
    if (floor === undefined) return
    const { versions } = await keys.get(this.#caller(), ENCRYPTS)
    const old = versions.filter(({ version, state }) => version < floor && state !== 'destroyed')
    if (old.length > 0) await keys.setFloor(this.#caller(), ENCRYPTS, floor)
    for (const { version } of old) await this.#destroy(version)
  }

  async #destroy(version: number): Promise<void> {
    try {
      await this.#parts.keys.destroy(this.#caller(), ENCRYPTS, version)
    } catch (error) {
      // Another rotation that ends now was quicker.
      const isDone = error instanceof CoffreError && error.code === 'MOVE_REFUSED'
      if (!isDone || error.facts['state'] !== 'destroyed') throw error
    }
  }

  async #ensure(name: KeyName, algorithm: 'aes256-gcm' | 'hmac-sha256'): Promise<void> {
    if (this.#known.has(name)) return
    if ((await this.#parts.store.findKey(SYSTEM_TENANT, name)) !== undefined) {
      this.#known.add(name)
      return
    }
    try {
      await this.#parts.keys.create(this.#caller(), { name, algorithm })
    } catch (error) {
      // Another request or node was quicker.
      if (!(error instanceof CoffreError) || error.code !== 'KEY_EXISTS') throw error
    }
  }

  #caller() {
    return systemCaller('api-keys', SYSTEM_TENANT)
  }
}
