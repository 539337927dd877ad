import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Change } from '../../../src/store/changes.ts'
import type { Store } from '../../../src/store/store.ts'
import { appendRecords, LATER, sampleKey, sampleToken, storeKey, versionNumber } from './sample.ts'
import type { WithStore } from './suite.ts'

async function listAll(store: Store): Promise<readonly Change[]> {
  const changes = await store.listChanges(0, 1_000)
  assert.equal(changes.length, await store.readChangeCount())
  return changes
}

export function testChanges(withStore: WithStore): void {
  test('every change of a key or a token is counted and listed in the order of the commits', () =>
    withStore(async (store) => {
      assert.equal(await store.readChangeCount(), 0)
      const key = await storeKey(store, sampleKey())
      const token = sampleToken()
      await store.transaction((tx) => tx.insertToken(token))
      await store.transaction((tx) => tx.updateKey(key, { ...key, epoch: 7, updatedAt: LATER }))
      await store.transaction((tx) => tx.revokeToken(token.tenant, token.id, LATER))
      assert.deepEqual(await listAll(store), [
        { seq: 1, kind: 'key', id: key.id, epoch: key.epoch },
        { seq: 2, kind: 'token', id: token.id, epoch: 0 },
        { seq: 3, kind: 'key', id: key.id, epoch: 7 },
        { seq: 4, kind: 'token', id: token.id, epoch: 0 },
      ])
      assert.deepEqual(
        (await store.listChanges(2, 1)).map(({ seq }) => seq),
        [3],
      )
    }))

  test('records, uses and what was not committed are no changes', () =>
    withStore(async (store) => {
      const key = await storeKey(store, sampleKey())
      await appendRecords(store, 0, 3)
      await store.transaction((tx) => tx.reserveUses(key.id, versionNumber(1), 5))
      await assert.rejects(
        store.transaction(async (tx) => {
          await tx.insertToken(sampleToken())
          assert.equal(await tx.readChangeCount(), 2)
          throw new Error('no')
        }),
      )
      assert.equal((await listAll(store)).length, 1)
    }))

  test('whoever watches is called after a commit that changed something, until it stops', () =>
    withStore(async (store) => {
      let calls = 0
      const called = Promise.withResolvers<void>()
      const stop = store.watchChanges(() => {
        calls += 1
        called.resolve()
      })
      await storeKey(store, sampleKey())
      await called.promise
      stop()
      const before = calls
      await store.transaction((tx) => tx.insertToken(sampleToken()))
      assert.equal(calls, before)
    }))
}
