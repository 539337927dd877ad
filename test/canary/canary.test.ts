import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Canaries } from './canary.ts'

test('a planted secret is found in every spelling and at every alignment', () => {
  const canaries = new Canaries()
  const text = canaries.make()
  const key = Buffer.from('00ff17c0ffee8a5512fe00ff17c0ffee8a5512fe', 'hex')
  canaries.add(key)
  for (const secret of [Buffer.from(text), key]) {
    for (const before of ['', 'a', 'ab', 'abc']) {
      const bytes = Buffer.concat([Buffer.from(before), secret, Buffer.from('xyz')])
      const spelled = [
        bytes,
        bytes.toString('hex'),
        bytes.toString('hex').toUpperCase(),
        bytes.toString('base64'),
        bytes.toString('base64url'),
      ]
      for (const content of spelled) {
        assert.throws(() => canaries.requireNone('a place', content), assert.AssertionError, before)
      }
    }
  }
  assert.throws(() => canaries.requireNone('a place', JSON.stringify({ text })), assert.AssertionError)
  const share = canaries.addText('COFFRE-SHARE-0G4YTK-9QF3ZZ-7AB2CD-EF45GH-JK67MN')
  assert.throws(() => canaries.requireNone('a place', `not a share: ${share.slice(8, 40)}`))
  canaries.requireNone('a place', 'nothing of the kind')
})
