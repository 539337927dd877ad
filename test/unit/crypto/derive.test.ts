import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  DEFAULT_ARGON2ID,
  DEFAULT_PBKDF2,
  DEFAULT_SCRYPT,
  deriveArgon2id,
  deriveHkdf,
  derivePbkdf2,
  deriveScrypt,
  type Password,
} from '../../../src/crypto/derive.ts'
import { deriveArgon2idUnchecked } from '../../../src/crypto/derive-unchecked.ts'
import { KeyMaterial } from '../../../src/crypto/key-material.ts'
import { randomKeyMaterial } from '../../../src/crypto/random.ts'
import { CoffreError } from '../../../src/model/errors.ts'
import { Secret } from '../../../src/model/secret.ts'

const salt = Buffer.alloc(16, 1)
const password = new Secret('correct horse')
const pbkdf2 = { ...DEFAULT_PBKDF2, salt, length: 32 }
const scrypt = { ...DEFAULT_SCRYPT, salt, length: 32 }
const argon2id = { ...DEFAULT_ARGON2ID, salt, length: 32 }
const hkdf = { digest: 'sha256', salt, info: Buffer.from('a use'), length: 32 } as const

function names(parameter: string) {
  return (error: unknown): boolean => {
    assert.ok(error instanceof CoffreError)
    assert.equal(error.code, 'PARAMETERS_REFUSED')
    assert.equal(error.facts['parameter'], parameter)
    return true
  }
}

const WRONG_SALTS = [{ salt: Buffer.alloc(15, 1) }, { salt: Buffer.alloc(1_025, 1) }] as const
const WRONG_LENGTHS = [{ length: 15 }, { length: 65 }, { length: 32.5 }] as const

describe('parameters below the floor or above the ceiling are refused', () => {
  test('by PBKDF2', async () => {
    const wrong = [{ iterations: 599_999 }, { iterations: 10_000_001 }, { iterations: Number.NaN }]
    for (const change of [...wrong, ...WRONG_SALTS, ...WRONG_LENGTHS]) {
      await assert.rejects(derivePbkdf2(password, { ...pbkdf2, ...change }), names(Object.keys(change)[0]!))
    }
  })

  test('by scrypt', async () => {
    const wrong = [
      { costLog2: 16 },
      { costLog2: 21 },
      { blockSize: 7 },
      { blockSize: 17 },
      { parallelism: 0 },
      { parallelism: 5 },
    ]
    for (const change of [...wrong, ...WRONG_SALTS, ...WRONG_LENGTHS]) {
      await assert.rejects(deriveScrypt(password, { ...scrypt, ...change }), names(Object.keys(change)[0]!))
    }
    await assert.rejects(
      deriveScrypt(password, { ...scrypt, costLog2: 20, blockSize: 16 }),
      names('memoryBytes'),
    )
  })

  test('by Argon2id', async () => {
    const wrong = [
      { memoryKib: 19_455 },
      { memoryKib: 1_048_577 },
      { memoryKib: 2 ** 32 },
      { passes: 1 },
      { passes: 11 },
      { parallelism: 0 },
      { parallelism: 17 },
    ]
    for (const change of [...wrong, ...WRONG_SALTS, ...WRONG_LENGTHS]) {
      await assert.rejects(
        deriveArgon2id(password, { ...argon2id, ...change }),
        names(Object.keys(change)[0]!),
      )
    }
  })

  test('by HKDF', () => {
    const key = randomKeyMaterial(32)
    const wrong = [
      { length: 15 },
      { length: 255 * 32 + 1 },
      { salt: Buffer.alloc(1_025) },
      { info: Buffer.alloc(1_025) },
    ]
    for (const change of wrong) {
      assert.throws(() => deriveHkdf(key, { ...hkdf, ...change }), names(Object.keys(change)[0]!))
    }
    assert.throws(() => deriveHkdf(randomKeyMaterial(15), hkdf), names('inputKey'))
    assert.throws(() => deriveHkdf(randomKeyMaterial(1_025), hkdf), names('inputKey'))
  })
})

test('a digest that does not exist is refused', async () => {
  const digest = 'md5'
  // @ts-expect-error: a name that escaped the type, as from a stored record.
  await assert.rejects(derivePbkdf2(password, { ...pbkdf2, digest }), { code: 'ALGORITHM_UNSUPPORTED' })
  // @ts-expect-error: the same.
  assert.throws(() => deriveHkdf(randomKeyMaterial(32), { ...hkdf, digest }), {
    code: 'ALGORITHM_UNSUPPORTED',
  })
})

test('the defaults lie within the bounds, and give the key that they always gave', async () => {
  const [one, two, three] = await Promise.all([
    derivePbkdf2(password, pbkdf2),
    deriveScrypt(password, scrypt),
    deriveArgon2id(password, argon2id),
  ])
  for (const [derived, expected] of [
    [one, '82d4d9f5358e09117f5a0a9d4ac271b3eb60a2e08a77ddaf1482bf74006bd5c4'],
    [two, '061361b062c4759f70cefc9509dc3d3b527faa36acc230229ceb8682e0015953'],
    [three, 'dcc3ec3ce0901fcc6f65123e4abe2793a4638f8c4688d557fac29554b038ced3'],
  ] as const) {
    assert.equal(derived.equals(new KeyMaterial(Buffer.from(expected, 'hex'))), true)
  }
})

test('an empty password, and one above 1,024 bytes, is refused', async () => {
  const long: Password[] = [
    new Secret('x'.repeat(1_025)),
    new Secret('é'.repeat(513)),
    Buffer.alloc(1_025, 1),
  ]
  for (const wrong of [new Secret(''), new Uint8Array(0), ...long]) {
    await assert.rejects(deriveArgon2id(wrong, argon2id), names('password'))
  }
})

test('one passphrase gives one key however its letters are composed, and as text or bytes', async () => {
  const cheap = { ...argon2id, memoryKib: 19_456, passes: 2 }
  const spellings = [
    new Secret('caf\u00e9'),
    new Secret('cafe\u0301'),
    new Secret(Buffer.from('caf\u00e9')),
    Buffer.from('caf\u00e9'),
  ]
  const keys = await Promise.all(spellings.map((spelling) => deriveArgon2id(spelling, cheap)))
  for (const key of keys) assert.equal(key.equals(keys[0]!), true)
})

test("the caller's password bytes are left as they are", async () => {
  const bytes = Buffer.from('mine')
  await deriveArgon2id(bytes, { ...argon2id, memoryKib: 19_456, passes: 2 })
  assert.equal(bytes.toString(), 'mine')
})

test('HKDF keeps keys of different uses apart', () => {
  const key = randomKeyMaterial(32)
  const derived = deriveHkdf(key, hkdf)
  assert.equal(derived.equals(deriveHkdf(key, hkdf)), true)
  assert.equal(derived.equals(deriveHkdf(key, { ...hkdf, info: Buffer.from('another use') })), false)
})

test('derivation leaves the event loop free', async () => {
  let turns = 0
  const turn = setInterval(() => (turns += 1), 1)
  await deriveArgon2idUnchecked(Buffer.from('x'), argon2id)
  clearInterval(turn)
  assert.ok(turns > 0)
})
