import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import { inspect } from 'node:util'
import { Fernet, InvalidToken, type InvalidTokenReason } from '../../../src/crypto/fernet.ts'
import { CbcChain } from '../../../src/crypto/cbc-chain.ts'
import { FernetKey } from '../../../src/crypto/fernet-key.ts'
import { FramedHmac } from '../../../src/crypto/framed-hmac.ts'
import { KeyMaterial } from '../../../src/crypto/key-material.ts'
import { CoffreError } from '../../../src/model/errors.ts'
import { NOW, SECRET, CANARY, fernet, token, toText, sign, findReason, assertCode } from './fernet-sample.ts'

function isClosed(call: { readonly this: unknown }): boolean {
  return call.this instanceof CbcChain && !call.this.isOpen
}

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

  test('a retired key holds nothing of what it derived', (t) => {
    const close = t.mock.method(CbcChain.prototype, 'close')
    const wipe = t.mock.method(FramedHmac.prototype, 'wipe')
    const one = new FernetKey(new KeyMaterial(Buffer.from(SECRET, 'base64url')))
    const made = one.seal(CANARY, { timeSeconds: NOW })
    assert.equal(toText(one.open(made, { nowSeconds: NOW, ttlSeconds: undefined }) as Uint8Array), CANARY)
    one.retire()
    assert.deepEqual(close.mock.calls.map(isClosed), [true])
    assert.equal(wipe.mock.callCount(), 1)
    assertCode('KEY_REFUSED', 'key', () => one.seal(CANARY, { timeSeconds: NOW }))
  })

  test('a key whose bytes were erased is retired by its next use', (t) => {
    const close = t.mock.method(CbcChain.prototype, 'close')
    const material = new KeyMaterial(Buffer.from(SECRET, 'base64url'))
    const one = new FernetKey(material)
    const made = one.seal(CANARY, { timeSeconds: NOW })
    material.wipe()
    const opening = { nowSeconds: NOW, ttlSeconds: undefined }
    for (const use of [
      () => one.open(made, opening),
      () => one.openMany([made], opening),
      () => one.sealMany([CANARY], { timeSeconds: NOW }),
    ]) {
      assertCode('KEY_REFUSED', 'key', use)
    }
    assert.ok(close.mock.callCount() > 0 && close.mock.calls.every(isClosed))
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

  test('a mistake of the caller is told with what would be right', () => {
    const told: [() => unknown, object][] = [
      [() => new Fernet('x'), { at: 'key', expected: '44 characters of base64url: 32 bytes, with padding' }],
      [() => new Fernet([]), { at: 'key', expected: 'at least one key' }],
      [() => new Fernet(Array(65).fill(SECRET)), { at: 'key', maxKeys: 64 }],
      [() => new Fernet(new KeyMaterial(randomBytes(31))), { at: 'key', expected: '32 bytes' }],
      [
        () => new Fernet(new KeyMaterial(new Uint8Array(32))),
        { at: 'key', expected: 'bytes that were not erased' },
      ],
      [() => fernet.encrypt('', { nowSeconds: -1 }), { at: 'nowSeconds', expected: 'whole seconds, from 0' }],
      [
        () => fernet.decrypt(token, { ttlSeconds: 0.5 }),
        { at: 'ttlSeconds', expected: 'whole seconds, from 0' },
      ],
      [() => fernet.encrypt('\ud800'), { at: 'plaintext', expected: 'well-formed Unicode or a Uint8Array' }],
      [() => fernet.encrypt(new Uint8Array(2 ** 24 + 1)), { at: 'plaintext', maxBytes: 2 ** 24 }],
    ]
    for (const [run, facts] of told) {
      assert.throws(run, (error) => {
        assert.ok(error instanceof CoffreError)
        assert.deepEqual(error.facts, facts)
        return true
      })
    }
  })

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
