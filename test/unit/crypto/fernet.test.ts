import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import {
  Fernet,
  InvalidToken,
  MAX_FERNET_PLAINTEXT_BYTES,
  MAX_RING_KEYS,
  readTokenTime,
  type DecryptOptions,
  type InvalidTokenReason,
} from '../../../src/crypto/fernet.ts'
import { NOW, CANARY, fernet, token, toText, toToken, sign, findReason, assertCode } from './fernet-sample.ts'

describe('Fernet round trip', () => {
  test('every length from 0 to 300 bytes comes back, alone and in a batch', () => {
    const plaintexts = Array.from({ length: 301 }, (_, bytes) => randomBytes(bytes))
    const tokens = plaintexts.map((plaintext) => fernet.encrypt(plaintext))
    const batch = fernet.encryptMany(plaintexts)
    for (const [index, plaintext] of plaintexts.entries()) {
      assert.deepEqual(Buffer.from(fernet.decrypt(tokens[index]!)), plaintext)
      assert.deepEqual(Buffer.from(fernet.decrypt(batch[index]!)), plaintext)
    }
    assert.deepEqual(
      fernet.decryptMany(tokens).map((opened) => Buffer.from(opened!)),
      plaintexts,
    )
  })

  test('a batch larger than a slab keeps its order and its bytes', () => {
    const plaintexts = [1, 70_000, 40_000, 200_000, 0, 5].map((bytes) => randomBytes(bytes))
    const opened = fernet.decryptMany(fernet.encryptMany(plaintexts))
    assert.deepEqual(
      opened.map((bytes) => Buffer.from(bytes!)),
      plaintexts,
    )
  })

  test('a string is UTF-8', () => {
    assert.equal(toText(fernet.decrypt(fernet.encrypt('Évangile 🔑'))), 'Évangile 🔑')
  })

  test('a plaintext that encoding would change is refused', () => {
    assertCode('INVALID_REQUEST', 'plaintext', () => fernet.encrypt('\ud800'))
    assertCode('INVALID_REQUEST', 'plaintext', () => fernet.encryptMany(['fine', '\udfff']))
    // @ts-expect-error Only bytes and strings are plaintexts.
    assertCode('INVALID_REQUEST', 'plaintext', () => fernet.encrypt(new Uint16Array([300])))
  })

  test('16 MiB are accepted and one byte more is not', () => {
    const largest = new Uint8Array(MAX_FERNET_PLAINTEXT_BYTES).fill(7)
    assert.equal(fernet.decrypt(fernet.encrypt(largest)).length, MAX_FERNET_PLAINTEXT_BYTES)
    const larger = new Uint8Array(MAX_FERNET_PLAINTEXT_BYTES + 1)
    assertCode('LIMIT_EXCEEDED', 'plaintext', () => fernet.encrypt(larger))
    assertCode('LIMIT_EXCEEDED', 'plaintext', () => fernet.encryptMany(['fine', larger]))
  })

  test('a text longer than any token is refused before it is decoded', () => {
    assert.equal(findReason('A'.repeat(22_369_724)), 'oversized')
    assert.equal(findReason('A'.repeat(22_369_720)), 'malformed')
  })

  test('IVs never repeat in 20,000 tokens of one plaintext', () => {
    const tokens = fernet.encryptMany(Array.from({ length: 20_000 }, () => CANARY))
    const ivs = new Set(tokens.map((text) => Buffer.from(text, 'base64url').toString('hex', 9, 25)))
    assert.equal(ivs.size, 20_000)
  })

  test('more keys than open chains all keep working in turn', () => {
    const many = Array.from({ length: 600 }, () => new Fernet(Fernet.generateKey()))
    const first = many.map((one) => one.encrypt(CANARY))
    const second = many.map((one) => one.encrypt(CANARY))
    for (const [index, one] of many.entries()) {
      assert.equal(toText(one.decrypt(first[index]!)), CANARY)
      assert.equal(toText(one.decrypt(second[index]!)), CANARY)
    }
  })

  test('tokens of two keys may be made and opened alternately', () => {
    const other = new Fernet(Fernet.generateKey())
    for (let round = 0; round < 50; round++) {
      const [ours, theirs] = [fernet.encrypt(`a${round}`), other.encrypt(`b${round}`)]
      assert.equal(toText(fernet.decrypt(ours)), `a${round}`)
      assert.equal(toText(other.decrypt(theirs)), `b${round}`)
    }
  })
})

describe('Fernet time', () => {
  const rows: [string, DecryptOptions, InvalidTokenReason | 'opened'][] = [
    ['60 s ahead of us is accepted', { nowSeconds: NOW - 60 }, 'opened'],
    ['61 s ahead of us is refused without a TTL', { nowSeconds: NOW - 61 }, 'future'],
    ['61 s ahead of us is refused with a TTL', { nowSeconds: NOW - 61, ttlSeconds: 9_999 }, 'future'],
    ['an age equal to the TTL is accepted', { nowSeconds: NOW + 60, ttlSeconds: 60 }, 'opened'],
    ['an age of one second more is refused', { nowSeconds: NOW + 61, ttlSeconds: 60 }, 'expired'],
    ['a TTL of 0 accepts the same second', { nowSeconds: NOW, ttlSeconds: 0 }, 'opened'],
    ['a TTL of 0 refuses the next second', { nowSeconds: NOW + 1, ttlSeconds: 0 }, 'expired'],
    ['any age is accepted without a TTL', { nowSeconds: 253_402_300_799 }, 'opened'],
  ]
  for (const [rule, options, expected] of rows) {
    test(rule, () => assert.equal(findReason(token, options), expected))
  }

  test('a forged token is refused for its MAC, not for its time', () => {
    const bytes = Buffer.from(token, 'base64url')
    bytes[1] = 0xff
    assert.equal(findReason(toToken(bytes), { nowSeconds: NOW, ttlSeconds: 1 }), 'mac')
  })

  test('a signed timestamp above the year 9999 is in the future, and is not a time for `readTokenTime`', () => {
    const bytes = Buffer.from(token, 'base64url').subarray(0, -32)
    for (const timestamp of [253_402_300_800n, 2n ** 53n, 2n ** 64n - 1n]) {
      bytes.writeBigUInt64BE(timestamp, 1)
      assert.equal(findReason(sign(bytes), { nowSeconds: 253_402_300_799 }), 'future')
      assert.equal(readTokenTime(sign(bytes)), undefined)
    }
  })

  test('a time or TTL that is not whole seconds is refused, milliseconds included', () => {
    for (const nowSeconds of [-1, 0.5, Number.NaN, Infinity, NOW * 1_000]) {
      assertCode('INVALID_REQUEST', 'nowSeconds', () => fernet.decrypt(token, { nowSeconds }))
      assertCode('INVALID_REQUEST', 'nowSeconds', () => fernet.encrypt('', { nowSeconds }))
    }
    for (const ttlSeconds of [-1, 0.5, Number.NaN, Infinity]) {
      assertCode('INVALID_REQUEST', 'ttlSeconds', () => fernet.decrypt(token, { ttlSeconds }))
      assertCode('INVALID_REQUEST', 'ttlSeconds', () => fernet.decryptMany([token], { ttlSeconds }))
    }
  })

  test('the time of a token is read without its key', () => {
    assert.deepEqual(readTokenTime(token), { timestamp: NOW, ciphertextBytes: 32 })
    for (const text of ['', 'x', token.slice(4), `${token}\n`]) assert.equal(readTokenTime(text), undefined)
  })
})

describe('Fernet ring', () => {
  const [oldKey, newKey] = [Fernet.generateKey(), Fernet.generateKey()]
  const old = new Fernet(oldKey)
  const ring = new Fernet([newKey, oldKey])

  test('the first key encrypts', () => {
    assert.equal(toText(new Fernet(newKey).decrypt(ring.encrypt(CANARY))), CANARY)
    assert.equal(findReason(ring.encrypt(CANARY), {}, old), 'mac')
  })

  test('all keys decrypt, alone and mixed in a batch', () => {
    const tokens = [old.encrypt('0'), ring.encrypt('1'), token, old.encrypt('3'), 'x']
    assert.equal(toText(ring.decrypt(tokens[0]!)), '0')
    assert.deepEqual(ring.decryptMany(tokens).map(toText), ['0', '1', undefined, '3', undefined])
  })

  test('a token of a later key keeps its own reason', () => {
    const late = old.encrypt(CANARY, { nowSeconds: NOW })
    assert.equal(findReason(late, { nowSeconds: NOW + 9, ttlSeconds: 1 }, ring), 'expired')
  })

  test('rotate moves a token to the first key and keeps its timestamp', () => {
    const before = old.encrypt(CANARY, { nowSeconds: NOW })
    const after = ring.rotate(before)
    assert.equal(toText(new Fernet(newKey).decrypt(after)), CANARY)
    assert.equal(readTokenTime(after)?.timestamp, NOW)
    assert.notEqual(ring.rotate(after), after)
  })

  test('rotate refuses what decrypt refuses', () => {
    assert.throws(() => ring.rotate(token), InvalidToken)
    const before = old.encrypt(CANARY, { nowSeconds: NOW })
    assert.throws(() => ring.rotate(before, { nowSeconds: NOW - 61 }), InvalidToken)
    assert.throws(() => ring.rotate(before, { nowSeconds: NOW + 2, ttlSeconds: 1 }), InvalidToken)
  })

  test('an empty ring and a ring above its limit are refused', () => {
    assertCode('KEY_REFUSED', 'key', () => new Fernet([]))
    const keys = Array.from({ length: MAX_RING_KEYS + 1 }, () => oldKey)
    assertCode('LIMIT_EXCEEDED', 'key', () => new Fernet(keys))
    assert.equal(toText(new Fernet(keys.slice(1)).decrypt(old.encrypt(CANARY))), CANARY)
  })
})
