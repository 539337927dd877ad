import type { KeyMaterial } from '../crypto/key-material.ts'
import { randomKeyMaterial } from '../crypto/random.ts'
import { unwrapKey, type WrapBinding, wrapKey } from '../crypto/wrapped-key.ts'
import { CoffreError } from '../model/errors.ts'
import type { Wrapped } from '../model/wrapped.ts'
import type { SealProvider } from './seal-provider.ts'
import { sealRootKey, unsealRootKey } from './slot.ts'

const ROOT_KEY_BYTES = 32

/**
 * The only holder of the root key. Code that wraps or unwraps takes an `UnsealedVault` as an argument, so
 * "sealed" cannot be forgotten: without the object there is nothing to call.
 */
export class UnsealedVault {
  readonly #root: KeyMaterial
  #sealed = false

  private constructor(root: KeyMaterial) {
    this.#root = root
  }

  /** A new root key and its first slot, which the caller stores before it uses the vault. */
  static async create(
    provider: SealProvider,
  ): Promise<{ readonly vault: UnsealedVault; readonly slot: Wrapped }> {
    const root = randomKeyMaterial(ROOT_KEY_BYTES)
    return { vault: new UnsealedVault(root), slot: await sealRootKey(provider, root) }
  }

  /** Throws SEAL_DAMAGED, SEAL_KEY_MISSING or PASSPHRASE_WRONG. */
  static async open(provider: SealProvider, slot: Wrapped): Promise<UnsealedVault> {
    return new UnsealedVault(await unsealRootKey(provider, slot))
  }

  wrap(material: KeyMaterial, binding: WrapBinding): Wrapped {
    this.#requireUnsealed()
    return wrapKey(this.#root, material, binding)
  }

  /** Throws STORE_DAMAGED where the blob is not the one of this row. */
  unwrap(wrapped: Wrapped, binding: WrapBinding): KeyMaterial {
    this.#requireUnsealed()
    try {
      return unwrapKey(this.#root, wrapped, binding)
    } catch (cause) {
      throw new CoffreError('STORE_DAMAGED', { facts: { version: binding.version }, cause })
    }
  }

  /** Forgets the root key; every later call fails. Best effort, as `KeyMaterial.wipe`. */
  seal(): void {
    this.#sealed = true
    this.#root.wipe()
  }

  #requireUnsealed(): void {
    if (this.#sealed) throw new CoffreError('SEALED')
  }
}
