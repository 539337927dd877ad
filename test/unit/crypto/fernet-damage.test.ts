import assert from 'node:assert/strict'
import { createCipheriv } from 'node:crypto'
import { describe, test } from 'node:test'
import { Fernet } from '../../../src/crypto/fernet.ts'
import { NOW, SECRET, CANARY, fernet, token, toText, toToken, sign, findReason } from './fernet-sample.ts'

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
