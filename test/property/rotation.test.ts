import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Refusal } from '../../src/keyring/refusal.ts'
import * as rotation from '../../src/keyring/rotation.ts'
import { toInstant } from '../../src/model/clock.ts'
import type { Key } from '../../src/model/key.ts'
import { sampleKey } from '../conformance/store/sample.ts'

const now = toInstant(1_900_000_000_000)

type Step = (key: Key, version: number) => Key | Refusal

/** Without store or material, so that thousands of lives take a second. Often used moves come twice. */
const STEPS: Readonly<Record<string, Step>> = {
  rotate: (key) => rotation.rotateKey(key, { now }),
  rotateAgain: (key) => rotation.rotateKey(key, { now }),
  rollback: (key) => rotation.rollbackKey(key, { now }),
  rollbackTo: (key, version) => rotation.rollbackKey(key, { now, version }),
  suspend: (key) => rotation.moveKey(key, 'suspend', { now }),
  suspendOne: (key, version) => rotation.moveKey(key, 'suspend', { now, version }),
  resume: (key) => rotation.moveKey(key, 'resume', { now }),
  resumeOne: (key, version) => rotation.moveKey(key, 'resume', { now, version }),
  deactivateOne: (key, version) => rotation.moveKey(key, 'deactivate', { now, version }),
  compromiseOne: (key, version) => rotation.moveKey(key, 'compromise', { now, version }),
  floor: (key, version) => rotation.setFloor(key, version, now),
  destroy: (key, version) => rotation.destroyVersion(key, version, now),
}

const life = fc.array(fc.tuple(fc.constantFrom(...Object.keys(STEPS)), fc.integer({ min: 1, max: 4 })), {
  minLength: 5,
  maxLength: 25,
})

function check(before: Key, after: Key): void {
  const active = after.versions.filter(({ state }) => state.name === 'active')
  assert.ok(active.length <= 1, 'two versions are active')
  for (const { version } of active)
    assert.ok(version >= after.floor, 'the current version is below the floor')
  const numbers = after.versions.map(({ version }) => Number(version))
  assert.deepEqual(
    numbers,
    numbers.map((_, index) => index + 1),
  )
  assert.equal(after.epoch, before.epoch + 1)
  for (const [index, { state }] of before.versions.entries()) {
    const next = after.versions[index]?.state.name
    if (state.name === 'destroyed') assert.equal(next, 'destroyed')
    if (state.name === 'compromised')
      assert.ok(next === 'compromised' || next === 'destroyed', 'compromised was undone')
  }
}

test('in every life of a key at most one version is current, and never one below the floor', () => {
  let moved = 0
  fc.assert(
    fc.property(life, (steps) => {
      let key = sampleKey()
      for (const [name, version] of steps) {
        const next = STEPS[name]?.(key, version)
        if (next === undefined || next instanceof Refusal) continue
        check(key, next)
        key = next
        moved += 1
      }
    }),
    { numRuns: 5_000 },
  )
  assert.ok(moved > 10_000)
})
