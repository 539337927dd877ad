import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KeyMaterial } from '../../../src/crypto/key-material.ts'
import { randomKeyMaterial } from '../../../src/crypto/random.ts'
import { openPart, sealPart } from '../../../src/crypto/session-cipher.ts'

const material = randomKeyMaterial(32)
const header = Buffer.from('eyJhbGciOiJkaXIifQ')
const claims = Buffer.from('{"sub":"u-1"}')
const hex = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString('hex')

function flipped(bytes: Uint8Array, at: number): Uint8Array {
  const copy = Uint8Array.from(bytes)
  copy[at] = (copy[at] ?? 0) ^ 1
  return copy
}

test('A256GCM gives the bytes of the GCM specification, test case 14, behind a nonce of 12 bytes', () => {
  const zeros = new KeyMaterial(new Uint8Array(32))
  const nonce = new Uint8Array(12)
  const ciphertext = Buffer.from(
    'cea7403d4d606b6e074ec5d3baf39d18' + 'd0d1c8a799996bf0265b98b5d48ab919',
    'hex',
  )
  assert.equal(hex(openPart(zeros, new Uint8Array(0), { nonce, ciphertext })), '00'.repeat(16))
})

test('what is sealed opens under its key and its associated data alone', () => {
  for (const plaintext of [claims, new Uint8Array(0)]) {
    const sealed = sealPart(material, header, plaintext)
    assert.deepEqual([sealed.nonce.length, sealed.ciphertext.length], [12, plaintext.length + 16])
    assert.equal(hex(openPart(material, header, sealed)), hex(plaintext))
    assert.equal(openPart(randomKeyMaterial(32), header, sealed), undefined)
    for (const other of [flipped(header, 0), header.subarray(1), new Uint8Array(0)]) {
      assert.equal(openPart(material, other, sealed), undefined)
    }
  }
})

test('a part with any byte changed, cut or added does not open', () => {
  const { nonce, ciphertext } = sealPart(material, header, claims)
  for (const at of ciphertext.keys()) {
    assert.equal(openPart(material, header, { nonce, ciphertext: flipped(ciphertext, at) }), undefined)
    assert.equal(openPart(material, header, { nonce, ciphertext: ciphertext.subarray(0, at) }), undefined)
  }
  for (const at of nonce.keys()) {
    assert.equal(openPart(material, header, { nonce: flipped(nonce, at), ciphertext }), undefined)
  }
  const longer = Buffer.concat([ciphertext, Buffer.alloc(1)])
  assert.equal(openPart(material, header, { nonce, ciphertext: longer }), undefined)
})

test('a nonce of another length opens nothing, and is no error', () => {
  const { nonce, ciphertext } = sealPart(material, header, claims)
  for (const other of [new Uint8Array(0), nonce.subarray(1), Buffer.concat([nonce, nonce])]) {
    assert.equal(openPart(material, header, { nonce: other, ciphertext }), undefined)
  }
})

test('the nonce is another each time', () => {
  const nonces = Array.from({ length: 1_000 }, () => hex(sealPart(material, header, claims).nonce))
  assert.equal(new Set(nonces).size, 1_000)
})
