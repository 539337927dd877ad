import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { wordlist } from '@scure/bip39/wordlists/english.js'
import { randomKeyMaterial } from '../../../src/crypto/random.ts'
import { CoffreError } from '../../../src/model/errors.ts'
import { Secret } from '../../../src/model/secret.ts'
import { formatShare, formatShareWords, parseShare } from '../../../src/seal/shamir/share-text.ts'
import { encodeShare } from '../../../src/seal/shamir/share.ts'
import {
  combineShares,
  encodeShareSet,
  parseShareSet,
  requireMember,
  splitSealKey,
} from '../../../src/seal/shamir/split.ts'
import { failsWith } from '../../temporary.ts'

const sealKey = randomKeyMaterial(32)
const shares = await splitSealKey(sealKey, { shares: 3, threshold: 2 })
const set = parseShareSet(encodeShareSet(shares, sealKey))
const [share] = shares
assert.ok(share !== undefined)
const text = formatShare(share).reveal()
const words = formatShareWords(share).reveal()
const parse = (typed: string) => parseShare(new Secret(typed))
const invalid = failsWith('SHARE_INVALID')

describe('a share', () => {
  test('as text or as words is the same share', () => {
    assert.match(text, /^COFFRE-SHARE-([0-9A-HJKMNP-TV-Z]{6}-){11}[0-9A-HJKMNP-TV-Z]{5}$/)
    assert.equal(words.split(' ').length, 32)
    for (const typed of [text, words]) assert.deepEqual(encodeShare(parse(typed)), encodeShare(share))
  })

  test('is read as people type it', () => {
    const numbered = words.split(' ').map((word, at) => `${at + 1}. ${word.slice(0, 4).toUpperCase()}`)
    const typed = [
      text.toLowerCase(),
      `  ${text.replaceAll('-', ' ').replace('COFFRE SHARE ', 'coffre-share-')}\n`,
      `COFFRE-SHARE-${text.slice(13).replaceAll('0', 'O').replaceAll('1', 'l')}`,
      numbered.join('\n'),
    ]
    for (const each of typed) assert.deepEqual(encodeShare(parse(each)), encodeShare(share))
  })

  test('with any one digit mistyped is refused', () => {
    for (let at = 13; at < text.length; at += 1) {
      if (text[at] === '-') continue
      const other = text[at] === 'Z' ? 'Y' : 'Z'
      assert.throws(() => parse(text.slice(0, at) + other + text.slice(at + 1)), invalid, `${at}`)
    }
  })

  test('with any one word wrong, missing or swapped is refused', () => {
    const list = words.split(' ')
    for (let at = 0; at < list.length; at += 1) {
      const other = list[at] === 'zoo' ? 'zone' : 'zoo'
      assert.throws(() => parse(list.with(at, other).join(' ')), invalid)
      assert.throws(() => parse(list.toSpliced(at, 1).join(' ')), invalid)
    }
    const [first = '', second = ''] = list
    if (first !== second) assert.throws(() => parse([second, first, ...list.slice(2)].join(' ')), invalid)
  })

  test('names the place of a mistake and never repeats the text', () => {
    const typed = words.split(' ').with(6, 'coffre').join(' ')
    assert.throws(
      () => parse(typed),
      (error) => {
        assert.ok(error instanceof CoffreError)
        assert.deepEqual(error.facts, { reason: 'word', position: 7 })
        return true
      },
    )
  })

  test('of nonsense is refused', () => {
    for (const typed of [
      '',
      ' ',
      'COFFRE-SHARE-',
      text.slice(0, -1),
      `${text}0`,
      wordlist.slice(0, 32).join(' '),
    ]) {
      assert.throws(() => parse(typed), invalid)
    }
  })

  test('shows its value nowhere', () => {
    assert.ok(!JSON.stringify(share).includes(Buffer.from(encodeShare(share)).toString('hex', 9, 41)))
  })
})

describe('a set of shares', () => {
  test('knows its own and no other', async () => {
    for (const each of shares) requireMember(each, set)
    const foreign = await splitSealKey(sealKey, { shares: 3, threshold: 2 })
    for (const each of foreign) {
      assert.throws(() => requireMember(each, set), failsWith('SHARE_FOREIGN'))
      assert.throws(() => requireMember({ ...each, setId: share.setId }, set), failsWith('SHARE_FOREIGN'))
    }
  })

  test('gives its seal key back from shares as they were typed', async () => {
    const typed = [parse(words), parse(formatShare(shares[2] ?? share).reveal())]
    assert.ok((await combineShares(typed, set)).equals(sealKey))
  })

  test('has 2 to 32 shares, of which 2 to all are needed', async () => {
    for (const quorum of [
      { shares: 1, threshold: 1 },
      { shares: 3, threshold: 1 },
      { shares: 2, threshold: 3 },
      { shares: 33, threshold: 2 },
      { shares: 2.5, threshold: 2 },
      { shares: 3, threshold: Number.NaN },
    ]) {
      await assert.rejects(splitSealKey(sealKey, quorum), failsWith('INVALID_REQUEST'))
    }
  })
})
