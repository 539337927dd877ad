import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { VersionKey } from '../../src/crypto/algorithm.ts'
import { algorithmFor } from '../../src/crypto/algorithms.ts'
import { encodeHeader, readTextHeader } from '../../src/crypto/ciphertext-header.ts'
import { encodePairs } from '../../src/crypto/context.ts'
import { KeyMaterial } from '../../src/crypto/key-material.ts'
import { randomBytes } from '../../src/crypto/random.ts'
import { DEFAULT_TENANT, parseKeyId, parseVersionNumber } from '../../src/model/ids.ts'

const RUNS = 300
const MAX_VERSION = 2 ** 31 - 1

/** Well-formed text of every plane, as readContext lets it through. */
const text = fc.string({ unit: 'grapheme', maxLength: 12 })
const context = fc.dictionary(text, text, { maxKeys: 5, noNullPrototype: true })
const plaintext = fc.uint8Array({ maxLength: 300 })
const keyId = fc.uuid().map(parseKeyId)
const version = fc.integer({ min: 1, max: MAX_VERSION }).map(parseVersionNumber)

const bytes = randomBytes(32)
const row = algorithmFor('aes256-gcm')
const encryption = row.encryption ?? assert.fail()

function keyOf(id: VersionKey['keyId'], number: VersionKey['version']): VersionKey {
  // What is derived from a material belongs to one version, so each has its own, here with the same bytes.
  const material = new KeyMaterial(bytes)
  return { tenant: DEFAULT_TENANT, keyId: id, version: number, purpose: 'encrypt', material }
}

describe('whatever is encrypted', () => {
  test('opens to itself under its key, version and context', () => {
    fc.assert(
      fc.property(keyId, version, plaintext, context, (id, number, plain, pairs) => {
        const key = keyOf(id, number)
        const [ciphertext = ''] = encryption.sealMany(key, [{ plaintext: plain, context: pairs }])
        const header = readTextHeader(ciphertext)
        assert.deepEqual(header, { construction: 'message', keyId: id, version: number })
        assert.ok(
          Buffer.from(ciphertext, 'base64url')
            .subarray(0, 24)
            .equals(encodeHeader(header ?? assert.fail())),
        )
        const again = Object.fromEntries(Object.entries(pairs).toReversed())
        const [opened] = encryption.openMany(key, [{ ciphertext, context: again }])
        assert.deepEqual(Buffer.from(opened ?? assert.fail()), Buffer.from(plain))
      }),
      { numRuns: RUNS },
    )
  })

  test('opens under no other version and no other context', () => {
    fc.assert(
      fc.property(keyId, version, context, context, (id, number, pairs, other) => {
        const key = keyOf(id, number)
        const [ciphertext = ''] = encryption.sealMany(key, [{ plaintext: Buffer.from('x'), context: pairs }])
        const next = keyOf(id, parseVersionNumber(number === MAX_VERSION ? 1 : number + 1))
        assert.deepEqual(encryption.openMany(next, [{ ciphertext, context: pairs }]), [undefined])
        const [opened] = encryption.openMany(key, [{ ciphertext, context: other }])
        assert.equal(opened !== undefined, samePairs(pairs, other))
      }),
      { numRuns: RUNS },
    )
  })
})

test('two contexts have one encoding exactly when they have the same pairs', () => {
  // Few letters, so that names and values meet at every border.
  const short = fc.string({ unit: fc.constantFrom('a', 'b', 'é', '😀', '\0'), maxLength: 3 })
  const small = fc.dictionary(short, short, { maxKeys: 3, noNullPrototype: true })
  fc.assert(
    fc.property(small, small, (left, right) => {
      const same = Buffer.compare(encodePairs(left), encodePairs(right)) === 0
      assert.equal(same, samePairs(left, right))
    }),
    { numRuns: 5_000 },
  )
})

function samePairs(left: Readonly<Record<string, string>>, right: Readonly<Record<string, string>>): boolean {
  const names = Object.keys(left)
  return (
    names.length === Object.keys(right).length &&
    names.every((name) => Object.hasOwn(right, name) && left[name] === right[name])
  )
}
