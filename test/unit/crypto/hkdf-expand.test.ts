import assert from 'node:assert/strict'
import { createHmac, hkdfSync } from 'node:crypto'
import { describe, test } from 'node:test'
import { hkdfExpand } from '../../../src/crypto/hkdf-expand.ts'
import { KeyMaterial } from '../../../src/crypto/key-material.ts'
import { hasCode } from '../../../src/model/errors.ts'

const fromHex = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'))
const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

/** RFC 5869, appendix A, the SHA-256 cases. */
const RFC_CASES = [
  {
    name: 'A.1',
    prk: '077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5',
    info: 'f0f1f2f3f4f5f6f7f8f9',
    okm: '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865',
  },
  {
    name: 'A.2',
    prk: '06a6b88c5853361a06104c9ceb35b45cef760014904671014a193f40c15fc244',
    info: Array.from({ length: 80 }, (_, index) => (0xb0 + index).toString(16)).join(''),
    okm:
      'b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09' +
      'da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87',
  },
  {
    name: 'A.3',
    prk: '19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04',
    info: '',
    okm: '8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8',
  },
] as const

describe('HKDF-Expand', () => {
  for (const { name, prk, info, okm } of RFC_CASES) {
    test(`gives the output of RFC 5869, ${name}, from bytes and from key material`, () => {
      const length = okm.length / 2
      const key = fromHex(prk)
      assert.equal(toHex(hkdfExpand(key, fromHex(info), length, 'sha256')), okm)
      assert.equal(toHex(hkdfExpand(new KeyMaterial(key), fromHex(info), length, 'sha256')), okm)
      assert.equal(toHex(key), prk, 'the key is left as it was')
    })
  }

  test('agrees with the whole HKDF of Node for every hash, up to the longest output', () => {
    const salt = new Uint8Array(20).fill(1)
    const ikm = new Uint8Array(40).fill(2)
    const info = new Uint8Array(30).fill(3)
    for (const [hash, bytes] of [
      ['sha256', 32],
      ['sha384', 48],
      ['sha512', 64],
    ] as const) {
      const prk = extract(hash, salt, ikm)
      for (const length of [1, bytes - 1, bytes, bytes + 1, 255 * bytes]) {
        const expected = new Uint8Array(hkdfSync(hash, ikm, salt, info, length))
        assert.deepEqual(hkdfExpand(prk, info, length, hash), expected)
      }
    }
  })

  test('refuses lengths that its one-byte counter cannot number', () => {
    for (const length of [0, -1, 1.5, Number.NaN, 255 * 64 + 1]) {
      assert.throws(
        () => hkdfExpand(new Uint8Array(32), new Uint8Array(0), length, 'sha512'),
        (error) => hasCode(error, 'PARAMETERS_REFUSED'),
      )
    }
  })
})

function extract(hash: string, salt: Uint8Array, ikm: Uint8Array): Uint8Array {
  return createHmac(hash, salt).update(ikm).digest()
}
