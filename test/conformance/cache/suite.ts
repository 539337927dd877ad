import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import type { CacheStore } from '../../../src/store/cache-store.ts'

export type WithCacheStore = (work: (store: CacheStore) => Promise<void>) => Promise<void>

const [ONE, TWO] = [Buffer.from('one'), Buffer.from('two')]

async function collect(pages: AsyncIterable<readonly string[]>): Promise<readonly string[]> {
  const names = new Set<string>()
  for await (const page of pages) for (const name of page) names.add(name)
  return [...names].toSorted()
}

async function untilGone(store: CacheStore, key: string): Promise<void> {
  while ((await store.get(key)) !== undefined) await setTimeout(20)
}

function text(value: Uint8Array | undefined): string | undefined {
  return value === undefined ? undefined : Buffer.from(value).toString()
}

/** What every cache store must do. */
export function testCacheStore(withStore: WithCacheStore): void {
  test('bytes come back as they were set, and nothing for a name that is not there', () =>
    withStore(async (store) => {
      const bytes = Buffer.concat([
        Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)),
        randomBytes(4_096),
      ])
      await store.set('a:é', bytes, 60)
      await store.set('empty', Buffer.alloc(0), 60)
      assert.ok(Buffer.from((await store.get('a:é')) ?? []).equals(bytes))
      assert.equal((await store.get('empty'))?.length, 0)
      assert.equal(await store.get('b'), undefined)
    }))

  test('a value handed in may change afterwards, and so may one handed out', () =>
    withStore(async (store) => {
      const bytes = Buffer.from('one')
      await store.set('a', bytes, 60)
      bytes.fill(0)
      const out = await store.get('a')
      assert.equal(text(out), 'one')
      out?.fill(0)
      assert.equal(text(await store.get('a')), 'one')
    }))

  test('many values come in the order of their names', () =>
    withStore(async (store) => {
      await store.set('a', ONE, 60)
      await store.set('c', TWO, 60)
      assert.deepEqual((await store.getMany(['c', 'b', 'a', 'c'])).map(text), [
        'two',
        undefined,
        'one',
        'two',
      ])
      assert.deepEqual(await store.getMany([]), [])
    }))

  test('a value ends with its time to live, and a new one brings its own', () =>
    withStore(async (store) => {
      await store.set('a', ONE, 100)
      assert.ok(((await store.ttlSeconds('a')) ?? 0) > 90)
      await store.set('a', TWO, 50)
      const left = (await store.ttlSeconds('a')) ?? 0
      assert.ok(left > 40 && left <= 50, String(left))
      assert.equal(await store.ttlSeconds('b'), undefined)
    }))

  test('setIfAbsent writes only where nothing is', () =>
    withStore(async (store) => {
      assert.equal(await store.setIfAbsent('a', ONE, 60), true)
      assert.equal(await store.setIfAbsent('a', TWO, 60), false)
      assert.equal(text(await store.get('a')), 'one')
    }))

  test('setOwned writes where nothing is, or what its own set names, and tells what was there', () =>
    withStore(async (store) => {
      const owner = { set: 'mine', ttlSeconds: 60 }
      assert.deepEqual(await store.setOwned('a', ONE, owner), { isSet: true, before: undefined })
      const again = await store.setOwned('a', TWO, owner)
      assert.deepEqual(again, { isSet: true, before: 'one' })
      await store.set('b', ONE, 60)
      const other = await store.setOwned('b', TWO, owner)
      assert.deepEqual(other, { isSet: false, before: 'one' })
      assert.equal(text(await store.get('b')), 'one')
      assert.equal(text(await store.get('a')), 'two')
      assert.equal(await store.isInSet('mine', 'b'), true)
      assert.equal(await store.ttlSeconds('a'), 60)
    }))

  test('replace and removeIf do nothing to another value than the expected one', () =>
    withStore(async (store) => {
      await store.set('a', ONE, 100)
      const values = { expected: TWO, value: Buffer.from('three') }
      assert.equal(await store.replace('a', values, 'keep'), false)
      assert.equal(await store.replace('b', values, 'keep'), false)
      assert.equal(await store.removeIf('a', TWO), false)
      assert.equal(text(await store.get('a')), 'one')
      assert.equal(await store.removeIf('b', ONE), false)
      assert.equal(await store.removeIf('a', ONE), true)
      assert.equal(await store.get('a'), undefined)
    }))

  test('replace keeps the time to live, or brings its own', () =>
    withStore(async (store) => {
      await store.set('a', ONE, 100)
      assert.equal(await store.replace('a', { expected: ONE, value: TWO }, 'keep'), true)
      assert.equal(text(await store.get('a')), 'two')
      assert.ok(((await store.ttlSeconds('a')) ?? 0) > 90)
      assert.equal(await store.replace('a', { expected: TWO, value: ONE }, 20), true)
      const left = (await store.ttlSeconds('a')) ?? 0
      assert.ok(left > 10 && left <= 20, String(left))
    }))

  test('of concurrent replacements of one value, one is done', () =>
    withStore(async (store) => {
      await store.set('a', ONE, 60)
      const tries = Array.from({ length: 20 }, (_, index) =>
        store.replace('a', { expected: ONE, value: Buffer.from(`new ${index}`) }, 'keep'),
      )
      assert.equal((await Promise.all(tries)).filter(Boolean).length, 1)
    }))

  test('delete tells how many were there', () =>
    withStore(async (store) => {
      await store.set('a', ONE, 60)
      await store.addToSet('s', ['x'], 60)
      assert.equal(await store.delete(['a', 'b', 's']), 2)
      assert.equal(await store.delete([]), 0)
      assert.equal(await store.get('a'), undefined)
      assert.equal(await store.isInSet('s', 'x'), false)
    }))

  test('a scan finds every name with that beginning, taken literally', () =>
    withStore(async (store) => {
      const names = Array.from({ length: 2_500 }, (_, index) => `user:{u-1}:[*?]:${index}`)
      await Promise.all(names.map((name) => store.set(name, ONE, 60)))
      await store.set('user:{u-12}:a', ONE, 60)
      await store.addToSet('user:{u-1}:[*?]:set', ['x'], 60)
      const found = await collect(store.scan('user:{u-1}:[*?]:'))
      assert.deepEqual(found, [...names, 'user:{u-1}:[*?]:set'].toSorted())
      assert.deepEqual(await collect(store.scan('none:')), [])
    }))

  test('a set has each member once, and is gone with its last', () =>
    withStore(async (store) => {
      const members = Array.from({ length: 2_500 }, (_, index) => `m:${index}`)
      assert.equal(await store.addToSet('s', members, 60), 2_500)
      assert.equal(await store.addToSet('s', [...members.slice(0, 10), 'more'], 60), 1)
      await store.removeFromSet('s', ['more', 'none'])
      assert.deepEqual(await collect(store.scanSet('s')), members.toSorted())
      assert.equal(await store.isInSet('s', 'm:7'), true)
      assert.equal(await store.isInSet('s', 'm'), false)
      await store.removeFromSet('s', members)
      assert.deepEqual(await collect(store.scan('s')), [])
      assert.deepEqual(await collect(store.scanSet('s')), [])
    }))

  test('a set never ends sooner than it would have', () =>
    withStore(async (store) => {
      await store.addToSet('s', ['a'], 1_000)
      await store.addToSet('s', ['b'], 1)
      await store.set('later', ONE, 1)
      await untilGone(store, 'later')
      assert.deepEqual(await collect(store.scanSet('s')), ['a', 'b'])
    }))

  test('a value is gone once its time is over', () =>
    withStore(async (store) => {
      await store.set('a', ONE, 1)
      assert.equal(text(await store.get('a')), 'one')
      await untilGone(store, 'a')
      assert.equal(await store.setIfAbsent('a', TWO, 60), true)
    }))
}
