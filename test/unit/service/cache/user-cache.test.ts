import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { deriveSourceKey } from '../../../../src/crypto/cache-key.ts'
import { Fernet } from '../../../../src/crypto/fernet.ts'
import type { CacheResult, ListedEntry } from '../../../../src/model/cache.ts'
import { toInstant } from '../../../../src/model/clock.ts'
import { CacheService } from '../../../../src/service/cache/cache-service.ts'
import { wrappingOf } from '../../../../src/service/cache/coffre-wrapping.ts'
import { LruCacheStore } from '../../../../src/store/lru/lru-cache-store.ts'
import { MemoryCacheKeys } from '../../../memory-cache-keys.ts'
import { failsWith, openTemporary } from '../../../temporary.ts'

const PDL = '12345678901234'
const NAME = `consumption:daily:${PDL}:2024-01-15`
const [SECRET, NEW_SECRET] = ['demo-client-secret-5f2d9c7b1e', 'another-client-secret']
const coffre = await openTemporary({ after })

function makeCache() {
  const time = { seconds: 1_705_312_800 }
  const store = new LruCacheStore({ maxBytes: 64 * 1024 * 1024, now: () => time.seconds * 1_000 })
  const keys = new MemoryCacheKeys()
  const open = () =>
    new CacheService({
      store,
      clock: () => toInstant(time.seconds * 1_000),
      onAlert: () => undefined,
      users: { keys, wrapping: wrappingOf(coffre, 'cache') },
    })
  return { cache: open(), open, store, keys, time }
}

function valueOf(result: CacheResult): unknown {
  return result.status === 'HIT' ? result.value : result.status
}

async function namesIn(store: LruCacheStore, prefix = ''): Promise<readonly string[]> {
  const names: string[] = []
  for await (const page of store.scan(prefix)) names.push(...page)
  return names
}

describe("a user's own space", () => {
  test('two users of one meter have a value each', async () => {
    const { cache, store } = makeCache()
    await cache.for('u-1').set(NAME, { value: 1 })
    await cache.for('u-2').set(NAME, { value: 2 })
    assert.deepEqual(await cache.for('u-1').get(NAME), { value: 1 })
    assert.deepEqual(await cache.for('u-2').get(NAME), { value: 2 })
    // What one user's place holds means nothing in another's.
    const stolen = (await store.get(`coffre:cache:{u-1}:e:${NAME}`)) ?? assert.fail()
    await store.set(`coffre:cache:{u-2}:e:${NAME}`, stolen, 60)
    assert.equal((await cache.for('u-2').lookup(NAME)).status, 'WRONG_KEY')
    assert.equal(cache.counts.legacyWrites, 0)
  })

  test('an entry is bound to its name and its end', async () => {
    const { cache, store, time } = makeCache()
    const user = cache.for('u-1')
    await user.set(NAME, 1, 100)
    const other = `contract:${PDL}`
    const stored = (await store.get(`coffre:cache:{u-1}:e:${NAME}`)) ?? assert.fail()
    await store.set(`coffre:cache:{u-1}:e:${other}`, stored, 1_000)
    await store.set(`coffre:cache:{u-1}:e:${NAME}`, stored, 1_000)
    assert.equal((await user.lookup(other)).status, 'TAMPERED')
    time.seconds += 99
    assert.equal(valueOf(await user.lookup(NAME)), 1)
    time.seconds += 1
    assert.equal((await user.lookup(NAME)).status, 'EXPIRED')
  })

  test('a type may have a time to live of its own', async () => {
    const { store, keys } = makeCache()
    const cache = new CacheService({
      store,
      clock: () => toInstant(1_705_312_800_000),
      ttlSeconds: 600,
      ttlSecondsByType: { contract: 604_800 },
      onAlert: () => undefined,
      users: { keys, wrapping: wrappingOf(coffre, 'cache') },
    })
    for (const [name, seconds] of [
      [NAME, 600],
      [`contract:${PDL}`, 604_800],
    ] as const) {
      await cache.for('u-1').set(name, 1)
      assert.equal(await store.ttlSeconds(`coffre:cache:{u-1}:e:${name}`), seconds)
    }
  })

  test('another process with the same rows opens it; without the row nobody does', async () => {
    const { cache, open, keys } = makeCache()
    await cache.for('u-1').set(NAME, 1)
    assert.equal(await open().for('u-1').get(NAME), 1)
    keys.rows.delete('u-1')
    assert.equal((await open().for('u-1').lookup(NAME)).status, 'MISS')
    await open().for('u-1').set(`contract:${PDL}`, 2)
    assert.equal((await open().for('u-1').lookup(NAME)).status, 'WRONG_KEY')
  })

  test('the row of another user is refused', async () => {
    const { cache, open, keys } = makeCache()
    await cache.for('u-1').set(NAME, 1)
    keys.rows.set('u-2', keys.rows.get('u-1') ?? {})
    await assert.rejects(open().for('u-2').lookup(NAME), failsWith('DECRYPTION_FAILED'))
  })

  test('of two processes that make the first key at once, both use the same', async () => {
    const { open } = makeCache()
    const caches = Array.from({ length: 5 }, open)
    await Promise.all(
      caches.map((cache, index) => cache.for('u-1').set(`contract:1234567890123${index}`, index)),
    )
    for (const index of caches.keys()) {
      assert.equal(await open().for('u-1').get(`contract:1234567890123${index}`), index)
    }
  })

  test("with hashed names the store tells neither meter nor day, and the user's walks still know them", async () => {
    const { cache, open, store } = makeCache()
    const user = cache.for('u-1', { hashedNames: true })
    await user.set(NAME, 1)
    await user.set(`contract:${PDL}`, 2)
    assert.ok((await namesIn(store)).every((name) => !name.includes(PDL) && !name.includes('2024')))
    // Who opens it later need not know.
    assert.equal(await open().for('u-1').get(NAME), 1)
    assert.deepEqual(
      (await open().for('u-1').purge({}, { dryRun: true })).names,
      [NAME, `contract:${PDL}`].toSorted(),
    )
    assert.equal((await user.purge({ type: 'contract' })).names.length, 1)
    assert.equal((await user.lookup(`contract:${PDL}`)).status, 'MISS')
    assert.equal(await user.delete(NAME), true)
  })

  test('a user without a key has misses, and reading makes none', async () => {
    const { cache, keys } = makeCache()
    assert.equal((await cache.for('u-1').lookup(NAME)).status, 'MISS')
    assert.equal(await cache.for('u-1').delete(NAME), false)
    assert.equal(await cache.for('u-1').set(NAME, 1, 0), false)
    assert.equal(keys.rows.size, 0)
    assert.deepEqual(await cache.for('u-1').status(), {
      user: 'u-1',
      hasKey: false,
      underSecret: false,
      names: 'plain',
      entries: 0,
    })
  })

  test('without a Coffre there is no such space', () => {
    const store = new LruCacheStore({ maxBytes: 1, now: () => 0 })
    const cache = new CacheService({ store, clock: () => toInstant(0), onAlert: () => undefined })
    assert.throws(() => cache.for('u-1'), failsWith('CONFIG_REFUSED'))
  })

  test("when the managed key is gone, the user's own secret still opens it", async () => {
    const { cache, open } = makeCache()
    const gone = { keys: new MemoryCacheKeys(), wrapping: wrappingOf(coffre, 'gone') }
    const { store } = makeCache()
    const parts = { store, clock: () => toInstant(1_705_312_800_000), onAlert: () => undefined, users: gone }
    await new CacheService(parts).for('u-1', { secret: SECRET }).set(NAME, 1)
    await coffre.keys.suspend('gone')
    await assert.rejects(new CacheService(parts).for('u-1').lookup(NAME), failsWith('KEY_SUSPENDED'))
    assert.equal(await new CacheService(parts).for('u-1', { secret: SECRET }).get(NAME), 1)
    await assert.rejects(
      new CacheService(parts).for('u-1', { secret: NEW_SECRET }).lookup(NAME),
      failsWith('CACHE_KEY_WRONG'),
    )
    await Promise.all([cache.close(), open().close()])
  })
})

test('an entry of each form that is authentic and no JSON is NOT_JSON, and hides no other', async () => {
  const { cache, store, time } = makeCache()
  const user = cache.for('u-1', { secret: SECRET })
  const fernet = new Fernet(deriveSourceKey(SECRET))
  const day = (number: number) => `production:daily:${PDL}:2024-01-0${number}`
  await user.set(day(1), 1)
  for (const [at, bytes] of [Buffer.from('NaN'), Buffer.from([0x22, 0xff, 0x22])].entries()) {
    await store.set(day(2 + at), Buffer.from(fernet.encrypt(bytes, { nowSeconds: time.seconds })), 500)
  }
  await store.set(day(4), Buffer.from(fernet.encrypt('4.0', { nowSeconds: time.seconds })), 500)
  const range = { pdl: PDL, type: 'production:daily', from: '2024-01-01', to: '2024-01-04' } as const
  const statuses = (await user.getRange(range)).map(({ status }) => status)
  assert.deepEqual(statuses, ['HIT', 'NOT_JSON', 'NOT_JSON', 'HIT'])
  assert.equal(await user.get(day(2)), null)
  assert.deepEqual(await cache.lookup(day(2), SECRET), { status: 'NOT_JSON' })
  await assert.rejects(cache.get(day(2), SECRET), failsWith('CACHE_NOT_JSON'))
  assert.equal(cache.counts.results.NOT_JSON, 5)
})

describe('a change of the secret', () => {
  test('entries of both formats open with the new secret and none with the old', async () => {
    const { cache, open, store, time } = makeCache()
    await cache.for('u-1', { secret: SECRET }).set(`contract:${PDL}`, 'own')
    await cache.set(NAME, 'old format', SECRET)
    const python = `production:daily:${PDL}:2024-01-15`
    const token = new Fernet(deriveSourceKey(SECRET)).encrypt('{"a": 1.0}', {
      nowSeconds: time.seconds - 500,
    })
    await store.set(python, Buffer.from(token), 5_000)
    await cache.set(`address:${PDL}`, 'of somebody else', 'third')
    const before = await store.get(`coffre:cache:{u-1}:e:contract:${PDL}`)
    const walk = await cache.for('u-1').rekey(SECRET, NEW_SECRET)
    assert.deepEqual(walk, { dryRun: false, done: 2, already: 0, kept: 0, tampered: 0 })
    assert.equal(await cache.get(NAME, NEW_SECRET), 'old format')
    assert.equal((await cache.lookup(NAME, SECRET)).status, 'WRONG_KEY')
    const result = await cache.lookup(python, NEW_SECRET)
    assert.ok(result.status === 'HIT')
    assert.equal(Buffer.from(result.bytes).toString(), '{"a": 1.0}')
    assert.equal(Date.parse(result.writtenAt), (time.seconds - 500) * 1_000)
    assert.equal(await store.ttlSeconds(python), 5_000)
    assert.equal(await cache.get(`address:${PDL}`, 'third'), 'of somebody else')
    assert.deepEqual(await store.get(`coffre:cache:{u-1}:e:contract:${PDL}`), before)
    assert.equal(await open().for('u-1').get(`contract:${PDL}`), 'own')
    assert.equal((await open().for('u-1').status()).unfinished, undefined)
    // Once more is no harm.
    assert.deepEqual((await cache.for('u-1').rekey(SECRET, NEW_SECRET)).done, 0)
  })

  test('a wrong old secret changes nothing', async () => {
    const { cache, keys } = makeCache()
    await cache.for('u-1', { secret: SECRET }).set(NAME, 1)
    const before = keys.rows.get('u-1')
    await assert.rejects(cache.for('u-1').rekey('wrong', NEW_SECRET), failsWith('CACHE_KEY_WRONG'))
    assert.deepEqual(keys.rows.get('u-1'), before)
  })
})

test('a data key under the secret whose cost somebody changed opens with no secret, and a rekey says so', async () => {
  const { cache, keys } = makeCache()
  await cache.for('u-1', { secret: SECRET }).set(NAME, 1)
  const row = keys.rows.get('u-1') ?? assert.fail()
  const wrapped = Buffer.from(row.keyUnderSecret ?? '', 'base64url')
  wrapped.fill(0xff, 17, 21) // 4 TiB for Argon2id
  const changed = { ...row, keyUnderSecret: wrapped.toString('base64url') }
  keys.rows.set('u-1', changed)
  await assert.rejects(cache.for('u-1').rekey(SECRET, NEW_SECRET), failsWith('CACHE_KEY_WRONG'))
  assert.deepEqual(keys.rows.get('u-1'), changed)
  assert.equal(await cache.for('u-1').get(NAME), 1)
})

describe('a migration', () => {
  test('goes forward and back with the bytes, the age and the end of every entry', async () => {
    const { cache, store, time } = makeCache()
    const token = new Fernet(deriveSourceKey(SECRET)).encrypt('{"a": 1.0}', {
      nowSeconds: time.seconds - 500,
    })
    await store.set(NAME, Buffer.from(token), 5_000)
    await cache.set(`contract:${PDL}`, 'x', SECRET)
    await cache.set(`address:${PDL}`, 'of somebody else', 'third')
    const user = cache.for('u-1', { secret: SECRET })
    assert.deepEqual((await user.migrate('v2', SECRET, { dryRun: true })).done, 2)
    assert.equal((await user.migrate('v2', SECRET)).done, 2)
    assert.equal(await store.get(NAME), undefined)
    const moved = await user.lookup(NAME)
    assert.ok(moved.status === 'HIT' && moved.format === 2)
    assert.equal(Buffer.from(moved.bytes).toString(), '{"a": 1.0}')
    assert.equal(Date.parse(moved.writtenAt), (time.seconds - 500) * 1_000)
    assert.equal(await store.ttlSeconds(`coffre:cache:{u-1}:e:${NAME}`), 5_000)
    assert.equal(await cache.get(`address:${PDL}`, 'third'), 'of somebody else')
    time.seconds += 100
    assert.equal((await user.migrate('v1', SECRET)).done, 2)
    const back = await cache.lookup(NAME, SECRET, { ttlSeconds: 10_000 })
    assert.ok(back.status === 'HIT' && back.format === 1)
    assert.equal(Buffer.from(back.bytes).toString(), '{"a": 1.0}')
    assert.equal(Date.parse(back.writtenAt), (time.seconds - 600) * 1_000)
    assert.equal(await store.ttlSeconds(NAME), 4_900)
    assert.equal((await cache.for('u-1').status()).entries, 0)
  })

  test('the later of two values of one name stays, whatever the direction', async () => {
    const { cache, time } = makeCache()
    const user = cache.for('u-1')
    await cache.set(NAME, 'old', SECRET)
    time.seconds += 10
    await user.set(NAME, 'new')
    assert.deepEqual((await user.migrate('v2', SECRET)).kept, 1)
    assert.equal(await user.get(NAME), 'new')
    time.seconds += 10
    await cache.set(NAME, 'newest', SECRET)
    assert.deepEqual((await user.migrate('v1', SECRET)).kept, 1)
    assert.equal(await cache.get(NAME, SECRET), 'newest')
  })

  test('a reader finds every entry while it goes on', async () => {
    const { cache } = makeCache()
    const names = Array.from(
      { length: 30 },
      (_, day) => `consumption:daily:${PDL}:2024-01-${String(day + 1).padStart(2, '0')}`,
    )
    for (const name of names) await cache.set(name, name, SECRET)
    const reader = cache.for('u-1', { secret: SECRET })
    const moving = cache.for('u-1').migrate('v2', SECRET)
    for (const name of [...names, ...names]) assert.equal(await reader.get(name), name)
    assert.equal((await moving).done, 30)
    for (const name of names) assert.equal(await reader.get(name), name)
  })

  test('on the way back, an entry of another key stays where it is and so does ours', async () => {
    const { cache } = makeCache()
    await cache.for('u-1').set(NAME, 'mine')
    await cache.set(NAME, 'theirs', 'third')
    assert.equal((await cache.for('u-1').migrate('v1', SECRET)).kept, 1)
    assert.equal(await cache.for('u-1').get(NAME), 'mine')
    assert.equal(await cache.get(NAME, 'third'), 'theirs')
  })
})

test('a purge deletes exactly what its dry run names', async () => {
  const { cache, keys } = makeCache()
  const user = cache.for('u-1', { secret: SECRET })
  const own = ['2024-01-01', '2024-01-02', '2024-02-01'].map((day) => `consumption:daily:${PDL}:${day}`)
  for (const name of [...own, `contract:${PDL}`, `consumption:reading_type:${PDL}`]) await user.set(name, 1)
  await cache.set(`address:${PDL}`, 1, SECRET)
  await cache.set('address:99999999999999', 1, SECRET)
  await cache.set(`production:daily:${PDL}:2024-01-01`, 1, 'third')
  const january = await user.purge({ pdl: PDL, from: '2024-01-01', to: '2024-01-31' }, { dryRun: true })
  assert.deepEqual(january.names, own.slice(0, 2))
  assert.deepEqual((await user.purge({ from: '2024-01-01', to: '2024-01-31' })).names, own.slice(0, 2))
  const all = await user.purge({ pdl: PDL }, { dryRun: true })
  assert.deepEqual(
    all.names,
    [own[2] ?? '', `contract:${PDL}`, `consumption:reading_type:${PDL}`, `address:${PDL}`].toSorted(),
  )
  assert.deepEqual((await user.purge({ pdl: PDL })).names, all.names)
  assert.deepEqual((await user.purge()).names, ['address:99999999999999'])
  assert.equal(await cache.get(`production:daily:${PDL}:2024-01-01`, 'third'), 1)
  assert.equal(keys.events.filter(({ action }) => action === 'cache.purge').length, 3)
  await assert.rejects(user.purge({ pdl: '1' }), failsWith('INVALID_REQUEST'))
  await assert.rejects(user.purge({ from: '2024-02-30' }), failsWith('INVALID_REQUEST'))
})

test('a list tells where each entry stands, and nothing of its value', async () => {
  const { cache, store, time } = makeCache()
  const user = cache.for('u-1', { secret: SECRET })
  await user.set(NAME, 'long-lived', 600)
  await user.set(`address:${PDL}`, 'short-lived', 60)
  await cache.set(`contract:${PDL}`, 'of the source', SECRET, 300)
  await cache.set(`production:daily:${PDL}:2024-01-01`, 'of another key', 'third')
  // A store that keeps what has ended.
  const short = `coffre:cache:{u-1}:e:address:${PDL}`
  await store.set(short, (await store.get(short)) ?? assert.fail(), 600)
  time.seconds += 60
  await user.set(`consumption:reading_type:${PDL}`, 'changed')
  const changed = `coffre:cache:{u-1}:e:consumption:reading_type:${PDL}`
  const bytes = Buffer.from((await store.get(changed)) ?? assert.fail())
  bytes.writeUInt8(bytes.readUInt8(40) ^ 1, 40)
  await store.set(changed, bytes, 60)
  const listed = await user.list({ pdl: PDL })
  assert.deepEqual(
    listed.map(({ name, status, format }) => [name, status, format]),
    [
      [`address:${PDL}`, 'EXPIRED', 2],
      [NAME, 'HIT', 2],
      [`consumption:reading_type:${PDL}`, 'TAMPERED', 2],
      [`contract:${PDL}`, 'HIT', 1],
    ],
  )
  const [, long, broken, source] = listed
  assert.equal(secondsBetween(long), 600)
  assert.deepEqual([broken?.writtenAt, broken?.expiresAt], [undefined, undefined])
  assert.equal(secondsBetween(source), 300)
  assert.ok(!JSON.stringify(listed).includes('lived'))
  assert.deepEqual(
    (await user.list({ type: 'contract' })).map(({ name }) => name),
    [`contract:${PDL}`],
  )
  await assert.rejects(user.list({ pdl: '1' }), failsWith('INVALID_REQUEST'))
})

function secondsBetween(entry: ListedEntry | undefined): number {
  return (Date.parse(entry?.expiresAt ?? '') - Date.parse(entry?.writtenAt ?? '')) / 1_000
}

test('after an erasure another process uses the key for a second more, and a key is opened once a minute', async () => {
  const { cache, store, keys, time } = makeCache()
  let unwrapped = 0
  const wrapping = wrappingOf(coffre, 'cache')
  const counted = {
    ...wrapping,
    unwrap: (user: string, text: string) => ((unwrapped += 1), wrapping.unwrap(user, text)),
  }
  const other = new CacheService({
    store,
    clock: () => toInstant(time.seconds * 1_000),
    onAlert: () => undefined,
    users: { keys, wrapping: counted },
  }).for('u-1')
  await cache.for('u-1').set(NAME, 1)
  for (let second = 0; second < 59; second += 1, time.seconds += 1) assert.equal(await other.get(NAME), 1)
  assert.equal(unwrapped, 1)
  time.seconds += 1
  assert.equal(await other.get(NAME), 1)
  assert.equal(unwrapped, 2)
  const copy = (await store.get(`coffre:cache:{u-1}:e:${NAME}`)) ?? assert.fail()
  await cache.for('u-1').erase()
  await store.set(`coffre:cache:{u-1}:e:${NAME}`, copy, 60)
  time.seconds += 1
  assert.equal((await other.lookup(NAME)).status, 'MISS')
  await other.set(`contract:${PDL}`, 'new life')
  assert.equal((await other.lookup(NAME)).status, 'WRONG_KEY')
  assert.equal(await cache.for('u-1').get(`contract:${PDL}`), 'new life')
})

test('after an erasure nothing is left, and nothing that was kept elsewhere opens', async () => {
  const { cache, open, store, keys } = makeCache()
  const user = cache.for('u-1', { secret: SECRET })
  await user.set(NAME, 'mine')
  await cache.set(`contract:${PDL}`, 'old format', SECRET)
  await user.migrate('v2', SECRET)
  await cache.set(`address:${PDL}`, 'old format again', SECRET)
  await cache.for('u-2').set(NAME, 'theirs')
  const copy = (await store.get(`coffre:cache:{u-1}:e:${NAME}`)) ?? assert.fail()
  const receipt = await cache.for('u-1').erase()
  assert.deepEqual(
    { ...receipt, erasedAt: '' },
    { user: 'u-1', erasedAt: '', entries: 2, legacyEntries: 1, remaining: 0, keyDestroyed: true },
  )
  assert.deepEqual(await namesIn(store, 'coffre:cache:{u-1}:'), [])
  assert.deepEqual(keys.rows.get('u-1'), {})
  await store.set(`coffre:cache:{u-1}:e:${NAME}`, copy, 60)
  assert.equal((await open().for('u-1').lookup(NAME)).status, 'MISS')
  await open().for('u-1', { secret: SECRET }).set(`contract:${PDL}`, 'new life')
  assert.equal((await open().for('u-1', { secret: SECRET }).lookup(NAME)).status, 'WRONG_KEY')
  assert.equal(await cache.for('u-2').get(NAME), 'theirs')
})
