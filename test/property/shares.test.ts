import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { randomKeyMaterial } from '../../src/crypto/random.ts'
import { Secret } from '../../src/model/secret.ts'
import { formatShare, formatShareWords, parseShare } from '../../src/seal/shamir/share-text.ts'
import { encodeShare } from '../../src/seal/shamir/share.ts'
import { combineShares, encodeShareSet, parseShareSet, splitSealKey } from '../../src/seal/shamir/split.ts'
import { failsWith } from '../temporary.ts'

const quorum = fc
  .integer({ min: 2, max: 32 })
  .chain((shares) =>
    fc.record({ shares: fc.constant(shares), threshold: fc.integer({ min: 2, max: shares }) }),
  )

test('any k of n shares, in any order and form, give the seal key back, and k - 1 do not', () =>
  fc.assert(
    fc.asyncProperty(quorum, fc.infiniteStream(fc.nat()), fc.boolean(), async (asked, order, asWords) => {
      const sealKey = randomKeyMaterial(32)
      const shares = await splitSealKey(sealKey, asked)
      const set = parseShareSet(encodeShareSet(shares, sealKey))
      const shuffled = shares
        .map((share) => ({ share, at: order.next().value ?? 0 }))
        .toSorted((a, b) => a.at - b.at)
      const format = asWords ? formatShareWords : formatShare
      const chosen = shuffled
        .slice(0, asked.threshold)
        .map(({ share }) => parseShare(new Secret(format(share).reveal())))
      assert.ok((await combineShares(chosen, set)).equals(sealKey))
      if (asked.threshold > 2) {
        await assert.rejects(combineShares(chosen.slice(1), set), failsWith('PASSPHRASE_WRONG'))
      }
    }),
    { numRuns: 60 },
  ))

test('a share has one text and one list of words', () =>
  fc.assert(
    fc.asyncProperty(quorum, async (asked) => {
      for (const share of await splitSealKey(randomKeyMaterial(32), asked)) {
        for (const format of [formatShare, formatShareWords]) {
          const again = parseShare(format(share))
          assert.deepEqual(encodeShare(again), encodeShare(share))
          assert.equal(format(again).reveal(), format(share).reveal())
        }
      }
    }),
    { numRuns: 30 },
  ))
