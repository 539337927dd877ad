import assert from 'node:assert/strict'
import { hkdfSync } from 'node:crypto'
import { test } from 'node:test'
import { equalText } from '../../../src/crypto/equal-text.ts'
import { KeyMaterial, rawBytes } from '../../../src/crypto/key-material.ts'
import { fillRandom, randomBytes, randomText } from '../../../src/crypto/random.ts'
import { deriveSecretSubkey, nameSecret, secretKeyMaterial } from '../../../src/crypto/secret-key.ts'

const TEXT = 'clé-of-an-application-5f2d9c7b1e'
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

test('a secret that is a text is its UTF-8', () => {
  assert.equal(hex(rawBytes(secretKeyMaterial(TEXT))), hex(Buffer.from(TEXT)))
})

test('what is derived of a secret is HKDF-SHA-256 without a salt, of its purpose', () => {
  const secret = secretKeyMaterial(TEXT)
  const expand = (info: string, bytes: number) => Buffer.from(hkdfSync('sha256', TEXT, '', info, bytes))
  assert.equal(hex(rawBytes(deriveSecretSubkey(secret, 'sign'))), hex(expand('sign', 32)))
  assert.notEqual(hex(rawBytes(deriveSecretSubkey(secret, 'encrypt'))), hex(expand('sign', 32)))
  assert.equal(nameSecret(secret, 'name', 18), expand('name', 18).toString('base64url'))
})

test('a name of a secret leaves no key behind, and the secret as it is', (t) => {
  const secret = secretKeyMaterial(TEXT)
  const wipe = t.mock.method(KeyMaterial.prototype, 'wipe')
  nameSecret(secret, 'name', 18)
  assert.deepEqual(
    wipe.mock.calls.map((call) => call.this === secret),
    [false],
  )
  assert.equal(rawBytes(secret).length, Buffer.byteLength(TEXT))
})

test('texts are equal where every byte is, whatever their lengths', () => {
  for (const [one, other, isEqual] of [
    ['', '', true],
    ['clé', 'clé', true],
    ['clé', 'cle', false],
    ['clé', 'clf\u00e9', false],
    ['abc', 'abd', false],
    ['abc', 'ab', false],
    ['', 'a', false],
  ] as const) {
    assert.equal(equalText(one, other), isEqual, `${one} ${other}`)
  }
})

test('a random text has every letter of its alphabet and no other, and is another each time', () => {
  const texts = Array.from({ length: 200 }, () => randomText('abcdé', 20))
  assert.ok(texts.every((text) => text.length === 20))
  assert.equal(new Set(texts).size, 200)
  assert.deepEqual([...new Set(texts.join(''))].toSorted(), ['a', 'b', 'c', 'd', 'é'])
  assert.equal(randomText('abc', 0), '')
})

test('random bytes are drawn where they were asked for, small and large, and never twice', () => {
  for (const length of [12, 4_096, 12 * 1024, 12 * 1024 + 1]) {
    const seen = Array.from({ length: 9 }, () => {
      const target = new Uint8Array(length + 8)
      fillRandom(target, 4, length)
      assert.deepEqual([hex(target.subarray(0, 4)), hex(target.subarray(-4))], ['00000000', '00000000'])
      return hex(target.subarray(4, -4))
    })
    assert.equal(new Set(seen).size, 9)
    // Every piece of it, of which sixteen zeros are none.
    for (const text of seen) assert.doesNotMatch(text, /0{32}/)
  }
  const rest = new Uint8Array(40)
  fillRandom(rest, 8)
  assert.equal(hex(rest.subarray(0, 8)), '00'.repeat(8))
  assert.notEqual(hex(rest.subarray(24)), '00'.repeat(16))
  assert.notEqual(hex(randomBytes(16)), hex(randomBytes(16)))
})
