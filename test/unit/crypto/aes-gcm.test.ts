import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openAesGcm, sealAesGcm } from '../../../src/crypto/aes-gcm.ts'
import { randomBytes, randomKeyMaterial } from '../../../src/crypto/random.ts'

const input = {
  key: randomKeyMaterial(32).secretKey(),
  nonce: randomBytes(12),
  associatedData: Buffer.from('bound'),
}

test('a nonce of any length but 12 bytes is refused in both directions', () => {
  for (const bytes of [0, 8, 11, 13, 16]) {
    const nonce = randomBytes(bytes)
    assert.throws(() => sealAesGcm({ ...input, nonce }, Buffer.from('x')), RangeError)
    assert.throws(() => openAesGcm({ ...input, nonce }, randomBytes(17)), RangeError)
  }
})

test('nothing opens with a bit flipped, a shortened tag or other associated data', () => {
  const sealed = sealAesGcm(input, Buffer.from('a plaintext'))
  assert.equal(Buffer.from(openAesGcm(input, sealed)!).toString(), 'a plaintext')
  for (let bit = 0; bit < sealed.length * 8; bit += 1) {
    const flipped = Uint8Array.from(sealed)
    flipped[bit >> 3]! ^= 1 << (bit & 7)
    assert.equal(openAesGcm(input, flipped), undefined)
  }
  for (let length = 0; length < sealed.length; length += 1) {
    assert.equal(openAesGcm(input, sealed.subarray(0, length)), undefined)
  }
  assert.equal(openAesGcm({ ...input, associatedData: Buffer.from('other') }, sealed), undefined)
})
