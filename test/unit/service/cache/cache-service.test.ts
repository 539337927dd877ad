import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Fernet, InvalidToken } from '../../../../src/crypto/fernet.ts'
import { deriveSourceKey } from '../../../../src/crypto/cache-key.ts'
import type { CacheAlert } from '../../../../src/model/cache.ts'
import { toInstant } from '../../../../src/model/clock.ts'
import { CoffreError } from '../../../../src/model/errors.ts'
import { Secret } from '../../../../src/model/secret.ts'
import { CacheService, type CacheServiceParts } from '../../../../src/service/cache/cache-service.ts'
import { LruCacheStore } from '../../../../src/store/lru/lru-cache-store.ts'
import { failsWith } from '../../../temporary.ts'

const NAME = 'consumption:daily:12345678901234:2024-01-15'
const SECRET = 'demo-client-secret-5f2d9c7b1e'
const OTHER = 'another-client-secret'
const TOKEN =
  'gAAAAABlpQIgAAECAwQFBgcICQoLDA0OD7-teMaCRQ3pVHSuP3DrAmMP6dxw53xhvh48sXRrwOMGhoh28yKf5JjykairyUrOk98DQWSocVgIeVjiQ49VlB42z2WixlnkKHlNUCycvvDy'
const WRITTEN = 1_705_312_800
const refused = failsWith('INVALID_REQUEST')

function makeCache(options: Pick<CacheServiceParts, 'jsonStyle' | 'ttlSeconds' | 'ttlSecondsByType'> = {}) {
  const time = { seconds: WRITTEN }
  const store = new LruCacheStore({ maxBytes: 16 * 1024 * 1024, now: () => time.seconds * 1_000 })
  const alerts: CacheAlert[] = []
  const recorded: CacheAlert[] = []
  const cache = new CacheService({
    store,
    clock: () => toInstant(time.seconds * 1_000),
    onAlert: (alert) => alerts.push(alert),
    record: { tampered: async (alert) => void recorded.push(alert) },
    ...options,
  })
  return { cache, store, time, alerts, recorded }
}

function change(bytes: Uint8Array, at: number): Uint8Array {
  const copy = Buffer.from(bytes)
  copy[at] = copy[at] === 0x41 ? 0x42 : 0x41
  return copy
}

describe('the cache in the shape of the source', () => {
  test('it reads what the source wrote (V000)', async () => {
    const { cache, store } = makeCache()
    await store.set(NAME, Buffer.from(TOKEN), 86_400)
    assert.deepEqual(await cache.get(NAME, SECRET), { value: '14230', date: '2024-01-15' })
    const result = await cache.lookup(NAME, new Secret(SECRET))
    assert.ok(result.status === 'HIT')
    assert.equal(Buffer.from(result.bytes).toString(), '{"value": "14230", "date": "2024-01-15"}')
    assert.deepEqual([result.format, result.writtenAt], [1, '2024-01-15T10:00:00.000Z'])
  })

  test("it writes the source's bytes under the source's name", async () => {
    const { cache, store } = makeCache({ jsonStyle: 'python' })
    assert.equal(await cache.set(NAME, { value: '14230', date: '2024-01-15' }, SECRET), true)
    const stored = Buffer.from((await store.get(NAME)) ?? []).toString()
    const fernet = new Fernet(deriveSourceKey(SECRET))
    const plaintext = Buffer.from(fernet.decrypt(stored, { nowSeconds: WRITTEN })).toString()
    assert.equal(plaintext, '{"value": "14230", "date": "2024-01-15"}')
    assert.equal(await store.ttlSeconds(NAME), 86_400)
  })

  test('any JSON value comes back, and null is not a miss', async () => {
    const { cache } = makeCache()
    for (const value of [{ a: [1, 2.5, 'é😀'] }, [], 'text', 0, false, null]) {
      await cache.set(NAME, value, SECRET)
      assert.deepEqual(await cache.get(NAME, SECRET), value)
      assert.equal((await cache.lookup(NAME, SECRET)).status, 'HIT')
    }
  })

  test('a missing or deleted entry is null', async () => {
    const { cache } = makeCache()
    assert.equal(await cache.get(NAME, SECRET), null)
    await cache.set(NAME, 1, SECRET)
    assert.equal(await cache.delete(NAME), true)
    assert.equal(await cache.delete(NAME), false)
    assert.equal((await cache.lookup(NAME, SECRET)).status, 'MISS')
  })

  test('ttl 0 stores nothing, a negative one is an error', async () => {
    const { cache, store } = makeCache({ ttlSeconds: 60 })
    assert.equal(await cache.set(NAME, 1, SECRET, 0), false)
    assert.equal(await store.get(NAME), undefined)
    for (const ttl of [-1, 1.5, Number.NaN, 31_536_001]) {
      await assert.rejects(cache.set(NAME, 1, SECRET, ttl), refused)
    }
    await cache.set(NAME, 1, SECRET)
    assert.equal(await store.ttlSeconds(NAME), 60)
    assert.throws(() => makeCache({ ttlSeconds: 0 }), refused)
  })

  test('a type may have a time to live of its own, to write and to read by', async () => {
    const { cache, store, time } = makeCache({ ttlSecondsByType: { contract: 604_800, address: 60 } })
    const [contract, address] = ['contract:12345678901234', 'address:12345678901234']
    for (const [name, seconds] of [
      [contract, 604_800],
      [address, 60],
      [NAME, 86_400],
    ] as const) {
      await cache.set(name, 1, SECRET)
      assert.equal(await store.ttlSeconds(name), seconds)
    }
    await cache.set(address, 1, SECRET, 30)
    assert.equal(await store.ttlSeconds(address), 30)
    assert.equal(await cache.set(address, 1, SECRET, 0), false)
    await cache.setRaw('tempo:2024-01-15', 1)
    assert.equal(await store.ttlSeconds('tempo:2024-01-15'), 86_400)
    const kept = (await store.get(NAME)) ?? assert.fail()
    time.seconds += 86_401
    await store.set(NAME, kept, 60)
    assert.equal((await cache.lookup(NAME, SECRET)).status, 'EXPIRED')
    assert.equal((await cache.lookup(contract, SECRET)).status, 'HIT')
    for (const wrong of [{ contract: 0 }, { contract: 1.5 }, { contract: 31_536_001 }]) {
      assert.throws(() => makeCache({ ttlSecondsByType: wrong }), refused)
    }
    // From a program that is not compiled.
    assert.throws(() => makeCache({ ttlSecondsByType: Object.fromEntries([['contracts', 60]]) }), refused)
  })

  test('an entry that the store kept too long, or that comes from the future, is expired', async () => {
    const { cache, store, time } = makeCache()
    await store.set(NAME, Buffer.from(TOKEN), 10 * 31_536_000)
    time.seconds = WRITTEN + 86_400
    assert.equal((await cache.lookup(NAME, SECRET)).status, 'HIT')
    time.seconds += 1
    assert.equal((await cache.lookup(NAME, SECRET)).status, 'EXPIRED')
    assert.equal(await cache.get(NAME, SECRET), null)
    assert.equal((await cache.lookup(NAME, SECRET, { ttlSeconds: 2 * 86_400 })).status, 'HIT')
    time.seconds = WRITTEN + 3 * 31_536_000
    assert.equal((await cache.lookup(NAME, SECRET, { ttlSeconds: 4 * 31_536_000 })).status, 'HIT')
    for (const ttlSeconds of [0, -1, 1.5, 3_153_600_001]) {
      await assert.rejects(cache.lookup(NAME, SECRET, { ttlSeconds }), refused)
    }
    time.seconds = WRITTEN - 61
    assert.equal((await cache.lookup(NAME, SECRET)).status, 'EXPIRED')
  })

  test('the entry of another key is told as such, and never overwritten', async () => {
    const { cache, store } = makeCache()
    await cache.set(NAME, 'mine', SECRET)
    assert.equal((await cache.lookup(NAME, OTHER)).status, 'WRONG_KEY')
    await assert.rejects(
      cache.get(NAME, OTHER),
      (error) => error instanceof InvalidToken && error.reason === 'mac',
    )
    const before = await store.get(NAME)
    await assert.rejects(cache.set(NAME, 'yours', OTHER), failsWith('CACHE_CONFLICT'))
    assert.deepEqual(await store.get(NAME), before)
    assert.equal((await cache.lookup(NAME, OTHER)).status, 'WRONG_KEY')
    assert.equal(await cache.set(NAME, 'mine again', SECRET), true)
    assert.equal(await cache.get(NAME, SECRET), 'mine again')
    assert.equal(cache.counts.conflicts, 1)
  })

  test('every changed byte of an entry is told, once to the log and each time to the counter', async () => {
    const { cache, store, time, alerts, recorded } = makeCache()
    await cache.set(NAME, { value: '14230' }, SECRET)
    const right = (await store.get(NAME)) ?? assert.fail()
    for (let at = 0; at < right.length; at += 1) {
      await store.set(NAME, change(right, at), 600)
      assert.equal((await cache.lookup(NAME, SECRET)).status, 'TAMPERED', `byte ${at}`)
    }
    assert.equal(cache.counts.results.TAMPERED, right.length)
    const told = [{ kind: 'tampered', type: 'consumption:daily' }]
    assert.deepEqual([alerts, recorded], [told, told])
    time.seconds += 60
    await assert.rejects(cache.get(NAME, SECRET), (error) => failsWith('DECRYPTION_FAILED')(error))
    assert.equal(recorded.length, 2)
    assert.equal(await cache.set(NAME, 'new', SECRET), true)
    assert.equal(await cache.get(NAME, SECRET), 'new')
  })

  test('garbage, and what is cut or longer, is told as tampered', async () => {
    const { cache, store } = makeCache()
    for (const bytes of [
      Buffer.alloc(0),
      Buffer.from('garbage'),
      Buffer.alloc(100, 0xff),
      Buffer.from(`${TOKEN}A`),
      Buffer.from(TOKEN.slice(0, -4)),
    ]) {
      await store.set(NAME, bytes, 60)
      assert.equal((await cache.lookup(NAME, SECRET)).status, 'TAMPERED')
    }
  })

  test('names are validated before anything is asked', async () => {
    const { cache } = makeCache()
    for (const name of ['consumption:daily:123:2024-13-40', 'tempo:1', '']) {
      await assert.rejects(cache.set(name, 1, SECRET), refused)
      await assert.rejects(cache.get(name, SECRET), refused)
      await assert.rejects(cache.delete(name), refused)
    }
    for (const secret of ['', 'x'.repeat(1_025), '\ud800'])
      await assert.rejects(cache.get(NAME, secret), refused)
  })

  test('data in the clear has no name that personal data could have', async () => {
    const { cache, store } = makeCache()
    assert.equal(await cache.setRaw('tempo:2024-01-15', { color: 'BLUE' }), true)
    assert.deepEqual(await cache.getRaw('tempo:2024-01-15'), { color: 'BLUE' })
    assert.equal(Buffer.from((await store.get('tempo:2024-01-15')) ?? []).toString(), '{"color":"BLUE"}')
    assert.equal(await cache.getRaw('tempo:2024-01-16'), null)
    for (const name of [NAME, 'consumption:x', 'address', 'coffre:cache:v1:x']) {
      await assert.rejects(cache.setRaw(name, 1), refused)
      await assert.rejects(cache.getRaw(name), refused)
    }
  })

  test('a range has a result for each day', async () => {
    const { cache } = makeCache()
    const pdl = '12345678901234'
    for (const day of ['01', '03']) await cache.set(`production:daily:${pdl}:2024-01-${day}`, day, SECRET)
    await cache.set(`production:daily:${pdl}:2024-01-04`, 'x', OTHER)
    const range = { pdl, type: 'production:daily', from: '2024-01-01', to: '2024-01-04' } as const
    const results = await cache.getRange(range, SECRET)
    assert.deepEqual(
      results.map((each) => [each.date, each.status, each.status === 'HIT' ? each.value : '']),
      [
        ['2024-01-01', 'HIT', '01'],
        ['2024-01-02', 'MISS', ''],
        ['2024-01-03', 'HIT', '03'],
        ['2024-01-04', 'WRONG_KEY', ''],
      ],
    )
  })

  test('more users at once than keys are kept each get their own value', async () => {
    const { cache } = makeCache()
    const users = Array.from({ length: 600 }, (_, index) => ({
      pdl: String(10_000_000_000_000 + index),
      secret: `secret ${index}`,
    }))
    await Promise.all(users.map(({ pdl, secret }) => cache.set(`contract:${pdl}`, pdl, secret)))
    const values = await Promise.all(users.map(({ pdl, secret }) => cache.get(`contract:${pdl}`, secret)))
    assert.deepEqual(
      values,
      users.map(({ pdl }) => pdl),
    )
  })

  test('a store that does not answer is a miss with one alert, until it answers again', async () => {
    const { cache, store, alerts } = makeCache()
    await cache.set(NAME, 1, SECRET)
    const real = store.getMany.bind(store)
    store.getMany = () => Promise.reject(new CoffreError('CACHE_UNAVAILABLE'))
    store.setOwned = () => Promise.reject(new CoffreError('CACHE_UNAVAILABLE'))
    assert.equal((await cache.lookup(NAME, SECRET)).status, 'UNAVAILABLE')
    assert.equal(await cache.get(NAME, SECRET), null)
    assert.equal(await cache.set(NAME, 2, SECRET), false)
    assert.deepEqual(alerts, [{ kind: 'unavailable' }])
    store.getMany = real
    assert.equal(await cache.get(NAME, SECRET), 1)
    assert.deepEqual(alerts, [{ kind: 'unavailable' }, { kind: 'available-again' }])
    assert.equal(cache.counts.results.UNAVAILABLE, 2)
  })
})
