import assert from 'node:assert/strict'
import { generateKeyPairSync, privateDecrypt } from 'node:crypto'
import { test } from 'node:test'
import { KeyMaterial } from '../../../src/crypto/key-material.ts'
import { oaepCapacity, oaepDecrypt, oaepEncrypt } from '../../../src/crypto/rsa-oaep.ts'

const pair = generateKeyPairSync('rsa', { modulusLength: 2048 })
const material = new KeyMaterial(pair.privateKey.export({ format: 'der', type: 'pkcs8' }))
const label = Buffer.from('label')

test('a block opens to its plaintext, from nothing up to the capacity', () => {
  assert.equal(oaepCapacity(material), 190)
  for (const bytes of [0, 1, 190]) {
    const plaintext = Buffer.alloc(bytes, 7)
    for (const bound of [label, new Uint8Array(0)]) {
      const block = oaepEncrypt(material, plaintext, bound)
      assert.equal(block.length, 256)
      assert.deepEqual(Buffer.from(oaepDecrypt(material, block, bound)!), plaintext)
    }
  }
})

test('a plaintext above the capacity is refused', () => {
  assert.throws(() => oaepEncrypt(material, new Uint8Array(191), label), { code: 'LIMIT_EXCEEDED' })
})

test('a block without its leading zero, which OpenSSL opens, is refused', () => {
  let block = oaepEncrypt(material, Buffer.from('x'), new Uint8Array(0))
  while (block[0] !== 0) block = oaepEncrypt(material, Buffer.from('x'), new Uint8Array(0))
  const options = { key: pair.privateKey, oaepHash: 'sha256' }
  assert.equal(privateDecrypt(options, block.subarray(1)).toString(), 'x')
  assert.equal(oaepDecrypt(material, block.subarray(1), new Uint8Array(0)), undefined)
})

test('a block does not open under another label, changed, shortened or lengthened', () => {
  const block = oaepEncrypt(material, Buffer.from('x'), label)
  const flipped = Uint8Array.from(block)
  flipped[100]! ^= 1
  const attempts = [flipped, block.subarray(1), block.subarray(0, -1), Buffer.concat([Buffer.of(0), block])]
  for (const attempt of [...attempts, new Uint8Array(0), new Uint8Array(256).fill(255)]) {
    assert.equal(oaepDecrypt(material, attempt, label), undefined)
  }
  assert.equal(oaepDecrypt(material, block, new Uint8Array(0)), undefined)
  assert.equal(oaepDecrypt(material, block, Buffer.from('labe1')), undefined)
})
