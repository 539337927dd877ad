import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ALGORITHMS } from '../../../src/crypto/algorithms.ts'

test('a MAC verifies for its message and key only, at its full length only', async () => {
  const rows = ALGORITHMS.filter((row) => row.mac !== undefined)
  assert.equal(rows.length, 3)
  for (const row of rows) {
    const [mac, material, other] = [row.mac!, await row.generate(), await row.generate()]
    const [message, tag] = [Buffer.from('a message'), mac.mac(material, Buffer.from('a message'))]
    assert.equal(mac.verify(material, message, tag), true)
    assert.equal(mac.verify(other, message, tag), false)
    assert.equal(mac.verify(material, Buffer.from('another'), tag), false)
    for (let length = 0; length < tag.length; length += 1) {
      assert.equal(mac.verify(material, message, tag.subarray(0, length)), false)
    }
    assert.equal(mac.verify(material, message, Buffer.concat([tag, Buffer.of(0)])), false)
  }
})
