import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hasCode } from '../../../src/model/errors.ts'
import { DEFAULT_TENANT, parseKeyName } from '../../../src/model/ids.ts'
import { rotateKey } from '../../../src/keyring/rotation.ts'
import { Refusal } from '../../../src/keyring/refusal.ts'
import type { StoreTransaction } from '../../../src/store/store.ts'
import {
  appendRecords,
  LATER,
  materials,
  sampleHead,
  sampleKey,
  sampleRecords,
  sampleToken,
  sampleWrapped,
  storeKey,
  versionNumber,
} from './sample.ts'
import type { WithStore } from './suite.ts'

export function testTransactions(withStore: WithStore): void {
  test('a transaction answers what its work answers', () =>
    withStore(async (store) => {
      assert.equal(await store.transaction(async () => 42), 42)
    }))

  test('a transaction that throws leaves nothing and rethrows the same error', () =>
    withStore(async (store) => {
      const key = sampleKey()
      const token = sampleToken()
      const reason = new Error('changed my mind')
      const work = async (tx: StoreTransaction): Promise<void> => {
        await tx.insertKey(key, materials([1, sampleWrapped()]))
        await tx.insertToken(token)
        await tx.appendAudit(sampleRecords(0, 3), sampleHead(3))
        throw reason
      }
      await assert.rejects(store.transaction(work), (error) => error === reason)
      assert.equal(await store.findKeyById(key.id), undefined)
      assert.equal(await store.findToken(token.id), undefined)
      assert.equal((await store.readAuditHead()).size, 0)
      await storeKey(store, key)
    }))

  test('work sees what it wrote, and nobody else does before the commit', () =>
    withStore(async (store) => {
      const key = sampleKey()
      await store.transaction(async (tx) => {
        await tx.insertKey(key, materials([1, sampleWrapped()]))
        assert.deepEqual(await tx.findKey(key.tenant, key.name), key)
        assert.equal(await store.findKey(key.tenant, key.name), undefined)
        assert.equal((await store.readWrapped(key.id)).size, 0)
      })
      assert.deepEqual(await store.findKey(key.tenant, key.name), key)
    }))

  test('a read does not wait for a transaction that is running', () =>
    withStore(async (store) => {
      const started = Promise.withResolvers<void>()
      const finish = Promise.withResolvers<void>()
      const running = store.transaction(async (tx) => {
        await tx.insertToken(sampleToken())
        started.resolve()
        await finish.promise
      })
      await started.promise
      assert.deepEqual(await store.listTokens(DEFAULT_TENANT), [])
      finish.resolve()
      await running
      assert.equal((await store.listTokens(DEFAULT_TENANT)).length, 1)
    }))

  test('100 interleaved read-then-write transactions lose no update', () =>
    withStore(async (store) => {
      const key = await storeKey(store, sampleKey())
      const increment = (): Promise<void> =>
        store.transaction(async (tx) => {
          const found = await tx.findKeyById(key.id)
          assert.ok(found)
          await tx.updateKey(found, { ...found, epoch: found.epoch + 1, updatedAt: LATER })
        })
      await Promise.all(Array.from({ length: 100 }, increment))
      assert.equal((await store.findKeyById(key.id))?.epoch, 100)
    }))

  test('100 concurrent reservations add up and overlap nowhere', () =>
    withStore(async (store) => {
      const key = await storeKey(store, sampleKey())
      const reserve = (): Promise<number> =>
        store.transaction((tx) => tx.reserveUses(key.id, versionNumber(1), 7))
      const totals = await Promise.all(Array.from({ length: 100 }, reserve))
      assert.deepEqual(
        totals.toSorted((a, b) => a - b),
        Array.from({ length: 100 }, (_, index) => (index + 1) * 7),
      )
    }))

  test('a transaction that fails does not stop those that wait behind it', () =>
    withStore(async (store) => {
      const outcomes = await Promise.allSettled([
        appendRecords(store, 0, 1),
        appendRecords(store, 5, 1),
        store.transaction(() => Promise.reject(new Error('no'))),
        appendRecords(store, 1, 1),
      ])
      assert.deepEqual(
        outcomes.map((outcome) => outcome.status),
        ['fulfilled', 'rejected', 'rejected', 'fulfilled'],
      )
      assert.equal((await store.readAuditHead()).size, 2)
    }))

  test('a refusal that the work expects does not end its transaction', () =>
    withStore(async (store) => {
      const key = await storeKey(store, sampleKey())
      const token = sampleToken()
      await store.transaction(async (tx) => {
        const again = tx.insertKey(sampleKey(), materials([1, sampleWrapped()]))
        await assert.rejects(again, (error) => hasCode(error, 'KEY_EXISTS'))
        await tx.insertToken(token)
      })
      assert.deepEqual(await store.findToken(token.id), token)
      assert.deepEqual(await store.findKeyById(key.id), key)
    }))

  test('after a statement that failed nothing of the transaction is kept, even if its work goes on', () =>
    withStore(async (store) => {
      const [before, after] = [sampleToken(), sampleToken()]
      const work = async (tx: StoreTransaction): Promise<void> => {
        await tx.insertToken(before)
        await tx.insertToken(before).catch(() => undefined)
        await tx.insertToken(after).catch(() => undefined)
      }
      await assert.rejects(store.transaction(work))
      assert.deepEqual(await store.listTokens(DEFAULT_TENANT), [])
    }))

  test('a transaction inside another is refused instead of waiting for itself', () =>
    withStore(async (store) => {
      const outer = store.transaction(() => store.transaction(async () => 1))
      await assert.rejects(outer, /a transaction inside another/)
      assert.equal(await store.transaction(async () => 2), 2)
    }))

  test('a transaction that is over takes no more statements', () =>
    withStore(async (store) => {
      const kept = await store.transaction(async (tx) => ({ tx }))
      await assert.rejects(kept.tx.insertToken(sampleToken()))
      await assert.rejects(kept.tx.listTokens(DEFAULT_TENANT))
      assert.deepEqual(await store.listTokens(DEFAULT_TENANT), [])
    }))

  test('a store opened again has everything', () =>
    withStore(async (store, under) => {
      const key = await storeKey(store, sampleKey())
      const token = sampleToken()
      await store.transaction((tx) => tx.insertToken(token))
      await appendRecords(store, 0, 5)
      const wrapped = await store.readWrapped(key.id)
      await store.close()
      const again = await under.open()
      try {
        assert.deepEqual(await again.findKey(key.tenant, key.name), key)
        assert.deepEqual(await again.readWrapped(key.id), wrapped)
        assert.deepEqual(await again.listTokens(DEFAULT_TENANT), [token])
        assert.deepEqual(await again.readAuditRecords(0, 10), sampleRecords(0, 5))
        assert.deepEqual(await again.readAuditHead(), sampleHead(5))
        const rotated = rotateKey(key, { now: LATER })
        assert.ok(!(rotated instanceof Refusal))
        await again.transaction((tx) => tx.updateKey(key, rotated, materials([2, sampleWrapped()])))
      } finally {
        await again.close()
      }
    }))

  test('close waits for the transaction that runs, may be called twice, and refuses what comes after', () =>
    withStore(async (store, under) => {
      const key = sampleKey({ name: parseKeyName('last') })
      const running = storeKey(store, key)
      await Promise.all([running, store.close(), store.close()])
      await assert.rejects(
        store.transaction(async () => 1),
        (error) => hasCode(error, 'STORE_UNAVAILABLE'),
      )
      await assert.rejects(store.findKeyById(key.id), (error) => hasCode(error, 'STORE_UNAVAILABLE'))
      const again = await under.open()
      assert.deepEqual(await again.findKeyById(key.id), key)
      await again.close()
    }))
}
