import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import type { Store } from '../../../src/store/store.ts'
import type { WithStore } from './suite.ts'

const LONG_MS = 600_000

function claim(store: Store, holder: string, leaseMs = LONG_MS): Promise<boolean> {
  return store.transaction((tx) => tx.claimJob({ name: 'sweep', holder, leaseMs }))
}

function finish(store: Store, holder: string, againInMs = 0): Promise<void> {
  return store.transaction((tx) => tx.finishJob({ name: 'sweep', holder, againInMs }))
}

export function testJobs(withStore: WithStore): void {
  test('of many who claim a job exactly one gets it, until it is finished', () =>
    withStore(async (store) => {
      for (let round = 0; round < 3; round += 1) {
        const claims = await Promise.all(['a', 'b', 'c', 'd'].map((holder) => claim(store, holder)))
        assert.equal(claims.filter(Boolean).length, 1)
        await finish(store, ['a', 'b', 'c', 'd'][claims.indexOf(true)] ?? '')
      }
    }))

  test('a lease that ended gives the job to the next, and its old holder cannot end that one', () =>
    withStore(async (store) => {
      assert.equal(await claim(store, 'dead', 1), true)
      while (!(await claim(store, 'next'))) await setTimeout(5)
      await finish(store, 'dead')
      assert.equal(await claim(store, 'third'), false)
      await finish(store, 'next')
      assert.equal(await claim(store, 'third'), true)
    }))

  test('a lease that is renewed lasts, and one that another has taken is not renewed', () =>
    withStore(async (store) => {
      const renew = (holder: string) =>
        store.transaction((tx) => tx.renewJob({ name: 'sweep', holder, leaseMs: LONG_MS }))
      assert.equal(await renew('a'), false)
      assert.equal(await claim(store, 'a', 1), true)
      assert.equal(await renew('a'), true)
      assert.equal(await claim(store, 'b'), false)
      assert.equal(await renew('b'), false)
      await finish(store, 'a')
      assert.equal(await renew('a'), false)
    }))

  test('a job is not given before it is due', () =>
    withStore(async (store) => {
      assert.equal(await claim(store, 'a'), true)
      await finish(store, 'a', LONG_MS)
      assert.equal(await claim(store, 'b'), false)
    }))

  test('jobs of different names do not meet', () =>
    withStore(async (store) => {
      assert.equal(await claim(store, 'a'), true)
      const other = { name: 'other', holder: 'b', leaseMs: LONG_MS }
      assert.equal(await store.transaction((tx) => tx.claimJob(other)), true)
    }))
}
