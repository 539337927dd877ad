import assert from 'node:assert/strict'
import { createCipheriv } from 'node:crypto'
import { test } from 'node:test'
import { algorithmFor } from '../../../src/crypto/algorithms.ts'
import type { KeyMaterial } from '../../../src/crypto/key-material.ts'
import { randomKeyMaterial } from '../../../src/crypto/random.ts'

const ROWS = ['aes256-kw', 'aes256-kwp'] as const

test('a wrapped key comes back, and no changed blob does', () => {
  for (const name of ROWS) {
    const wrapping = algorithmFor(name).wrapping!
    const [key, inner] = [randomKeyMaterial(32), randomKeyMaterial(32)]
    const blob = wrapping.wrap(key, inner)
    assert.equal(blob.length, 40)
    assert.equal(wrapping.unwrap(key, blob)?.equals(inner), true)
    assert.equal(wrapping.unwrap(randomKeyMaterial(32), blob), undefined)
    for (let bit = 0; bit < blob.length * 8; bit += 1) {
      const flipped = Uint8Array.from(blob)
      flipped[bit >> 3]! ^= 1 << (bit & 7)
      assert.equal(wrapping.unwrap(key, flipped), undefined, `${name}, bit ${bit}`)
    }
    for (let length = 0; length < blob.length; length += 1) {
      assert.equal(wrapping.unwrap(key, blob.subarray(0, length)), undefined)
    }
  }
})

test('AES-KW takes whole semiblocks from two on; AES-KWP takes every length from one', () => {
  const key = randomKeyMaterial(32)
  const [strict, padded] = ROWS.map((name) => algorithmFor(name).wrapping!)
  for (const bytes of [1, 8, 15, 17, 31]) {
    assert.throws(() => strict!.wrap(key, randomKeyMaterial(bytes)), { code: 'KEY_REFUSED' })
    const inner = randomKeyMaterial(bytes)
    assert.equal(padded!.unwrap(key, padded!.wrap(key, inner))?.equals(inner), true)
  }
  for (const wrapping of [strict!, padded!]) {
    assert.throws(() => wrapping.wrap(key, randomKeyMaterial(16 * 1024 + 8)), { code: 'KEY_REFUSED' })
    assert.equal(wrapping.unwrap(key, new Uint8Array(16 * 1024 + 24)), undefined)
  }
  assert.throws(() => padded!.wrap(key, randomKeyMaterial(0)), { code: 'KEY_REFUSED' })
})

test('a sound blob of one semiblock, which RFC 3394 rules out, is refused', () => {
  const key = randomKeyMaterial(32)
  assert.equal(
    algorithmFor('aes256-kw').wrapping!.unwrap(key, wrapSemiblock(key, Buffer.alloc(8, 7))),
    undefined,
  )
})

/** RFC 3394, section 2.2.1 with n = 1. */
function wrapSemiblock(key: KeyMaterial, semiblock: Buffer): Buffer {
  let block = Buffer.concat([Buffer.alloc(8, 0xa6), semiblock])
  for (let step = 1; step <= 6; step += 1) {
    const cipher = createCipheriv('aes-256-ecb', key.secretKey(), null).setAutoPadding(false)
    block = cipher.update(block)
    block[7]! ^= step
  }
  return block
}
