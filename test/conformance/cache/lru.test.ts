import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { LruCacheStore } from '../../../src/store/lru/lru-cache-store.ts'
import { testCacheStore } from './suite.ts'

const MIB = 1024 * 1024

describe('the cache inside the process', () => {
  testCacheStore(async (work) => {
    const store = new LruCacheStore({ maxBytes: 16 * MIB, now: () => performance.now() })
    await work(store)
    await store.close()
  })

  test('what was used least recently makes place, and the bound holds', async () => {
    const store = new LruCacheStore({ maxBytes: 10_000, now: () => 0 })
    for (let index = 0; index < 8; index += 1) await store.set(`n:${index}`, Buffer.alloc(1_000), 60)
    await store.get('n:0')
    for (let index = 8; index < 12; index += 1) await store.set(`n:${index}`, Buffer.alloc(1_000), 60)
    assert.equal((await store.get('n:0'))?.length, 1_000)
    assert.equal(await store.get('n:1'), undefined)
    assert.equal((await store.get('n:11'))?.length, 1_000)
  })

  test('a value larger than the bound is not kept, nor are sets beyond it', async () => {
    const store = new LruCacheStore({ maxBytes: 10_000, now: () => 0 })
    await store.set('a', Buffer.alloc(20_000), 60)
    assert.equal(await store.get('a'), undefined)
    await store.addToSet(
      's',
      Array.from({ length: 1_000 }, (_, index) => `member ${index}`),
      60,
    )
    assert.equal(await store.isInSet('s', 'member 0'), false)
    await store.set('b', Buffer.alloc(1_000), 60)
    assert.equal((await store.get('b'))?.length, 1_000)
  })
})
