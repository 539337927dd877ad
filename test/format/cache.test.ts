import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { hasEntryMagic, openEntry, sealEntry } from '../../src/crypto/cache-entry.ts'
import {
  decodeCacheKey,
  deriveSourceKey,
  encodeCacheKey,
  hashCacheName,
  makeCacheKey,
  sourceIndexId,
  unwrapWithSecret,
  wrapUnderSecret,
} from '../../src/crypto/cache-key.ts'
import { formatFernetKey } from '../../src/crypto/fernet-key.ts'
import { failsWith } from '../temporary.ts'

// docs/spec/cache.md. The stored bytes below were written once by this code and read by test/interop in Python.

const SECRET = 'demo-client-secret-5f2d9c7b1e'
const NAME = 'consumption:daily:12345678901234:2024-01-15'
const PLACE = { user: 'u-1', storedName: `coffre:cache:{u-1}:e:${NAME}` }
const VALUE = '{"value": "14230", "date": "2024-01-15"}'
const TIMES = { writtenAt: 1_705_312_800, expiresAt: 1_705_399_200 }
const BLOB = Buffer.from(
  '010193a73ab40070008000000000000001000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f',
  'hex',
)
const STORED = Buffer.from(
  '636663020000000065a502200000000065a653a07287f5010193a73ab40070008000000000000001000000013919476550a66b1ebb9ffe1c614a296997769b7b336b03c28c195f349e298b66c52b772888f8f453262368d9eddafbfc3ff066b0326f3ef585e28874846cda52582af9f9d43629d91698ca989c999765175fe4a6f23f47f7fc4b9ffcfeef25785509c5ae783759ea21ead2569bb92b11e345126903f9b3a148d59282634735323a9f80bca3a4da1c176c07491f4438224594d78e32e61a1e3ba6b76f475ad2c092eefc0d35fa11e10b1764',
  'hex',
)
const WRAPPED =
  'Afg1j_LqSMnmYx2SeeUutQgAAQAAAwFVbZ6mLe6l-EjJmTmjbIwYpGH9DZIxhWSFECur97nGGP3jnrOKXcsJzjo-7bVRS9oSFYHoKHIdnq2yOIiTZs4Q8krjzytCXZZXUg4O9fVhwZO9ClZaLdJ3TgTxt_XqPJm8h7_hzDmrhpsLnaE3KiD4_OU-gDPJe42_'

function fixedKey() {
  const key = decodeCacheKey(BLOB)
  assert.ok(key)
  return key
}

describe('format 1', () => {
  test('the key is SHA-256 of the secret (V000)', () => {
    assert.equal(formatFernetKey(deriveSourceKey(SECRET)), 'V2XipZcpb2bX4JWDPOub5bh73INnVV60juD5BK9r_qE=')
  })

  test('the index is named by the key alone', () => {
    assert.equal(sourceIndexId(deriveSourceKey(SECRET)), 'Q5wCaYAYsBaF3UIDa0DeKw')
  })
})

describe('format 2', () => {
  test('an entry that is stored opens, with its times', () => {
    const opened = openEntry(fixedKey(), PLACE, STORED)
    assert.ok(typeof opened === 'object')
    assert.equal(Buffer.from(opened.value).toString(), VALUE)
    assert.deepEqual({ ...opened, value: 0 }, { name: NAME, value: 0, ...TIMES })
  })

  test('every changed bit is told as tampered, none as another key', () => {
    for (let bit = 0; bit < STORED.length * 8; bit += 1) {
      const copy = Buffer.from(STORED)
      copy[bit >> 3] = copy.readUInt8(bit >> 3) ^ (1 << (bit & 7))
      assert.equal(openEntry(fixedKey(), PLACE, copy), 'tampered', `bit ${bit}`)
    }
  })

  test('every cut, and bytes behind the end, are told as tampered', () => {
    for (let end = 0; end < STORED.length; end += 1) {
      assert.equal(openEntry(fixedKey(), PLACE, STORED.subarray(0, end)), 'tampered', `${end} bytes`)
    }
    assert.equal(openEntry(fixedKey(), PLACE, Buffer.concat([STORED, Buffer.alloc(1)])), 'tampered')
  })

  test('an entry of another data key is told as such', () => {
    assert.equal(openEntry(makeCacheKey(), PLACE, STORED), 'wrong-key')
  })

  test('an entry in the place of another user or name is told as tampered', () => {
    for (const place of [
      { ...PLACE, user: 'u-2' },
      { ...PLACE, storedName: `${PLACE.storedName}5` },
    ]) {
      assert.equal(openEntry(fixedKey(), place, STORED), 'tampered')
    }
  })

  test('what is sealed opens, also an empty value', () => {
    const key = makeCacheKey()
    for (const text of ['', 'null', '"é😀"']) {
      const entry = { name: NAME, value: Buffer.from(text), ...TIMES }
      const stored = sealEntry(key, PLACE, entry)
      assert.ok(hasEntryMagic(stored))
      const opened = openEntry(key, PLACE, stored)
      assert.ok(typeof opened === 'object')
      assert.equal(Buffer.from(opened.value).toString(), text)
    }
  })

  test('a hashed name depends on the data key, the user and the name', () => {
    assert.equal(hashCacheName(fixedKey(), 'u-1', NAME), '6-SCQ14V5PmcVjfYsmKchQ')
    const others = [
      hashCacheName(makeCacheKey(), 'u-1', NAME),
      hashCacheName(fixedKey(), 'u-2', NAME),
      hashCacheName(fixedKey(), 'u-1', `${NAME}5`),
    ]
    assert.equal(new Set(['6-SCQ14V5PmcVjfYsmKchQ', ...others]).size, 4)
  })
})

describe('the data key under a secret', () => {
  test('what is stored opens', async () => {
    const key = await unwrapWithSecret(WRAPPED, 'u-1', SECRET)
    assert.deepEqual(Buffer.from(encodeCacheKey(key)), BLOB)
  })

  test('another secret, user or text is refused with one error', async () => {
    const refused = failsWith('DECRYPTION_FAILED')
    await assert.rejects(unwrapWithSecret(WRAPPED, 'u-1', `${SECRET} `), refused)
    await assert.rejects(unwrapWithSecret(WRAPPED, 'u-2', SECRET), refused)
    for (const text of ['', 'AA', WRAPPED.slice(0, 40), `${WRAPPED}A`, WRAPPED.replace(/^A/, 'B')]) {
      await assert.rejects(unwrapWithSecret(text, 'u-1', SECRET), refused, text)
    }
  })

  test('it is another text each time', async () => {
    const key = makeCacheKey()
    const texts = [await wrapUnderSecret(key, 'u-1', SECRET), await wrapUnderSecret(key, 'u-1', SECRET)]
    assert.notEqual(texts[0], texts[1])
    for (const text of texts) {
      const opened = await unwrapWithSecret(text, 'u-1', SECRET)
      assert.deepEqual(encodeCacheKey(opened), encodeCacheKey(key))
    }
  })

  test('bytes of another length or format are no data key', () => {
    assert.equal(decodeCacheKey(BLOB.subarray(1)), undefined)
    assert.equal(decodeCacheKey(Buffer.concat([Uint8Array.of(2), BLOB.subarray(1)])), undefined)
  })
})
