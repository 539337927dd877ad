import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { algorithmFor } from '../../../src/crypto/algorithms.ts'

const row = algorithmFor('x25519')
const PREFIX = Buffer.from('302a300506032b656e032100', 'hex')

test('both sides come to the same secret, and a third does not', async () => {
  const [one, other, third] = await Promise.all([row.generate(), row.generate(), row.generate()])
  const shared = row.agreement!.agree(one, row.publicKey!(other))
  assert.equal(shared.equals(row.agreement!.agree(other, row.publicKey!(one))), true)
  assert.equal(shared.equals(row.agreement!.agree(third, row.publicKey!(one))), false)
})

test("a peer's point of low order is refused", async () => {
  const material = await row.generate()
  // Orders 4, 1, 8, 8, 2 and two non-canonical spellings of zero and one.
  const points = [
    '00'.repeat(32),
    `01${'00'.repeat(31)}`,
    'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
    '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
    `ec${'ff'.repeat(30)}7f`,
    `ed${'ff'.repeat(30)}7f`,
    `ee${'ff'.repeat(30)}7f`,
  ]
  for (const point of points) {
    const peer = Buffer.concat([PREFIX, Buffer.from(point, 'hex')])
    assert.throws(() => row.agreement!.agree(material, peer), {
      code: 'KEY_REFUSED',
      facts: { rule: 'low-order' },
    })
  }
})

test("a peer's key of another kind or length is refused", async () => {
  const material = await row.generate()
  const ed25519 = generateKeyPairSync('ed25519').publicKey.export({ format: 'der', type: 'spki' })
  const bare = Buffer.from(row.publicKey!(await row.generate())).subarray(PREFIX.length)
  for (const peer of [ed25519, bare, new Uint8Array(0), Buffer.concat([PREFIX, bare.subarray(1)])]) {
    assert.throws(() => row.agreement!.agree(material, peer), { code: 'KEY_REFUSED' })
  }
})
