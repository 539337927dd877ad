import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Algorithm } from '../../../src/crypto/algorithm.ts'
import { ALGORITHMS, algorithmByCode, algorithmFor } from '../../../src/crypto/algorithms.ts'
import { ALGORITHM_NAMES, type AlgorithmName, type KeyPurpose } from '../../../src/model/algorithm-name.ts'

/** Released codes: they stand in stored bytes, so a change here breaks old data. */
const CODES: Readonly<Record<AlgorithmName, number>> = {
  'aes256-gcm': 1,
  fernet: 2,
  'hmac-sha256': 3,
  'hmac-sha384': 4,
  'hmac-sha512': 5,
  'rsa-2048': 6,
  'rsa-3072': 7,
  'rsa-4096': 8,
  'ecdsa-p256': 9,
  'ecdsa-p384': 10,
  'ecdsa-p521': 11,
  ed25519: 12,
  x25519: 13,
  'aes256-kw': 14,
  'aes256-kwp': 15,
}

const CAPABILITY = {
  encrypt: 'encryption',
  sign: 'signing',
  mac: 'mac',
  derive: 'agreement',
  wrap: 'wrapping',
} as const satisfies Record<KeyPurpose, keyof Algorithm>

test('every algorithm has one row, and its code never changes', () => {
  assert.deepEqual(
    ALGORITHMS.map((row) => row.name),
    [...ALGORITHM_NAMES],
  )
  for (const row of ALGORITHMS) {
    assert.equal(row.code, CODES[row.name])
    assert.equal(algorithmByCode(row.code), row)
    assert.equal(algorithmFor(row.name), row)
  }
})

test('a name or a code that does not exist finds no row', () => {
  for (const name of ['', 'toString', '__proto__', 'AES256-GCM']) {
    // @ts-expect-error: a name that escaped the type, as from a damaged record.
    assert.throws(() => algorithmFor(name), { code: 'ALGORITHM_UNSUPPORTED' })
  }
  for (const code of [0, 16, 255, -1, 1.5]) assert.equal(algorithmByCode(code), undefined)
})

test('every row has the capability that each of its purposes needs, and a bound on its uses', () => {
  for (const row of ALGORITHMS) {
    assert.ok(row.purposes.length > 0, row.name)
    for (const purpose of row.purposes) assert.notEqual(row[CAPABILITY[purpose]], undefined, row.name)
    assert.ok(Number.isSafeInteger(row.maxUses) && row.maxUses > 0, row.name)
    assert.ok(row.securityBits >= 112, row.name)
  }
})

test('a row accepts the keys that it generates, and two are never equal', async () => {
  const generating = ALGORITHMS.filter((row) => row.generates)
  assert.equal(generating.length, ALGORITHMS.length - 2)
  for (const row of generating) {
    const [one, other] = await Promise.all([row.generate(), row.generate()])
    row.check(one)
    assert.equal(one.equals(other), false, row.name)
  }
})

test('RSA keys of 2048 and 3072 bits are imported only', async () => {
  for (const name of ['rsa-2048', 'rsa-3072'] as const) {
    assert.equal(algorithmFor(name).generates, false)
    await assert.rejects(algorithmFor(name).generate(), { code: 'ALGORITHM_UNSUPPORTED' })
  }
})

test('the event loop turns while an RSA key is generated', async () => {
  let turns = 0
  const turn = setInterval(() => (turns += 1), 1)
  await algorithmFor('rsa-4096').generate()
  clearInterval(turn)
  assert.ok(turns > 0)
})
