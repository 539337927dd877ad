import { createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto'
import { inspect } from 'node:util'
import { CoffreError } from '../model/errors.ts'

/** Names one kind of derived thing. */
export type Slot<Derived> = symbol & { readonly derived?: Derived }

const SECRET_KEY: Slot<KeyObject> = Symbol('secret key')

let readBytes: (material: KeyMaterial) => Uint8Array

/**
 * Raw key bytes that logs, JSON, spread and structuredClone cannot see.
 *
 * Asymmetric private keys are held as PKCS#8 DER, symmetric keys as their bytes. The constructor and
 * `rawBytes` are guarded doors: test/architecture refuses them outside `crypto/` and `seal/`.
 */
export class KeyMaterial {
  readonly #bytes: Uint8Array
  #wiped = false
  readonly #derived = new Map<symbol, unknown>()
  static {
    readBytes = (material) => material.#live()
  }

  /** Copies `bytes`; the caller wipes its own copy. */
  constructor(bytes: Uint8Array) {
    this.#bytes = Uint8Array.from(bytes)
  }

  get length(): number {
    return this.#bytes.length
  }

  /** Constant time for equal lengths. */
  equals(other: KeyMaterial): boolean {
    return this.length === other.length && timingSafeEqual(this.#live(), other.#live())
  }

  /** The bytes as a symmetric KeyObject, made once. */
  secretKey(): KeyObject {
    return this.derive(SECRET_KEY, () => createSecretKey(this.#live()))
  }

  /** What `make` made of this material, once for each slot; `wipe` forgets it. */
  derive<Derived>(slot: Slot<Derived>, make: () => Derived): Derived {
    if (!this.#derived.has(slot)) this.#derived.set(slot, make())
    // A slot names one type, and only `make` of that slot writes it.
    return this.#derived.get(slot) as Derived
  }

  /** Best effort: the engine may have copied the bytes already. */
  wipe(): void {
    this.#bytes.fill(0)
    this.#derived.clear()
    this.#wiped = true
  }

  /** Zeros must never pass for a key. */
  #live(): Uint8Array {
    if (this.#wiped) throw new CoffreError('KEY_VERSION_UNUSABLE', { facts: { state: 'wiped' } })
    return this.#bytes
  }

  toString(): string {
    return '[key material]'
  }

  toJSON(): string {
    return '[key material]'
  }

  [Symbol.toPrimitive](): string {
    return '[key material]'
  }

  [inspect.custom](): string {
    return `KeyMaterial(${this.length})`
  }
}

/** The live bytes, not a copy: never keep, log or return them. */
export function rawBytes(material: KeyMaterial): Uint8Array {
  return readBytes(material)
}
