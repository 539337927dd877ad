import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseRecoveryPublicKey } from '../../../src/crypto/recovery-key.ts'
import { xWingPublicKey } from '../../../src/crypto/x-wing.ts'
import { Secret } from '../../../src/model/secret.ts'
import { createRecoveryKey, parseRecoveryKey } from '../../../src/seal/recovery-key.ts'

test('a recovery key comes back from its text and its words, as people type them', () => {
  const { text, words, publicKey, fingerprint } = createRecoveryKey()
  const written = text.reveal()
  assert.match(written, /^COFFRE-RECOVERY-([0-9A-HJKMNP-TV-Z]{1,6}-?){10}$/)
  assert.equal(words.reveal().split(' ').length, 27)
  assert.match(fingerprint, /^[0-9a-f]{16}$/)
  for (const typed of [written, written.toLowerCase(), words.reveal(), words.reveal().toUpperCase()]) {
    const seed = parseRecoveryKey(new Secret(typed))
    assert.deepEqual(Buffer.from(xWingPublicKey(seed)), Buffer.from(parseRecoveryPublicKey(publicKey)))
  }
})

test('a recovery key with a typing error, and a seal key, are refused', () => {
  const { text } = createRecoveryKey()
  const written = text.reveal()
  const at = 30
  const other = written[at] === '7' ? '8' : '7'
  const refused = { code: 'SHARE_INVALID' }
  for (const typed of [
    `${written.slice(0, at)}${other}${written.slice(at + 1)}`,
    written.slice(0, -1),
    written.replace('COFFRE-RECOVERY-', 'COFFRE-SEAL-KEY-'),
    '',
  ]) {
    assert.throws(() => parseRecoveryKey(new Secret(typed)), refused, typed)
  }
})
