import type { Algorithm, VersionKey } from '../../crypto/algorithm.ts'
import { algorithmFor } from '../../crypto/algorithms.ts'
import type { Keyring } from '../../keyring/keyring.ts'
import type { KeyUse } from '../../keyring/lifecycle.ts'
import { Refusal } from '../../keyring/refusal.ts'
import type { KeyPurpose } from '../../model/algorithm-name.ts'
import { CoffreError } from '../../model/errors.ts'
import { type KeyId, parseKeyName } from '../../model/ids.ts'
import type { Key } from '../../model/key.ts'
import type { KeyringCache } from '../keys/keyring-cache.ts'
import type { UseReserve } from '../keys/use-reserve.ts'
import type { Allowed } from '../policy/access.ts'
import type { Reach } from '../policy/reach.ts'

/** One version of a key, ready for an operation that its purpose allows. */
export interface UsableVersion {
  readonly key: Key
  readonly row: Algorithm
  readonly version: VersionKey
  /** What the caller's policies say of it; a context is asked of each item. */
  readonly allowed: Allowed
}

export interface DataKeysParts {
  readonly cache: KeyringCache
  readonly reserve: UseReserve
  /** Called when a version has used up so much that its key should move on. */
  readonly rotateSoon: (key: Key) => Promise<void>
}

/** Finds the key versions that data operations use, and counts the uses that protect new data. */
export class DataKeys {
  readonly #parts: DataKeysParts

  constructor(parts: DataKeysParts) {
    this.#parts = parts
  }

  /**
   * The current version of a key with `count` uses taken. What follows must not await: a rotation or a seal
   * may come between.
   */
  async forProtecting(
    reach: Reach,
    name: string,
    wanted: { readonly purposes: readonly KeyPurpose[]; readonly count: number },
  ): Promise<UsableVersion> {
    for (;;) {
      const keyring = await this.#parts.cache.findByName(reach, parseKeyName(name))
      const allowed = reach.requireKey(keyring.key)
      requirePurpose(keyring.key, wanted.purposes)
      const version = orThrow(keyring.forProtecting())
      const row = algorithmFor(keyring.key.algorithm)
      if (this.#parts.reserve.take(version, wanted.count)) return { key: keyring.key, row, version, allowed }
      const { rotateSoon } = await this.#parts.reserve.refill(version, wanted.count, row.maxUses)
      if (rotateSoon) await this.#parts.rotateSoon(keyring.key)
    }
  }

  /** The version that a ciphertext names. Unknown ids and versions look like any other failure to decrypt. */
  async forDecrypting(
    reach: Reach,
    named: { readonly keyId: KeyId; readonly version: number; readonly purposes: readonly KeyPurpose[] },
  ): Promise<UsableVersion> {
    const keyring = await this.#parts.cache.findById(reach, named.keyId)
    if (keyring === undefined) throw new CoffreError('DECRYPTION_FAILED')
    const allowed = reach.requireKey(keyring.key, 'DECRYPTION_FAILED')
    if (!named.purposes.includes(keyring.key.purpose)) {
      throw new CoffreError('DECRYPTION_FAILED')
    }
    const version = keyring.forReading(named.version, 'process')
    if (version instanceof Refusal && version.code === 'KEY_VERSION_NOT_FOUND') {
      throw new CoffreError('DECRYPTION_FAILED')
    }
    const row = algorithmFor(keyring.key.algorithm)
    return { key: keyring.key, row, version: orThrow(version), allowed }
  }

  /** Every version that may be tried, newest first, or the one that the caller names. */
  async candidates(
    reach: Reach,
    name: string,
    wanted: {
      readonly purposes: readonly KeyPurpose[]
      readonly use: Exclude<KeyUse, 'protect'>
      readonly version?: number | undefined
    },
  ): Promise<readonly UsableVersion[]> {
    const keyring = await this.#parts.cache.findByName(reach, parseKeyName(name))
    const allowed = reach.requireKey(keyring.key)
    requirePurpose(keyring.key, wanted.purposes)
    const row = algorithmFor(keyring.key.algorithm)
    const versions = orThrow(chooseVersions(keyring, wanted))
    return versions.map((version) => ({ key: keyring.key, row, version, allowed }))
  }
}

function chooseVersions(
  keyring: Keyring,
  wanted: { readonly use: Exclude<KeyUse, 'protect'>; readonly version?: number | undefined },
): readonly VersionKey[] | Refusal {
  if (wanted.version === undefined) return keyring.candidates(wanted.use)
  const one = keyring.forReading(wanted.version, wanted.use)
  return one instanceof Refusal ? one : [one]
}

function requirePurpose(key: Key, purposes: readonly KeyPurpose[]): void {
  if (purposes.includes(key.purpose)) return
  throw new CoffreError('PURPOSE_MISMATCH', {
    facts: { purpose: key.purpose, expected: purposes.join(' or ') },
  })
}

function orThrow<Value>(value: Value | Refusal): Value {
  if (value instanceof Refusal) throw new CoffreError(value.code, { facts: value.facts })
  return value
}
