import assert from 'node:assert/strict'
import { test } from 'node:test'
import { algorithmFor } from '../../src/crypto/algorithms.ts'
import { KeyMaterial } from '../../src/crypto/key-material.ts'

const KEY = '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f'
const INNER = '00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f'

/** RFC 3394: the sections with a key of 256 bits. */
const CASES = [
  { section: '4.3', innerBytes: 16, blob: '64e8c3f9ce0f5ba263e9777905818a2a93c8191e7d6e8ae7' },
  {
    section: '4.5',
    innerBytes: 24,
    blob: 'a8f9bc1612c68b3ff6e6f4fbe30e71e4769c8b80a32cb8958cd5d17d6b254da1',
  },
  {
    section: '4.6',
    innerBytes: 32,
    blob: '28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21',
  },
]

function material(hex: string): KeyMaterial {
  return new KeyMaterial(Buffer.from(hex, 'hex'))
}

for (const { section, innerBytes, blob } of CASES) {
  test(`RFC 3394, section ${section}: the row wraps to this blob and back`, () => {
    const wrapping = algorithmFor('aes256-kw').wrapping!
    const inner = material(INNER.slice(0, innerBytes * 2))
    assert.equal(Buffer.from(wrapping.wrap(material(KEY), inner)).toString('hex'), blob)
    assert.equal(wrapping.unwrap(material(KEY), Buffer.from(blob, 'hex'))?.equals(inner), true)
  })
}

test('RFC 5649, section 6: its keys of 192 bits are refused by the row', (context) => {
  const key = material('5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8')
  assert.throws(() => algorithmFor('aes256-kwp').check(key), { code: 'KEY_REFUSED' })
  assert.throws(() => algorithmFor('aes256-kwp').wrapping!.wrap(key, material('466f7250617369')))
  context.diagnostic(
    'vectors: RFC 5649 not expressible: both examples have a key of 192 bits; see aes_kwp_test.json',
  )
})
