import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { hasCode } from '../../../src/model/errors.ts'
import { appendRecords, sampleHead, sampleRecords } from './sample.ts'
import type { WithStore } from './suite.ts'

function isConflict(error: unknown): boolean {
  return hasCode(error, 'CONFLICT')
}

export function testAudit(withStore: WithStore): void {
  test('an empty log has the root hash of nothing', () =>
    withStore(async (store) => {
      const rootHash = Uint8Array.from(createHash('sha256').digest())
      assert.deepEqual(await store.readAuditHead(), { size: 0, rootHash, frontier: new Uint8Array(0) })
      assert.deepEqual(await store.readAuditRecords(0, 10), [])
    }))

  test('records of every length of append come back in order, with the head of the last', () =>
    withStore(async (store) => {
      let size = 0
      for (const count of [1, 2, 3, 255, 256, 257, 600]) {
        await appendRecords(store, size, count)
        size += count
        assert.deepEqual(await store.readAuditHead(), sampleHead(size))
      }
      assert.deepEqual(await store.readAuditRecords(0, size + 1), sampleRecords(0, size))
    }))

  test('a page of records starts where it is asked to and ends at its limit', () =>
    withStore(async (store) => {
      await appendRecords(store, 0, 20)
      assert.deepEqual(await store.readAuditRecords(5, 7), sampleRecords(5, 7))
      assert.deepEqual(await store.readAuditRecords(18, 7), sampleRecords(18, 2))
      assert.deepEqual(await store.readAuditRecords(20, 7), [])
    }))

  test('records that do not continue at the head are refused', () =>
    withStore(async (store) => {
      await assert.rejects(appendRecords(store, 1, 1), isConflict)
      await appendRecords(store, 0, 3)
      for (const from of [0, 1, 2, 4]) await assert.rejects(appendRecords(store, from, 2), isConflict)
      assert.deepEqual(await store.readAuditHead(), sampleHead(3))
      assert.deepEqual(await store.readAuditRecords(0, 10), sampleRecords(0, 3))
    }))

  test('records with a gap, or a head of another size, are refused', () =>
    withStore(async (store) => {
      const [first, , third] = sampleRecords(0, 3)
      assert.ok(first && third)
      await assert.rejects(
        store.transaction((tx) => tx.appendAudit([first, third], sampleHead(2))),
        isConflict,
      )
      await assert.rejects(
        store.transaction((tx) => tx.appendAudit([first], sampleHead(2))),
        isConflict,
      )
      assert.equal((await store.readAuditHead()).size, 0)
    }))

  test('of concurrent appends at the same place exactly one wins', () =>
    withStore(async (store) => {
      await appendRecords(store, 0, 4)
      const outcomes = await Promise.allSettled(Array.from({ length: 5 }, () => appendRecords(store, 4, 2)))
      assert.equal(outcomes.filter((outcome) => outcome.status === 'fulfilled').length, 1)
      assert.equal((await store.readAuditHead()).size, 6)
    }))

  test('two appends in one transaction follow each other', () =>
    withStore(async (store) => {
      await store.transaction(async (tx) => {
        await tx.appendAudit(sampleRecords(0, 2), sampleHead(2))
        assert.deepEqual(await tx.readAuditHead(), sampleHead(2))
        await tx.appendAudit(sampleRecords(2, 1), sampleHead(3))
      })
      assert.deepEqual(await store.readAuditRecords(0, 9), sampleRecords(0, 3))
    }))
}
