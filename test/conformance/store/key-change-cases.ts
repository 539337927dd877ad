import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toInstant } from '../../../src/model/clock.ts'
import { hasCode } from '../../../src/model/errors.ts'
import { parseTenantId } from '../../../src/model/ids.ts'
import type { Key } from '../../../src/model/key.ts'
import { toWrapped, type Wrapped } from '../../../src/model/wrapped.ts'
import { Refusal } from '../../../src/keyring/refusal.ts'
import {
  cancelDestroy,
  destroyKey,
  destroyVersion,
  moveKey,
  rollbackKey,
  rotateKey,
  scheduleDestroy,
  setFloor,
} from '../../../src/keyring/rotation.ts'
import type { Store } from '../../../src/store/store.ts'
import { LATER, materials, NOW, sampleKey, sampleWrapped, storeKey, versionNumber } from './sample.ts'
import type { WithStore } from './suite.ts'

const at = { now: LATER }

/** Refusals are the keyring's business; here every change is legal. */
function granted(key: Key | Refusal): Key {
  assert.ok(!(key instanceof Refusal))
  return key
}

const MOVES_BETWEEN_ROTATIONS: readonly ((key: Key) => Key | Refusal)[] = [
  (key) => rotateKey(key, at),
  (key) => rotateKey(key, at),
  (key) => rollbackKey(key, { ...at, version: 1 }),
  (key) => rotateKey(key, at),
  (key) => rotateKey(key, at),
  (key) => moveKey(key, 'suspend', at),
  (key) => moveKey(key, 'resume', at),
  (key) => rotateKey(key, at),
  (key) => moveKey(key, 'compromise', { ...at, version: 2 }),
  (key) => moveKey(key, 'deactivate', at),
  (key) => rotateKey(key, at),
  (key) => setFloor(key, 4, LATER),
  (key) => destroyVersion(key, 3, LATER),
  (key) => rotateKey(key, at),
]

async function update(store: Store, before: Key, after: Key | Refusal): Promise<Key> {
  const next = granted(after)
  const added = next.versions.slice(before.versions.length)
  const wrapped = materials(...added.map((each): [number, Wrapped] => [each.version, sampleWrapped()]))
  await store.transaction((tx) => tx.updateKey(before, next, wrapped))
  assert.deepEqual(await store.findKeyById(before.id), next)
  return next
}

/** A key of two versions with known material; the first is below the floor. */
async function storeRotatedKey(store: Store) {
  const [old, current] = [sampleWrapped(), sampleWrapped()]
  const key = sampleKey()
  const rotated = granted(setFloor(granted(rotateKey(key, at)), 2, LATER))
  await store.transaction(async (tx) => {
    await tx.insertKey(key, materials([1, old]))
    await tx.updateKey(key, rotated, materials([2, current]))
  })
  return { key: rotated, old, current }
}

export function testKeyChanges(withStore: WithStore): void {
  test('every move of the lifecycle is stored as the keyring made it', () =>
    withStore(async (store) => {
      let key = await storeKey(store, sampleKey())
      for (let rotations = 0; rotations < 3; rotations += 1)
        key = await update(store, key, rotateKey(key, at))
      const moves: readonly ((key: Key) => Key | Refusal)[] = [
        (now) => rollbackKey(now, { ...at, version: 2 }),
        (now) => rollbackKey(now, { ...at, version: 4 }),
        (now) => moveKey(now, 'suspend', at),
        (now) => moveKey(now, 'resume', at),
        (now) => moveKey(now, 'compromise', { ...at, version: 1 }),
        (now) => setFloor(now, 3, LATER),
        (now) => destroyVersion(now, 2, LATER),
        (now) => scheduleDestroy(now, 7, LATER),
        (now) => cancelDestroy(now, LATER),
        (now) => destroyKey(now, LATER),
      ]
      for (const move of moves) key = await update(store, key, move(key))
      assert.equal((await store.readWrapped(key.id)).size, 0)
    }))

  test('from whatever earlier state of a key it is continued, what is read is what is stored', () =>
    withStore(async (store) => {
      const states = [await storeKey(store, sampleKey())]
      for (const move of MOVES_BETWEEN_ROTATIONS) {
        const before = states.at(-1) ?? assert.fail()
        states.push(await update(store, before, move(before)))
        for (const known of states) {
          const { tenant, name } = known
          const found = [
            await store.findKey(tenant, name, known),
            await store.transaction((tx) => tx.findKey(tenant, name, known)),
          ]
          assert.deepEqual(found, [states.at(-1), states.at(-1)], `from epoch ${known.epoch}`)
        }
      }
    }))

  test('a key of another life under the same name and numbers is read whole', () =>
    withStore(async (store) => {
      let key = await storeKey(store, sampleKey())
      for (let rotations = 0; rotations < 3; rotations += 1)
        key = await update(store, key, rotateKey(key, at))
      const { tenant, name } = key
      const createdAt = toInstant(LATER + 1)
      const versions = key.versions.map((each) => ({ ...each, createdAt }))
      const others = [
        { ...key, id: sampleKey().id },
        { ...key, versions },
        { ...key, epoch: key.epoch + 1 },
        { ...key, epoch: key.epoch - 1, versions: key.versions.slice(0, -2) },
        { ...key, epoch: key.epoch + 1, versions: [...versions, ...versions.slice(-1)] },
      ]
      for (const known of others) assert.deepEqual(await store.findKey(tenant, name, known), key)
    }))

  test('a rotation reads none of the versions before the active one', () =>
    withStore(async (store) => {
      let key = await storeKey(store, sampleKey())
      for (let rotations = 0; rotations < 3; rotations += 1)
        key = await update(store, key, rotateKey(key, at))
      const known = { ...key, versions: key.versions.map((each) => ({ ...each })) }
      const next = await update(store, key, rotateKey(key, at))
      const found = await store.findKey(key.tenant, key.name, known)
      assert.deepEqual(found, next)
      // What is taken over is the same object, not an equal one.
      const taken = found?.versions.map((each, position) => each === known.versions[position])
      assert.deepEqual(taken, [true, true, true, false, false])
      const wrapped = await store.readWrapped(key.id, versionNumber(4))
      assert.deepEqual([...wrapped.keys()], [4, 5])
    }))

  test('a new version comes alone, so that whoever knows the others can go on from there', () =>
    withStore(async (store) => {
      const key = await storeKey(store, sampleKey())
      const rotated = granted(rotateKey(key, at))
      const twice = granted(rotateKey(rotated, at))
      const suspendedToo = await update(store, key, rotated)
      const third = granted(rotateKey(suspendedToo, at))
      const [first, ...others] = third.versions
      assert.ok(first)
      const state = { name: 'compromised', since: LATER } as const
      for (const [before, after] of [
        [suspendedToo, { ...third, versions: [{ ...first, state }, ...others] }],
        [key, twice],
      ] as const) {
        const added = after.versions.slice(before.versions.length)
        const wrapped = materials(...added.map((each): [number, Wrapped] => [each.version, sampleWrapped()]))
        await assert.rejects(store.transaction((tx) => tx.updateKey(before, after, wrapped)))
      }
      assert.deepEqual(await store.findKeyById(key.id), suspendedToo)
    }))

  test('labels change alone', () =>
    withStore(async (store) => {
      const key = await storeKey(store, sampleKey())
      const bystander = await storeKey(store, sampleKey({ tenant: parseTenantId('bystander') }))
      const labels = { ...key.labels, owner: 'security', tags: {} }
      await update(store, key, { ...key, labels, updatedAt: LATER, epoch: key.epoch + 1 })
      assert.deepEqual(await store.findKeyById(bystander.id), bystander)
    }))

  test('a write that carries an old epoch is refused and changes nothing', () =>
    withStore(async (store) => {
      const key = await storeKey(store, sampleKey())
      const first = await update(store, key, rotateKey(key, at))
      const late = granted(rotateKey(key, at))
      const write = store.transaction((tx) => tx.updateKey(key, late, materials([2, sampleWrapped()])))
      await assert.rejects(write, (error) => hasCode(error, 'CONFLICT'))
      assert.deepEqual(await store.findKeyById(key.id), first)
    }))

  test('a write to a key that is not stored is refused', () =>
    withStore(async (store) => {
      const key = sampleKey()
      const after = { ...key, epoch: 1, updatedAt: LATER }
      await assert.rejects(
        store.transaction((tx) => tx.updateKey(key, after)),
        (error) => hasCode(error, 'CONFLICT'),
      )
    }))

  test('of two writers with the same epoch exactly one wins', () =>
    withStore(async (store) => {
      const key = await storeKey(store, sampleKey())
      const rotate = (): Promise<void> =>
        store.transaction((tx) =>
          tx.updateKey(key, granted(rotateKey(key, at)), materials([2, sampleWrapped()])),
        )
      const outcomes = await Promise.allSettled(Array.from({ length: 10 }, rotate))
      assert.equal(outcomes.filter((outcome) => outcome.status === 'fulfilled').length, 1)
      assert.equal((await store.findKeyById(key.id))?.epoch, 1)
    }))

  test('material is written once: a second write for a version is refused', () =>
    withStore(async (store) => {
      const { key, old, current } = await storeRotatedKey(store)
      const after = granted(rotateKey(key, at))
      const wrapped = materials([1, sampleWrapped()], [3, sampleWrapped()])
      await assert.rejects(store.transaction((tx) => tx.updateKey(key, after, wrapped)))
      assert.deepEqual(await store.readWrapped(key.id), materials([1, old], [2, current]))
    }))

  test('a destroyed version loses its material and no other does', () =>
    withStore(async (store) => {
      const { key, current } = await storeRotatedKey(store)
      await update(store, key, destroyVersion(key, 1, LATER))
      assert.deepEqual(await store.readWrapped(key.id), materials([2, current]))
    }))

  test('destroyed material is nowhere in what the store keeps', () =>
    withStore(async (store, under) => {
      const { key, old, current } = await storeRotatedKey(store)
      const before = await under.readEverything()
      assert.ok(before.includes(old) && before.includes(current), 'the search would find nothing')
      await update(store, key, destroyVersion(key, 1, LATER))
      const after = await under.readEverything()
      assert.ok(!after.includes(old))
      assert.ok(after.includes(current))
    }))

  test('large destroyed material is nowhere either', () =>
    withStore(async (store, under) => {
      const wrapped = sampleWrapped()
      const large = Buffer.concat(Array.from({ length: 500 }, () => wrapped))
      const key = sampleKey()
      await store.transaction((tx) => tx.insertKey(key, materials([1, toWrapped(large)])))
      assert.ok((await under.readEverything()).includes(wrapped))
      await update(store, key, destroyKey(key, LATER))
      assert.ok(!(await under.readEverything()).includes(wrapped))
    }))

  test('uses add up and leave the epoch alone', () =>
    withStore(async (store) => {
      const { key } = await storeRotatedKey(store)
      const reserve = (version: number, count: number): Promise<number> =>
        store.transaction((tx) => tx.reserveUses(key.id, versionNumber(version), count))
      assert.equal(await reserve(2, 1_000), 1_000)
      assert.equal(await reserve(2, 0), 1_000)
      assert.equal(await reserve(2, 2 ** 40), 2 ** 40 + 1_000)
      assert.equal(await reserve(1, 5), 5)
      assert.deepEqual(await store.findKeyById(key.id), key)
    }))

  test('a change of the key leaves its uses alone', () =>
    withStore(async (store) => {
      const key = await storeKey(store, sampleKey())
      await store.transaction((tx) => tx.reserveUses(key.id, versionNumber(1), 10))
      await update(store, key, rotateKey(key, at))
      assert.equal(await store.transaction((tx) => tx.reserveUses(key.id, versionNumber(1), 0)), 10)
    }))

  test('uses of a version that does not exist are refused', () =>
    withStore(async (store) => {
      const key = await storeKey(store, sampleKey())
      for (const [id, version] of [
        [key.id, 2],
        [sampleKey().id, 1],
      ] as const) {
        await assert.rejects(
          store.transaction((tx) => tx.reserveUses(id, versionNumber(version), 1)),
          (error) => hasCode(error, 'KEY_VERSION_NOT_FOUND'),
        )
      }
    }))

  test('a use count never leaves the whole numbers', () =>
    withStore(async (store) => {
      const key = await storeKey(store, sampleKey())
      const reserve = (count: number): Promise<number> =>
        store.transaction((tx) => tx.reserveUses(key.id, versionNumber(1), count))
      for (const count of [-1, 0.5, Number.NaN, 2 ** 53]) await assert.rejects(reserve(count), RangeError)
      await reserve(Number.MAX_SAFE_INTEGER)
      await assert.rejects(reserve(1))
      assert.equal(await reserve(0), Number.MAX_SAFE_INTEGER)
    }))

  test('an unchanged part of a key keeps its value when the rest changes', () =>
    withStore(async (store) => {
      const key = await storeKey(store, sampleKey({ destroyAt: LATER }))
      const { destroyAt: _, ...rest } = key
      const next = await update(store, key, { ...rest, epoch: 1 })
      await update(store, next, { ...next, epoch: 2, updatedAt: NOW })
    }))
}
