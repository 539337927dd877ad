import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { ALGORITHMS, algorithmFor } from '../../../src/crypto/algorithms.ts'
import { KeyMaterial } from '../../../src/crypto/key-material.ts'

const message = Buffer.from('a message')

async function signingRows() {
  const rows = ALGORITHMS.filter((row) => row.signing !== undefined && row.generates)
  assert.equal(rows.length, 5)
  return Promise.all(
    rows.map(async (row) => ({ row, signing: row.signing!, material: await row.generate() })),
  )
}

test('a signature verifies by material and by public key, and only for its message and key', async () => {
  for (const { row, signing, material } of await signingRows()) {
    const signature = signing.sign(material, message)
    const publicKey = row.publicKey!(material)
    assert.equal(signing.verify(material, message, signature), true, row.name)
    assert.equal(signing.verifyWithPublicKey(publicKey, message, signature), true, row.name)
    assert.equal(signing.verify(material, Buffer.from('another'), signature), false, row.name)
    assert.equal(signing.verify(await row.generate(), message, signature), false, row.name)
  }
})

test('a malformed signature is answered with false, never with an error', async () => {
  for (const { row, signing, material } of await signingRows()) {
    const good = Buffer.from(signing.sign(material, message))
    const bad = [
      Buffer.alloc(0),
      Buffer.alloc(good.length),
      Buffer.alloc(good.length, 0xff),
      good.subarray(0, -1),
      Buffer.concat([good, Buffer.of(0)]),
      Buffer.alloc(10_000, 0x30),
    ]
    for (const signature of bad) assert.equal(signing.verify(material, message, signature), false, row.name)
  }
})

test('any flipped bit of a signature makes it invalid', async () => {
  for (const { row, signing, material } of await signingRows()) {
    const good = signing.sign(material, message)
    const step = Math.ceil(good.length / 32)
    for (let index = 0; index < good.length; index += step) {
      const flipped = Uint8Array.from(good)
      flipped[index]! ^= 1 << (index % 8)
      assert.equal(signing.verify(material, message, flipped), false, `${row.name}, byte ${index}`)
    }
  }
})

test('a signature that does not verify is never released', () => {
  const der = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({
    format: 'der',
    type: 'pkcs8',
  })
  der[40]! ^= 1 // The private number no longer belongs to the public point, as after a fault.
  assert.throws(() => algorithmFor('ecdsa-p256').signing!.sign(new KeyMaterial(der), message), {
    code: 'INTERNAL',
    facts: { check: 'signature-before-release' },
  })
})

test('wiped material signs nothing', async () => {
  for (const { row, signing, material } of await signingRows()) {
    signing.sign(material, message)
    material.wipe()
    assert.throws(() => signing.sign(material, message), { code: 'KEY_VERSION_UNUSABLE' }, row.name)
  }
})
