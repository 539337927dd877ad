import assert from 'node:assert/strict'
import { createCipheriv, createHmac, randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import { inspect } from 'node:util'
import {
  Fernet,
  InvalidToken,
  MAX_FERNET_PLAINTEXT_BYTES,
  MAX_RING_KEYS,
  readTokenTime,
} from '../../../src/crypto/fernet.ts'
import type { DecryptOptions, InvalidTokenReason } from '../../../src/crypto/fernet.ts'
import { KeyMaterial } from '../../../src/crypto/key-material.ts'
import { CoffreError, type ErrorCode } from '../../../src/model/errors.ts'

const NOW = 1_762_000_000
const SECRET = 'AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8='
const CANARY = 'canary-5f2d9c7b1e'
const fernet = new Fernet(SECRET)
const token = fernet.encrypt(CANARY, { nowSeconds: NOW })

function toText(bytes: Uint8Array | undefined): string | undefined {
  return bytes && Buffer.from(bytes).toString()
}

function toToken(bytes: Uint8Array): string {
  const text = Buffer.from(bytes).toString('base64url')
  return text + '='.repeat((4 - (text.length % 4)) % 4)
}

/** `bytes` with a right MAC, so that what is wrong lies behind it. */
function sign(bytes: Uint8Array): string {
  const key = Buffer.from(SECRET, 'base64url').subarray(0, 16)
  return toToken(Buffer.concat([bytes, createHmac('sha256', key).update(bytes).digest()]))
}

function findReason(text: string, options: DecryptOptions = { nowSeconds: NOW }, by = fernet) {
  try {
    by.decrypt(text, options)
  } catch (error) {
    if (error instanceof InvalidToken) return error.reason
    throw error
  }
  return 'opened'
}

function assertCode(code: ErrorCode, at: string, run: () => unknown): void {
  assert.throws(
    run,
    (error) => error instanceof CoffreError && error.code === code && error.facts['at'] === at,
  )
}

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

describe('Fernet refuses damage', () => {
  test('every flipped bit of a token is refused, and the key works on', () => {
    const bytes = Buffer.from(token, 'base64url')
    assert.ok(bytes.length >= 73)
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const damaged = Buffer.from(bytes)
      damaged[bit >> 3]! ^= 1 << (bit & 7)
      assert.equal(findReason(toToken(damaged)), bit < 8 ? 'malformed' : 'mac')
    }
    assert.equal(toText(fernet.decrypt(token, { nowSeconds: NOW })), CANARY)
  })

  test('every other character in every place is refused', () => {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/= \n\té€'
    for (let at = 0; at < token.length; at++) {
      for (const character of alphabet) {
        if (token[at] === character) continue
        assert.notEqual(findReason(token.slice(0, at) + character + token.slice(at + 1)), 'opened')
      }
    }
  })

  test('every truncation is refused, in characters and in bytes', () => {
    const bytes = Buffer.from(token, 'base64url')
    for (let end = 0; end < token.length; end++) assert.notEqual(findReason(token.slice(0, end)), 'opened')
    for (let end = 0; end < bytes.length; end++)
      assert.notEqual(findReason(toToken(bytes.subarray(0, end))), 'opened')
  })

  test('a second spelling of the same bytes is refused', () => {
    const padded = fernet.encrypt('a'.repeat(16), { nowSeconds: NOW }) // 89 bytes: one `=`
    assert.equal(findReason(padded), 'opened')
    assert.match(padded, /[^=]=$/)
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    const last = alphabet.indexOf(padded.at(-2)!)
    const strayBits = `${padded.slice(0, -2)}${alphabet[last + 1]}=`
    assert.ok(Buffer.from(strayBits, 'base64url').equals(Buffer.from(padded, 'base64url')))
    const spellings = [
      strayBits,
      padded.slice(0, -1),
      `${padded}=`,
      `${padded}====`,
      `${padded}\n`,
      ` ${padded}`,
      `${padded.slice(0, 40)}\n${padded.slice(40)}`,
      `${padded}${padded}`,
    ]
    for (const spelling of spellings) assert.equal(findReason(spelling), 'malformed')
  })

  test('the standard alphabet is refused', () => {
    const tokens = fernet.encryptMany(Array.from({ length: 50 }, () => CANARY))
    const others = tokens.map((text) => text.replaceAll('-', '+').replaceAll('_', '/'))
    const changed = others.filter((text, index) => text !== tokens[index])
    assert.ok(changed.length > 0)
    for (const text of changed) assert.equal(findReason(text), 'malformed')
  })

  test('another version is refused even with a right MAC', () => {
    const bytes = Buffer.from(token, 'base64url').subarray(0, -32)
    assert.equal(findReason(sign(bytes)), 'opened')
    const other = Buffer.from(bytes)
    other[0] = 0x81
    assert.equal(findReason(sign(other)), 'malformed')
  })

  test('ciphertext of no block, or of a part of one, is refused even with a right MAC', () => {
    const bytes = Buffer.from(token, 'base64url').subarray(0, -32)
    for (let cut = 0; cut < 32; cut++) {
      assert.equal(findReason(sign(bytes.subarray(0, 25 + cut))), cut === 16 ? 'padding' : 'malformed')
    }
  })

  test('wrong padding is refused, and later tokens are not touched by it', () => {
    const bytes = Buffer.from(fernet.encrypt('a'.repeat(15), { nowSeconds: NOW }), 'base64url').subarray(
      0,
      -32,
    )
    for (const wanted of [0, 2, 16, 17, 255]) {
      const other = Buffer.from(bytes)
      other[24]! ^= 1 ^ wanted // the last byte of the IV turns the padding byte 01 into `wanted`
      assert.equal(findReason(sign(other)), 'padding')
      assert.equal(findReason(token), 'opened')
    }
    const whole = fernet.decryptMany([token, sign(bytes), 'x', token], { nowSeconds: NOW })
    assert.deepEqual(whole.map(toText), [CANARY, 'a'.repeat(15), undefined, CANARY])
  })

  test('padding of more than one block is refused, however regular', () => {
    const encryptionKey = Buffer.from(SECRET, 'base64url').subarray(16)
    const head = Buffer.from(token, 'base64url').subarray(0, 25)
    for (const [count, expected] of [
      [16, 'opened'],
      [17, 'padding'],
      [32, 'padding'],
    ] as const) {
      const padded = Buffer.alloc(32, 'a').fill(count, 32 - count)
      const cipher = createCipheriv('aes-128-cbc', encryptionKey, head.subarray(9)).setAutoPadding(false)
      assert.equal(findReason(sign(Buffer.concat([head, cipher.update(padded)]))), expected)
    }
  })

  test('another key does not open a token', () => {
    assert.equal(findReason(token, { nowSeconds: NOW }, new Fernet(Fernet.generateKey())), 'mac')
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

describe('Fernet keys', () => {
  test('a generated key is 44 characters of canonical base64url, and another each time', () => {
    const keys = Array.from({ length: 100 }, () => Fernet.generateKey())
    for (const key of keys) assert.match(key, /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]=$/)
    assert.equal(new Set(keys).size, 100)
  })

  test('every other spelling of a key is refused, without showing it', () => {
    const key = 'cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4='
    const spellings = [
      '',
      key.slice(0, -1),
      `${key}=`,
      `${key}\n`,
      ` ${key}`,
      key.replaceAll('_', '/').replaceAll('-', '+'),
      `${key.slice(0, 42)}5=`,
      `${key.slice(0, 43)}A`,
      `${key.slice(0, 42)}==`,
      `${key.slice(0, 20)} ${key.slice(21)}`,
      Buffer.from(key, 'base64url').toString('hex'),
    ]
    for (const spelling of spellings) {
      assertCode('KEY_REFUSED', 'key', () => new Fernet(spelling))
      assertCode('KEY_REFUSED', 'key', () => new Fernet([key, spelling]))
    }
    assert.throws(
      () => new Fernet(key.slice(0, -1)),
      (error) => !inspect(error, { showHidden: true }).includes(key.slice(0, 12)),
    )
  })

  test('32 bytes of material are the same key', () => {
    const material = new KeyMaterial(Buffer.from(SECRET, 'base64url'))
    assert.equal(toText(new Fernet(material).decrypt(token, { nowSeconds: NOW })), CANARY)
  })

  test('material of another length, or of zeros, is refused', () => {
    for (const bytes of [0, 16, 31, 33, 64]) {
      assertCode('KEY_REFUSED', 'key', () => new Fernet(new KeyMaterial(randomBytes(bytes))))
    }
    assertCode('KEY_REFUSED', 'key', () => new Fernet(new KeyMaterial(new Uint8Array(32))))
    assertCode('KEY_REFUSED', 'key', () => new Fernet(`${'A'.repeat(43)}=`))
  })

  test('a wiped key refuses everything and leaves the material of its owner', () => {
    const material = new KeyMaterial(Buffer.from(SECRET, 'base64url'))
    for (const source of [SECRET, material]) {
      const one = new Fernet(source)
      one.encrypt(CANARY)
      one.wipe()
      one.wipe()
      assertCode('KEY_REFUSED', 'key', () => one.encrypt(CANARY))
      assertCode('KEY_REFUSED', 'key', () => one.decrypt(token))
      assertCode('KEY_REFUSED', 'key', () => one.encryptMany([]))
      assertCode('KEY_REFUSED', 'key', () => one.decryptMany([]))
    }
    assert.equal(toText(new Fernet(material).decrypt(token, { nowSeconds: NOW })), CANARY)
  })

  test('a key refuses everything once its material is wiped', () => {
    const material = new KeyMaterial(randomBytes(32))
    const one = new Fernet(material)
    const made = one.encrypt(CANARY)
    material.wipe()
    assertCode('KEY_REFUSED', 'key', () => one.encrypt(CANARY))
    assertCode('KEY_REFUSED', 'key', () => one.decrypt(made))
  })

  test('`using` wipes at the end of the block', () => {
    const leaked: Fernet[] = []
    {
      using one = new Fernet(SECRET)
      leaked.push(one)
      assert.equal(findReason(one.encrypt(CANARY), {}, one), 'opened')
    }
    assertCode('KEY_REFUSED', 'key', () => leaked[0]!.encrypt(CANARY))
  })
})

function catchInvalid(run: () => unknown): InvalidToken {
  try {
    run()
  } catch (error) {
    if (error instanceof InvalidToken) return error
  }
  throw new Error('expected an InvalidToken')
}

function show(error: InvalidToken): string {
  const stackless = inspect(error).replaceAll(/\n\s+at .*/g, '')
  return [
    stackless,
    JSON.stringify(error),
    String(error),
    JSON.stringify(Object.assign({}, error)),
    Object.keys(error),
  ].join()
}

describe('what a Fernet error shows', () => {
  const refused: [InvalidTokenReason, () => unknown][] = [
    ['mac', () => new Fernet(Fernet.generateKey()).decrypt(token, { nowSeconds: NOW })],
    ['malformed', () => fernet.decrypt(token.slice(4), { nowSeconds: NOW })],
    ['oversized', () => fernet.decrypt('A'.repeat(22_369_724), { nowSeconds: NOW })],
    ['expired', () => fernet.decrypt(token, { nowSeconds: NOW + 9, ttlSeconds: 1 })],
    ['future', () => fernet.decrypt(token, { nowSeconds: NOW - 61 })],
    [
      'padding',
      () => fernet.decrypt(sign(Buffer.from(token, 'base64url').subarray(0, 41)), { nowSeconds: NOW }),
    ],
  ]

  test('every cause looks the same and differs in `reason` only', () => {
    const errors = refused.map(([, run]) => catchInvalid(run))
    assert.deepEqual(
      errors.map((error) => error.reason),
      refused.map(([reason]) => reason),
    )
    assert.equal(new Set(errors.map(show)).size, 1)
    for (const error of errors) assert.equal(error.code, 'DECRYPTION_FAILED')
  })

  test('neither keys, tokens nor plaintexts are in an error or in the object', () => {
    const shown = refused.map(([, run]) => inspect(catchInvalid(run), { showHidden: true, depth: 9 }))
    shown.push(
      inspect(fernet, { showHidden: true, depth: 9 }),
      JSON.stringify(fernet),
      JSON.stringify(Object.assign({}, fernet)),
    )
    const bytes = Buffer.from(SECRET, 'base64url')
    const secrets = [SECRET, token, CANARY, bytes.toString('hex'), '0, 1, 2, 3, 4', '00 01 02 03']
    for (const text of shown) for (const secret of secrets) assert.ok(!text.includes(secret))
  })
})
