import assert from 'node:assert/strict'
import { createDecipheriv, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { BLOCK_BYTES, CbcChain, MAX_OPEN_CHAINS } from '../../../src/crypto/cbc-chain.ts'

function decryptPlainly(key: Uint8Array, sealed: Uint8Array): Buffer {
  const decipher = createDecipheriv('aes-128-cbc', key, sealed.subarray(0, BLOCK_BYTES)).setAutoPadding(false)
  return decipher.update(sealed.subarray(BLOCK_BYTES))
}

test('what a chain makes is CBC under the IV in front, message after message', () => {
  const key = randomBytes(16)
  const chain = new CbcChain(key)
  for (let blocks = 1; blocks <= 20; blocks++) {
    const input = randomBytes((blocks + 1) * BLOCK_BYTES)
    const sealed = chain.encrypt(input)
    const padded = input.subarray(BLOCK_BYTES)
    assert.deepEqual(decryptPlainly(key, sealed), padded)
    assert.deepEqual(chain.decrypt(sealed).subarray(BLOCK_BYTES), padded)
  }
})

test('no more than the limit of chains hold a key, and the one in use stays', () => {
  const busy = new CbcChain(randomBytes(16))
  const chains = Array.from({ length: MAX_OPEN_CHAINS * 3 }, () => new CbcChain(randomBytes(16)))
  for (const chain of chains) {
    busy.encrypt(randomBytes(32))
    chain.encrypt(randomBytes(32))
    assert.ok(busy.isOpen && chain.isOpen)
  }
  assert.equal(chains.filter((chain) => chain.isOpen).length, MAX_OPEN_CHAINS - 1)
})

test('a closed chain holds no key, and opens again when it is used', () => {
  const key = randomBytes(16)
  const chain = new CbcChain(key)
  assert.equal(chain.isOpen, false)
  for (let round = 0; round < 3; round++) {
    const input = randomBytes(48)
    const sealed = chain.encrypt(input)
    assert.deepEqual(chain.decrypt(sealed).subarray(BLOCK_BYTES), input.subarray(BLOCK_BYTES))
    assert.equal(chain.isOpen, true)
    chain.close()
    assert.equal(chain.isOpen, false)
  }
})
