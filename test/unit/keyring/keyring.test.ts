import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { VersionKey } from '../../../src/crypto/algorithm.ts'
import { KeyMaterial } from '../../../src/crypto/key-material.ts'
import { Keyring } from '../../../src/keyring/keyring.ts'
import { Refusal } from '../../../src/keyring/refusal.ts'
import {
  destroyVersion,
  moveKey,
  rotateKey,
  scheduleDestroy,
  setFloor,
} from '../../../src/keyring/rotation.ts'
import { toInstant } from '../../../src/model/clock.ts'
import type { Key } from '../../../src/model/key.ts'
import { sampleKey, versionNumber } from '../../conformance/store/sample.ts'

const now = toInstant(1_900_000_000_000)

type Step = (key: Key) => Key | Refusal

const rotate: Step = (key) => rotateKey(key, { now })
const suspend: Step = (key) => moveKey(key, 'suspend', { now })
const compromise: Step = (key) => moveKey(key, 'compromise', { now })
const deactivate: Step = (key) => moveKey(key, 'deactivate', { now })
const schedule: Step = (key) => scheduleDestroy(key, 7, now)
const floor =
  (version: number): Step =>
  (key) =>
    setFloor(key, version, now)
const destroy =
  (version: number): Step =>
  (key) =>
    destroyVersion(key, version, now)

/** A keyring after all steps, each of which must succeed, with a material for every version that has one. */
function keyringAfter(...steps: readonly Step[]): Keyring {
  const key = steps.reduce((before, step) => {
    const after = step(before)
    return after instanceof Refusal ? assert.fail(after.code) : after
  }, sampleKey())
  const kept = key.versions.filter(({ state }) => state.name !== 'destroyed')
  return new Keyring(key, new Map(kept.map(({ version }) => [version, materialFor(version)])))
}

function materialFor(version: number): KeyMaterial {
  return new KeyMaterial(new Uint8Array(32).fill(version))
}

function given(answer: VersionKey | Refusal): VersionKey {
  return answer instanceof Refusal ? assert.fail(answer.code) : answer
}

function refused(answer: unknown): { readonly code: string; readonly facts: object } {
  assert.ok(answer instanceof Refusal, 'it was allowed')
  return { code: answer.code, facts: answer.facts }
}

describe('the version that protects', () => {
  test('is the current one, with its own material and the names of the key', () => {
    const keyring = keyringAfter(rotate)
    const { id, tenant, purpose } = keyring.key
    const { material, ...named } = given(keyring.forProtecting())
    assert.deepEqual(named, { tenant, keyId: id, version: 2, purpose })
    assert.ok(material.equals(materialFor(2)))
  })
  test('is missing while the key is suspended, was stopped, or has none that is current', () => {
    const code = 'KEY_VERSION_UNUSABLE'
    assert.deepEqual(refused(keyringAfter(suspend).forProtecting()), { code: 'KEY_SUSPENDED', facts: {} })
    assert.deepEqual(refused(keyringAfter(schedule).forProtecting()).code, 'KEY_PENDING_DESTRUCTION')
    assert.deepEqual(refused(keyringAfter(compromise).forProtecting()), {
      code,
      facts: { state: 'compromised' },
    })
  })
})

describe('the version that a ciphertext names', () => {
  test('reads with its own material, the floor included', () => {
    const keyring = keyringAfter(rotate, rotate, floor(2))
    for (const version of [2, 3]) {
      const found = given(keyring.forReading(version, 'process'))
      assert.equal(found.version, version)
      assert.ok(found.material.equals(materialFor(version)))
    }
  })
  test('does not read below the floor', () => {
    assert.deepEqual(refused(keyringAfter(rotate, rotate, floor(2)).forReading(1, 'process')), {
      code: 'KEY_VERSION_UNUSABLE',
      facts: { version: 1, state: 'deactivated' },
    })
  })
  test('reads when it is compromised, but proves nothing', () => {
    const keyring = keyringAfter(compromise)
    assert.equal(given(keyring.forReading(1, 'process')).version, 1)
    assert.deepEqual(refused(keyring.forReading(1, 'verify')), {
      code: 'KEY_VERSION_UNUSABLE',
      facts: { version: 1, state: 'compromised' },
    })
  })
  test('is refused by its own name when it never was, is suspended, or the whole key was stopped', () => {
    const codes = [
      keyringAfter(rotate).forReading(3, 'process'),
      keyringAfter(rotate, suspend).forReading(1, 'process'),
      keyringAfter(rotate, schedule).forReading(1, 'process'),
    ].map((answer) => refused(answer).code)
    assert.deepEqual(codes, ['KEY_VERSION_NOT_FOUND', 'KEY_SUSPENDED', 'KEY_PENDING_DESTRUCTION'])
  })
})

describe('the versions that may be tried', () => {
  const versionsOf = (keyring: Keyring, use: 'process' | 'verify') => {
    const found = keyring.candidates(use)
    return found instanceof Refusal ? assert.fail(found.code) : found.map(({ version }) => version)
  }
  test('are those that read, newest first, down to the floor', () => {
    assert.deepEqual(versionsOf(keyringAfter(rotate, rotate, floor(2)), 'process'), [3, 2])
    assert.deepEqual(versionsOf(keyringAfter(rotate, floor(2), destroy(1), rotate), 'process'), [3, 2])
  })
  test('are fewer for a signature than for data', () => {
    const keyring = keyringAfter(rotate, compromise)
    assert.deepEqual(versionsOf(keyring, 'process'), [2, 1])
    assert.deepEqual(versionsOf(keyring, 'verify'), [1])
  })
  test('are none while the key is suspended, was stopped, or only proves nothing', () => {
    const answers = [
      keyringAfter(rotate, suspend).candidates('process'),
      keyringAfter(schedule).candidates('process'),
      keyringAfter(deactivate, compromised(1)).candidates('verify'),
    ].map(refused)
    assert.deepEqual(answers, [
      { code: 'KEY_SUSPENDED', facts: {} },
      { code: 'KEY_PENDING_DESTRUCTION', facts: {} },
      { code: 'KEY_VERSION_UNUSABLE', facts: { state: 'compromised' } },
    ])
  })
})

function compromised(version: number): Step {
  return (key) => moveKey(key, 'compromise', { now, version })
}

test('a keyring hands its materials to the next, and wiping it wipes them all', () => {
  const keyring = keyringAfter(rotate, floor(2), destroy(1))
  const material = keyring.materialOf(versionNumber(2))
  assert.ok(material?.equals(materialFor(2)))
  assert.equal(keyring.materialOf(versionNumber(1)), undefined)
  keyring.wipe()
  assert.throws(() => material?.secretKey())
})
