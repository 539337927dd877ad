import type { KeyMaterial } from '../crypto/key-material.ts'
import { randomKeyMaterial } from '../crypto/random.ts'
import { unwrapFromSibling, unwrapRoot, wrapForSibling, wrapRoot } from '../crypto/root-link.ts'
import { type RootKey, unwrapKey, wrapKey } from '../crypto/wrapped-key.ts'
import { CoffreError } from '../model/errors.ts'
import {
  MAX_ROOT_GENERATION,
  type RootGeneration,
  rootOf,
  type WrapBinding,
  type Wrapped,
} from '../model/wrapped.ts'
import type { SealProvider } from './seal-provider.ts'
import { sealRootKey, unsealRootKey } from './slot.ts'

const ROOT_KEY_BYTES = 32

/** The root key `to` under the root key `from`. */
export interface RootLink {
  readonly from: RootGeneration
  readonly to: RootGeneration
  readonly wrapped: Wrapped
}

/** Everything that a store needs to hold for the next root key, before a vault follows `forward` to it. */
export interface NextRoot {
  readonly generation: RootGeneration
  readonly slot: Wrapped
  readonly forward: RootLink
  readonly backward: RootLink
}

/**
 * The only holder of root keys: the current one and, while a rotation lasts, those before it. Code that wraps
 * or unwraps takes an `UnsealedVault` as an argument, so "sealed" cannot be forgotten: without the object there
 * is nothing to call.
 */
export class UnsealedVault {
  readonly #roots = new Map<RootGeneration, RootKey>()
  #current: RootKey
  #sealed = false

  private constructor(root: RootKey) {
    this.#current = root
    this.#roots.set(root.generation, root)
  }

  /** A new root key and its first slot, which the caller stores before it uses the vault. */
  static async create(
    provider: SealProvider,
  ): Promise<{ readonly vault: UnsealedVault; readonly slot: Wrapped }> {
    const key = randomKeyMaterial(ROOT_KEY_BYTES)
    return { vault: new UnsealedVault({ generation: 1, key }), slot: await sealRootKey(provider, key) }
  }

  /** Throws SEAL_DAMAGED, SEAL_KEY_MISSING or PASSPHRASE_WRONG. */
  static async open(
    provider: SealProvider,
    slot: Wrapped,
    generation: RootGeneration = 1,
  ): Promise<UnsealedVault> {
    return new UnsealedVault({ generation, key: await unsealRootKey(provider, slot) })
  }

  /** What `wrapRootFor` of another process of this Coffre made. Throws DECRYPTION_FAILED. */
  static fromSibling(transport: KeyMaterial, wrapped: Wrapped): UnsealedVault {
    const [first, ...others] = unwrapFromSibling(transport, wrapped)
    if (first === undefined) throw new CoffreError('DECRYPTION_FAILED')
    const vault = new UnsealedVault(first)
    for (const root of others) vault.#roots.set(root.generation, root)
    return vault
  }

  /** The generation under which this vault wraps. */
  get generation(): RootGeneration {
    return this.#current.generation
  }

  knows(generation: RootGeneration): boolean {
    return this.#roots.has(generation)
  }

  wrap(material: KeyMaterial, binding: WrapBinding): Wrapped {
    this.#requireUnsealed()
    return wrapKey(this.#current, material, binding)
  }

  /** Throws STORE_DAMAGED where the blob is not the one of this row. */
  unwrap(wrapped: Wrapped, binding: WrapBinding): KeyMaterial {
    this.#requireUnsealed()
    try {
      return unwrapKey(this.#roots.get(rootOf(wrapped)) ?? this.#current, wrapped, binding)
    } catch (cause) {
      throw new CoffreError('STORE_DAMAGED', { facts: { version: binding.version }, cause })
    }
  }

  /** The same material in the same row under the current root key. */
  rewrap(wrapped: Wrapped, binding: WrapBinding): Wrapped {
    const material = this.unwrap(wrapped, binding)
    try {
      return this.wrap(material, binding)
    } finally {
      material.wipe()
    }
  }

  /** Another slot for the current root key. */
  async sealUnder(provider: SealProvider): Promise<Wrapped> {
    this.#requireUnsealed()
    return sealRootKey(provider, this.#current.key)
  }

  /** Whether what `provider` brings back opens `slot` to the current root key. Throws as `open`. */
  async isOpenedBy(provider: SealProvider, slot: Wrapped): Promise<boolean> {
    this.#requireUnsealed()
    const root = await unsealRootKey(provider, slot)
    try {
      return root.equals(this.#current.key)
    } finally {
      root.wipe()
    }
  }

  /** A new root key, under a seal and linked to this one. It is used once it is stored and followed. */
  async prepareNext(provider: SealProvider): Promise<NextRoot> {
    this.#requireUnsealed()
    const before = this.#current
    const generation = before.generation + 1
    if (generation > MAX_ROOT_GENERATION) throw new CoffreError('LIMIT_EXCEEDED', { facts: { at: 'root' } })
    const next: RootKey = { generation, key: randomKeyMaterial(ROOT_KEY_BYTES) }
    try {
      const slot = await sealRootKey(provider, next.key)
      const [from, to] = [before.generation, generation]
      return {
        generation,
        slot,
        forward: { from, to, wrapped: wrapRoot(before, next) },
        backward: { from: to, to: from, wrapped: wrapRoot(next, before) },
      }
    } finally {
      next.key.wipe()
    }
  }

  /**
   * Takes in every root key that `links` lead to, and wraps under the newest from then on. A link that does
   * not open is STORE_DAMAGED.
   */
  follow(links: readonly RootLink[]): void {
    this.#requireUnsealed()
    let found = true
    while (found) {
      const open = links.find((link) => this.#roots.has(link.from) && !this.#roots.has(link.to))
      if (open !== undefined) this.#take(open)
      found = open !== undefined
    }
  }

  /** Root keys that nothing is under any more. */
  forgetBefore(generation: RootGeneration): void {
    for (const [each, { key }] of this.#roots) {
      if (each >= generation || each === this.#current.generation) continue
      this.#roots.delete(each)
      key.wipe()
    }
  }

  /** For a process of the same Coffre, which gets `transport` over a private channel. */
  wrapRootFor(transport: KeyMaterial): Wrapped {
    this.#requireUnsealed()
    const others = [...this.#roots.values()].filter((root) => root !== this.#current)
    return wrapForSibling(transport, [this.#current, ...others])
  }

  /** Forgets the root keys; every later call fails. Best effort, as `KeyMaterial.wipe`. */
  seal(): void {
    this.#sealed = true
    for (const { key } of this.#roots.values()) key.wipe()
    this.#roots.clear()
  }

  #take(link: RootLink): void {
    const from = this.#roots.get(link.from)
    if (from === undefined) throw new Error('unreachable: followed from a known root')
    try {
      const root = unwrapRoot(from, link.to, link.wrapped)
      this.#roots.set(link.to, root)
      if (root.generation > this.#current.generation) this.#current = root
    } catch (cause) {
      throw new CoffreError('STORE_DAMAGED', { facts: { table: 'root_link' }, cause })
    }
  }

  #requireUnsealed(): void {
    if (this.#sealed) throw new CoffreError('SEALED')
  }
}
