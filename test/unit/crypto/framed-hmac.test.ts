import assert from 'node:assert/strict'
import { createHmac, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { FRAME_START, FramedHmac } from '../../../src/crypto/framed-hmac.ts'

test('a tag is HMAC-SHA-256 for every key length, and the room for the key is left empty', () => {
  for (let keyBytes = 1; keyBytes <= FRAME_START; keyBytes++) {
    const key = randomBytes(keyBytes)
    const hmac = new FramedHmac(key)
    for (const bytes of [0, 1, 55, 56, 64, 300]) {
      const message = randomBytes(bytes)
      const frame = Buffer.concat([randomBytes(FRAME_START), message, randomBytes(9)])
      const tag = hmac.computeTag(frame, FRAME_START + bytes)
      assert.equal(tag, createHmac('sha256', key).update(message).digest('latin1'))
      assert.ok(frame.subarray(0, FRAME_START).every((byte) => byte === 0))
    }
  }
})

test('a key that would have to be hashed first is refused', () => {
  assert.throws(() => new FramedHmac(randomBytes(FRAME_START + 1)), RangeError)
})
