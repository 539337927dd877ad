import assert from 'node:assert/strict'
import crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import { describe, test } from 'node:test'
import { RSA_2048_PRIVATE_KEY, SELF_TEST_MESSAGE } from '../../../src/crypto/known-answer-data.ts'
import { algorithmFor } from '../../../src/crypto/algorithms.ts'
import { KeyMaterial } from '../../../src/crypto/key-material.ts'
import { runSelfTests } from '../../../src/crypto/self-test.ts'

type Library = Record<string, (...given: never[]) => unknown>
type Breaking = (real: (...given: unknown[]) => unknown) => (...given: unknown[]) => unknown

/** The known answers that do not come out while one function of node:crypto is another. */
function failuresWith(name: string, breaking: Breaking): readonly string[] {
  const results = withBroken(name, breaking, () => runSelfTests())
  return results.filter(({ passed }) => !passed).map((result) => result.name)
}

function withBroken<Answer>(name: string, breaking: Breaking, work: () => Answer): Answer {
  const library = crypto as unknown as Library
  const real = library[name]
  assert.ok(real !== undefined, name)
  library[name] = breaking(real as (...given: unknown[]) => unknown)
  syncBuiltinESMExports()
  try {
    return work()
  } finally {
    library[name] = real
    syncBuiltinESMExports()
  }
}

function flipFirst(bytes: ArrayBuffer | Uint8Array): Buffer {
  const flipped = Buffer.from(bytes as Uint8Array)
  if (flipped.length > 0) flipped[0] = (flipped[0] ?? 0) ^ 1
  return flipped
}

const wrongBytes: Breaking =
  (real) =>
  (...given) =>
    flipFirst(real(...given) as Uint8Array)

const moreInput: Breaking =
  (real) =>
  (...given) =>
    (real(...given) as crypto.Hash).update('more')

const wrongUpdate: Breaking =
  (real) =>
  (...given) => {
    const cipher = real(...given) as { update(...input: unknown[]): Buffer }
    const update = cipher.update.bind(cipher)
    cipher.update = (...input) => flipFirst(update(...input))
    return cipher
  }

/** As a library that never looks at a tag or a padding. */
const acceptsAll: Breaking =
  (real) =>
  (...given) =>
    Object.assign(real(...given) as object, { final: () => Buffer.alloc(0) })

const always =
  (answer: unknown): Breaking =>
  () =>
  () =>
    answer

const SIGNATURES = ['ecdsa-p256', 'ecdsa-p384', 'ecdsa-p521']
const MACS = ['hmac-sha256', 'hmac-sha384', 'hmac-sha512']
const DIGESTS = ['sha256', 'sha384', 'sha512']

describe('a library that answers wrongly is found out', () => {
  const cases: readonly [string, string, Breaking, readonly string[]][] = [
    ['hashes other bytes', 'createHash', moreInput, DIGESTS],
    ['authenticates other bytes', 'createHmac', moreInput, [...MACS, 'chunked', 'aes256-gcm']],
    ['derives other bytes by HKDF', 'hkdfSync', wrongBytes, ['hkdf-sha256']],
    ['derives other bytes by PBKDF2', 'pbkdf2Sync', wrongBytes, ['pbkdf2-sha256']],
    ['derives other bytes by scrypt', 'scryptSync', wrongBytes, ['scrypt']],
    ['derives other bytes by Argon2id', 'argon2Sync', wrongBytes, ['argon2id']],
    ['encrypts to other bytes', 'createCipheriv', wrongUpdate, ['aes-gcm', 'aes256-kw', 'aes256-kwp']],
    ['agrees on other bytes', 'diffieHellman', wrongBytes, ['x25519']],
    ['signs other bytes', 'sign', wrongBytes, ['rsa-pss', 'ed25519']],
    ['believes every signature', 'verify', always(true), ['rsa-pss', ...SIGNATURES]],
    ['believes no signature', 'verify', always(false), ['rsa-pss', ...SIGNATURES, 'ed25519']],
    ['opens every block', 'privateDecrypt', always(Buffer.from(SELF_TEST_MESSAGE)), ['rsa-oaep']],
    ['opens blocks to other bytes', 'privateDecrypt', wrongBytes, ['rsa-oaep']],
    ['encrypts blocks of other bytes', 'publicEncrypt', wrongBytes, ['rsa-oaep']],
    ['finds all tags equal', 'timingSafeEqual', always(true), MACS],
  ]
  for (const [what, name, breaking, expected] of cases) {
    test(`that ${what}`, () => {
      assert.deepEqual(failuresWith(name, breaking), expected)
      assert.deepEqual(
        failuresWith(name, (real) => real),
        [],
      )
    })
  }
  test('that decrypts to other bytes, or whatever the tag', () => {
    const opened = ['aes-gcm', 'aes256-kw', 'aes256-kwp', 'chunked', 'aes256-gcm']
    assert.deepEqual(failuresWith('createDecipheriv', wrongUpdate), opened)
    assert.deepEqual(failuresWith('createDecipheriv', acceptsAll), ['aes-gcm', 'aes256-gcm'])
  })
})

describe('a library that errs', () => {
  test('does not get a wrong signature out', async () => {
    for (const name of ['ed25519', 'ecdsa-p256', 'rsa-2048'] as const) {
      const { signing } = algorithmFor(name)
      const material = await materialFor(name)
      const sign = () => signing?.sign(material, Buffer.from('a message'))
      assert.ok(sign() !== undefined)
      assert.throws(() => withBroken('sign', wrongBytes, sign), {
        code: 'INTERNAL',
        facts: { check: 'signature-before-release' },
      })
    }
  })
  test('does not agree on nothing', async () => {
    const row = algorithmFor('x25519')
    const [own, peer] = [await row.generate(), await row.generate()]
    const agree = () => row.agreement?.agree(own, row.publicKey?.(peer) ?? new Uint8Array(0))
    assert.equal(agree()?.length, 32)
    const refused = { code: 'KEY_REFUSED' }
    assert.throws(() => withBroken('diffieHellman', always(Buffer.alloc(32)), agree), refused)
    assert.equal(withBroken('diffieHellman', always(Buffer.from([0, 0, 1])), agree)?.length, 3)
  })
})

function materialFor(name: 'ed25519' | 'ecdsa-p256' | 'rsa-2048'): Promise<KeyMaterial> | KeyMaterial {
  const known = new KeyMaterial(Buffer.from(RSA_2048_PRIVATE_KEY, 'base64'))
  return name === 'rsa-2048' ? known : algorithmFor(name).generate()
}
