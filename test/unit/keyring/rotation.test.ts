import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Refusal } from '../../../src/keyring/refusal.ts'
import {
  cancelDestroy,
  currentVersion,
  destroyKey,
  destroyVersion,
  firstVersion,
  moveKey,
  newKey,
  rollbackKey,
  rotateKey,
  scheduleDestroy,
  setFloor,
  stateOf,
} from '../../../src/keyring/rotation.ts'
import { DAY, toInstant } from '../../../src/model/clock.ts'
import type { ErrorCode, ErrorFacts } from '../../../src/model/errors.ts'
import type { Key } from '../../../src/model/key.ts'
import { sampleKey } from '../../conformance/store/sample.ts'

const now = toInstant(1_900_000_000_000)

type Step = (key: Key) => Key | Refusal

const rotate: Step = (key) => rotateKey(key, { now })
const rollback =
  (version?: number): Step =>
  (key) =>
    rollbackKey(key, choose(version))
const suspend =
  (version?: number): Step =>
  (key) =>
    moveKey(key, 'suspend', choose(version))
const resume =
  (version?: number): Step =>
  (key) =>
    moveKey(key, 'resume', choose(version))
const deactivate =
  (version?: number): Step =>
  (key) =>
    moveKey(key, 'deactivate', choose(version))
const compromise =
  (version?: number): Step =>
  (key) =>
    moveKey(key, 'compromise', choose(version))
const floor =
  (version: number): Step =>
  (key) =>
    setFloor(key, version, now)
const destroy =
  (version: number): Step =>
  (key) =>
    destroyVersion(key, version, now)
const schedule =
  (days: number): Step =>
  (key) =>
    scheduleDestroy(key, days, now)
const cancel: Step = (key) => cancelDestroy(key, now)
const destroyAll: Step = (key) => destroyKey(key, now)

function choose(version?: number) {
  return version === undefined ? { now } : { now, version }
}

/** The key after all steps; each must succeed. */
function walk(...steps: readonly Step[]): Key {
  return steps.reduce((key, step, index) => {
    const next = step(key)
    if (next instanceof Refusal) return assert.fail(`step ${index}: ${next.code}`)
    assert.equal(next.epoch, key.epoch + 1)
    return next
  }, sampleKey())
}

function states(key: Key): string {
  return key.versions.map(({ version, state }) => `${version} ${state.name}`).join(', ')
}

function refuses(code: ErrorCode, step: Step, ...before: readonly Step[]): void {
  assert.equal(refusal(step, ...before).code, code)
}

function refusal(step: Step, ...before: readonly Step[]): Refusal {
  const answer = step(walk(...before))
  assert.ok(answer instanceof Refusal, 'it was allowed')
  return answer
}

describe('a new key', () => {
  const { id, tenant, name, algorithm, purpose, labels } = sampleKey()
  const described = { id, tenant, name, algorithm, purpose, labels, now }
  test('has one version, current, at the floor, and nothing that was not asked for', () => {
    const first = firstVersion({ now })
    assert.deepEqual(first, { version: 1, state: { name: 'active', since: now }, createdAt: now })
    const { now: _, ...kept } = described
    const times = { createdAt: now, updatedAt: now }
    assert.deepEqual(newKey({ ...described, exportable: false, first }), {
      ...kept,
      ...times,
      epoch: 1,
      floor: 1,
      versions: [first],
    })
  })
  test('keeps that it may be exported, and of its version the public half and where it came from', () => {
    const first = firstVersion({ now, publicKey: 'a public key', origin: 'imported' })
    assert.equal(newKey({ ...described, exportable: true, first }).exportable, true)
    assert.deepEqual([first.publicKey, first.origin], ['a public key', 'imported'])
  })
  test('rotates to a version with its own public half', () => {
    const rotated = rotateKey(sampleKey(), { now, publicKey: 'another' })
    assert.ok(!(rotated instanceof Refusal))
    assert.deepEqual(
      rotated.versions.map(({ publicKey }) => publicKey),
      [undefined, 'another'],
    )
  })
})

describe('rotate and rollback', () => {
  test('a rotation adds the next version and the one before still reads', () => {
    assert.equal(states(walk(rotate, rotate)), '1 deactivated, 2 deactivated, 3 active')
  })
  test('a rollback goes to the newest older version that is valid', () => {
    assert.equal(
      states(walk(rotate, rotate, compromise(2), rollback())),
      '1 active, 2 compromised, 3 deactivated',
    )
  })
  test('a rollback may name any valid version, a newer one too', () => {
    assert.equal(currentVersion(walk(rotate, rotate, rollback(1), rollback(3)))?.version, 3)
  })
  test('a rotation after a rollback never uses a number twice', () => {
    assert.equal(states(walk(rotate, rollback(), rotate)), '1 deactivated, 2 deactivated, 3 active')
  })
  test('a rollback without an older version is refused', () => refuses('KEY_VERSION_NOT_FOUND', rollback()))
  test('a rollback to a version that never was is refused', () =>
    refuses('KEY_VERSION_NOT_FOUND', rollback(9), rotate))
  test('a rollback to the current version is refused', () => refuses('KEY_VERSION_UNUSABLE', rollback(1)))
  test('a rollback looks no further than the floor', () =>
    refuses('KEY_VERSION_NOT_FOUND', rollback(), rotate, rotate, rollback(2), floor(2)))
  test('a rollback without a version never goes to a newer one', () =>
    refuses('KEY_VERSION_NOT_FOUND', rollback(), rotate, rotate, rollback(1)))
  test('a rollback finds the way back from a current version that was compromised', () => {
    assert.equal(states(walk(rotate, compromise(), rollback())), '1 active, 2 compromised')
  })
  test('a rollback below the floor is refused', () =>
    refuses('KEY_VERSION_UNUSABLE', rollback(1), rotate, floor(2)))
  test('a rollback to a compromised version is refused', () =>
    refuses('KEY_VERSION_UNUSABLE', rollback(1), rotate, compromise(1)))
  test('a compromised key rotates to safety', () => {
    assert.equal(states(walk(compromise(), rotate)), '1 compromised, 2 active')
  })
})

describe('suspend and resume', () => {
  test('a suspended key comes back exactly as it was', () => {
    assert.equal(states(walk(rotate, suspend())), '1 suspended, 2 suspended')
    assert.equal(states(walk(rotate, suspend(), resume())), '1 deactivated, 2 active')
  })
  test('a suspended key neither rotates nor rolls back', () => {
    refuses('KEY_SUSPENDED', rotate, suspend())
    refuses('KEY_SUSPENDED', rollback(1), rotate, suspend(2))
  })
  test('a key whose current version is suspended does not rotate, though a newer version is deactivated', () => {
    const held = [rotate, rollback(), suspend(1)]
    assert.equal(stateOf(walk(...held)), 'suspended')
    refuses('KEY_SUSPENDED', rotate, ...held)
    refuses('KEY_SUSPENDED', rollback(2), ...held)
    assert.equal(states(walk(...held, resume())), '1 active, 2 deactivated')
  })
  test('a version below the floor does not become current when it is resumed', () => {
    const raised = [rotate, rollback(), suspend(1), floor(2)]
    assert.equal(states(walk(...raised, resume(1))), '1 deactivated, 2 deactivated')
    assert.equal(states(walk(...raised, resume())), '1 deactivated, 2 deactivated')
  })
  test('what is not suspended is not resumed', () => {
    refuses('MOVE_REFUSED', resume())
    refuses('MOVE_REFUSED', resume(1), rotate)
  })
  test('a key that is suspended on suspicion is declared compromised without naming the version', () => {
    assert.equal(states(walk(rotate, suspend(), compromise())), '1 suspended, 2 compromised')
  })
})

describe('floor and destroy', () => {
  test('the floor moves both ways', () => {
    assert.equal(walk(rotate, floor(2), floor(1)).floor, 1)
  })
  test('the floor does not pass the current version', () => {
    refuses('KEY_VERSION_NEEDED', floor(2), rotate, rollback())
  })
  test('the floor is a version that exists', () => refuses('KEY_VERSION_NOT_FOUND', floor(3), rotate))
  test('a version is destroyed only below the floor', () => {
    refuses('KEY_VERSION_NEEDED', destroy(1), rotate)
    assert.equal(states(walk(rotate, floor(2), destroy(1))), '1 destroyed, 2 active')
  })
  test('a version is destroyed once', () => refuses('MOVE_REFUSED', destroy(1), rotate, floor(2), destroy(1)))
  test('a version is destroyed once, even where the floor came down again', () =>
    refuses('MOVE_REFUSED', destroy(1), rotate, floor(2), destroy(1), floor(1)))
  test('a key goes on without a version that was destroyed', () => {
    assert.equal(states(walk(rotate, floor(2), destroy(1), rotate)), '1 destroyed, 2 deactivated, 3 active')
  })
  test('a version that never was is not moved', () => refuses('KEY_VERSION_NOT_FOUND', compromise(2)))
  test('a suspended version is not destroyed', () =>
    refuses('MOVE_REFUSED', destroy(1), rotate, suspend(1), floor(2)))
  test('the current version is never destroyed alone', () => refuses('KEY_VERSION_NEEDED', destroy(1)))
  test('a version that never was is not destroyed', () => refuses('KEY_VERSION_NOT_FOUND', destroy(2)))
})

describe('the scheduled end of a key', () => {
  test('the window is 7 to 30 days', () => {
    assert.equal(walk(schedule(7)).destroyAt, now + 7 * DAY)
    assert.equal(walk(schedule(30)).destroyAt, now + 30 * DAY)
    for (const days of [6, 31, 0, -1, 7.5, Number.NaN]) refuses('INVALID_REQUEST', schedule(days))
  })
  test('while the window is open only cancelling is possible', () => {
    const others = {
      rotate,
      rollback: rollback(),
      suspend: suspend(),
      resume: resume(),
      deactivate: deactivate(),
    }
    const more = { compromise: compromise(), floor: floor(1), destroy: destroy(1), schedule: schedule(7) }
    for (const step of Object.values({ ...others, ...more })) {
      refuses('KEY_PENDING_DESTRUCTION', step, rotate, schedule(7))
    }
    assert.equal(states(walk(rotate, schedule(7), cancel)), '1 deactivated, 2 active')
  })
  test('nothing is cancelled that was not scheduled', () => refuses('MOVE_REFUSED', cancel))
  test('the end of a key does not change when an earlier version was destroyed', () => {
    const early = walk(rotate, floor(2), destroy(1))
    const later = toInstant(now + DAY)
    const since = destroyKey(early, later).versions.map(({ state }) => state.since)
    assert.deepEqual(since, [now, later])
  })
  test('a destroyed key has no way back', () => {
    const end = [rotate, schedule(7), destroyAll]
    assert.equal(states(walk(...end)), '1 destroyed, 2 destroyed')
    refuses('MOVE_REFUSED', cancel, ...end)
    refuses('MOVE_REFUSED', rotate, ...end)
    refuses('MOVE_REFUSED', schedule(7), ...end)
    refuses('KEY_VERSION_UNUSABLE', rollback(1), ...end)
    refuses('MOVE_REFUSED', suspend(), ...end)
    refuses('MOVE_REFUSED', deactivate(), ...end)
  })
})

test('a refusal says what stood in the way', () => {
  const end = [rotate, schedule(7), destroyAll]
  const window = { at: 'days', from: 7, to: 30 }
  const cases: readonly [ErrorFacts, Step, ...Step[]][] = [
    [{ move: 'rotate', state: 'destroyed' }, rotate, ...end],
    [{ move: 'schedule-destroy', state: 'destroyed' }, schedule(7), ...end],
    [{ move: 'cancel-destroy', state: 'active' }, cancel],
    [{ move: 'deactivate', state: 'compromised' }, deactivate(), compromise()],
    [{ move: 'deactivate', state: 'deactivated' }, deactivate(1), rotate],
    [{ move: 'resume', state: 'active' }, resume()],
    [{ move: 'destroy', state: 'destroyed' }, destroy(1), rotate, floor(2), destroy(1), floor(1)],
    [{ version: 2 }, floor(2), rotate, rollback()],
    [{ version: 1, floor: 1 }, destroy(1), rotate],
    [{ version: 1, state: 'compromised' }, rollback(1), rotate, compromise(1)],
    [window, schedule(6)],
  ]
  for (const [facts, step, ...before] of cases) assert.deepEqual(refusal(step, ...before).facts, facts)
})
