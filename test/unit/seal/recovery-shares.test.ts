import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Secret } from '../../../src/model/secret.ts'
import {
  createRecoveryKey,
  createRecoveryShares,
  joinRecoveryShares,
  parseRecoveryKey,
} from '../../../src/seal/recovery-key.ts'
import { formatRecoveryPublicKey } from '../../../src/crypto/recovery-key.ts'
import { xWingPublicKey } from '../../../src/crypto/x-wing.ts'
import { parseShare } from '../../../src/seal/shamir/share-text.ts'
import { failsWith } from '../../temporary.ts'

const { publicKey, fingerprint, shares } = await createRecoveryShares({ shares: 3, threshold: 2 })
const textOf = (at: number) => shares[at]?.text ?? new Secret('')

describe('shares of a recovery key', () => {
  test('give the key back, any two of three, as text or words', async () => {
    for (const [left, right] of [
      [0, 1],
      [2, 0],
      [1, 2],
    ] as const) {
      for (const second of [textOf(right), shares[right]?.words ?? new Secret('')]) {
        const key = parseRecoveryKey(await joinRecoveryShares([textOf(left), second]))
        assert.equal(formatRecoveryPublicKey(xWingPublicKey(key)), publicKey)
      }
    }
    const all = await joinRecoveryShares([textOf(0), textOf(1), textOf(2)])
    assert.equal(formatRecoveryPublicKey(xWingPublicKey(parseRecoveryKey(all))), publicKey)
  })

  test('say which key they are of, and are no key and no share of a seal', () => {
    assert.ok(shares.every(({ setId }) => fingerprint.startsWith(setId)))
    assert.throws(() => parseRecoveryKey(textOf(0)), failsWith('SHARE_INVALID'))
    assert.throws(() => parseShare(textOf(0)), failsWith('SHARE_INVALID'))
    for (const words of shares.map((share) => share.words)) {
      assert.throws(() => parseShare(words), failsWith('SHARE_INVALID'))
    }
  })

  test('that are too few, the same, of two keys or mistyped make none', async () => {
    await assert.rejects(joinRecoveryShares([textOf(0)]), failsWith('BACKUP_KEY_MISSING'))
    await assert.rejects(joinRecoveryShares([]), failsWith('BACKUP_KEY_MISSING'))
    await assert.rejects(joinRecoveryShares([textOf(0), textOf(0)]), failsWith('SHARE_REPEATED'))
    const others = await createRecoveryShares({ shares: 3, threshold: 2 })
    const foreign = others.shares[1]?.text ?? new Secret('')
    await assert.rejects(joinRecoveryShares([textOf(0), foreign]), failsWith('SHARE_FOREIGN'))
    const mistyped = new Secret(
      textOf(1)
        .reveal()
        .replace(/.$/, (digit) => (digit === '0' ? '1' : '0')),
    )
    await assert.rejects(joinRecoveryShares([textOf(0), mistyped]), failsWith('SHARE_INVALID'))
    await assert.rejects(
      joinRecoveryShares([createRecoveryKey().text, textOf(0)]),
      failsWith('SHARE_INVALID'),
    )
    await assert.rejects(createRecoveryShares({ shares: 2, threshold: 3 }), failsWith('INVALID_REQUEST'))
  })
})
