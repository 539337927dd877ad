import { randomFillSync, randomInt, randomUUID, randomUUIDv7 } from 'node:crypto'
import { KeyMaterial } from './key-material.ts'

// One call to the system generator costs about 2.4 µs whatever its size, so small draws share one.
const POOL_BYTES = 12 * 1024
const pool = new Uint8Array(POOL_BYTES)
let used = POOL_BYTES

/**
 * Writes `length` random bytes into `target` at `offset`, for nonces and salts, which are shown anyway. Pool
 * bytes are wiped as they are handed out.
 */
export function fillRandom(target: Uint8Array, offset = 0, length = target.length - offset): void {
  if (length > POOL_BYTES) {
    randomFillSync(target, offset, length)
    return
  }
  if (used + length > POOL_BYTES) {
    randomFillSync(pool)
    used = 0
  }
  target.set(pool.subarray(used, used + length), offset)
  pool.fill(0, used, used + length)
  used += length
}

/** Straight from the system: keys and tokens never lie in the pool, where a dump or a cloned machine has them early. */
export function randomBytes(length: number): Uint8Array {
  return randomFillSync(new Uint8Array(length))
}

export function randomKeyMaterial(length: number): KeyMaterial {
  const bytes = randomBytes(length)
  const material = new KeyMaterial(bytes)
  bytes.fill(0)
  return material
}

/** A version 4 UUID in lower case. */
export function randomUuid(): string {
  return randomUUID()
}

/** A version 7 UUID (RFC 9562, section 5.7) in lower case: those made later sort later. */
export function randomUuidV7(): string {
  return randomUUIDv7()
}

/** From 0 up to 1, for pauses that must not fall together. */
export function randomFraction(): number {
  return Buffer.from(randomBytes(4)).readUInt32BE() / 2 ** 32
}

/** Characters of `alphabet`, each as likely as any other: `randomInt` rejects what a remainder would favour. */
export function randomText(alphabet: string, length: number): string {
  return Array.from({ length }, () => alphabet.charAt(randomInt(alphabet.length))).join('')
}
