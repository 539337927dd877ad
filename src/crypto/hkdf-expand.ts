import { createHmac } from 'node:crypto'
import { CoffreError } from '../model/errors.ts'
import { KeyMaterial } from './key-material.ts'

const HASH_BYTES = { sha256: 32, sha384: 48, sha512: 64 } as const

export type HkdfHash = keyof typeof HASH_BYTES

const MAX_BLOCKS = 255 // the block counter is one byte; RFC 5869, section 2.3
const EMPTY = new Uint8Array(0)

/**
 * HKDF-Expand (RFC 5869, section 2.3), without the extract step: `prk` must be uniformly random already.
 * Returns `length` bytes, at most 255 blocks of the hash; PARAMETERS_REFUSED otherwise. The caller wipes them.
 */
export function hkdfExpand(
  prk: Uint8Array | KeyMaterial,
  info: Uint8Array,
  length: number,
  hash: HkdfHash,
): Uint8Array {
  refuseLength(length, hash)
  const key = prk instanceof KeyMaterial ? prk.secretKey() : prk
  const output = new Uint8Array(length)
  const counter = new Uint8Array(1)
  let previous = EMPTY
  for (let offset = 0; offset < length; offset += HASH_BYTES[hash]) {
    counter[0] = offset / HASH_BYTES[hash] + 1
    const block = createHmac(hash, key).update(previous).update(info).update(counter).digest()
    output.set(block.subarray(0, length - offset), offset)
    previous.fill(0)
    previous = block
  }
  previous.fill(0)
  return output
}

function refuseLength(length: number, hash: HkdfHash): void {
  const most = MAX_BLOCKS * HASH_BYTES[hash]
  if (!Number.isInteger(length) || length < 1 || length > most) {
    throw new CoffreError('PARAMETERS_REFUSED', { facts: { at: 'length', least: 1, most } })
  }
}
