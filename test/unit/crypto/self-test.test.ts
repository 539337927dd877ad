import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KNOWN_ANSWERS, type KnownAnswer } from '../../../src/crypto/known-answer.ts'
import { requireSelfTests, runSelfTests } from '../../../src/crypto/self-test.ts'

const broken: KnownAnswer = { name: 'broken', run: () => false }
const throwing: KnownAnswer = {
  name: 'throwing',
  run() {
    throw new Error('the library is missing')
  },
}

test('every known answer comes out on this machine', (context) => {
  const results = runSelfTests()
  assert.ok(results.length >= 20)
  assert.deepEqual(
    results.filter((result) => !result.passed),
    [],
  )
  assert.equal(new Set(results.map((result) => result.name)).size, results.length)
  const total = results.reduce((sum, result) => sum + result.milliseconds, 0)
  context.diagnostic(`self-tests: ${results.length} in ${total.toFixed(0)} ms`)
  requireSelfTests()
})

test('one wrong answer, or one that throws, stops the start and is named', () => {
  for (const bad of [broken, throwing]) {
    assert.throws(() => requireSelfTests([...KNOWN_ANSWERS.slice(0, 2), bad]), {
      code: 'SELF_TEST_FAILED',
      facts: { test: bad.name },
    })
  }
  assert.deepEqual(
    runSelfTests([throwing, broken]).map(({ name, passed }) => ({ name, passed })),
    [
      { name: 'throwing', passed: false },
      { name: 'broken', passed: false },
    ],
  )
})

test('every kind of algorithm has a known answer', () => {
  const names = KNOWN_ANSWERS.map((answer) => answer.name)
  for (const name of [
    'aes256-gcm',
    'fernet',
    'hmac-sha256',
    'rsa-pss',
    'rsa-oaep',
    'ecdsa-p256',
    'ed25519',
    'x25519',
  ]) {
    assert.ok(names.includes(name), name)
  }
})
