import assert from 'node:assert/strict'
import { after, before, describe, test, type TestContext } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { openCache, type UserCache } from '../../src/app-cache.ts'
import { DAILY_TYPES, daysBetween } from '../../src/model/cache-name.ts'
import type { CacheAlert } from '../../src/model/cache.ts'
import { ValkeyCacheStore } from '../../src/store/valkey/valkey-cache-store.ts'
import { parseValkeyUrl } from '../../src/store/valkey/valkey-url.ts'
import { MemoryCacheKeys } from '../memory-cache-keys.ts'
import { NO_REDIS, startRedis } from '../redis-server.ts'
import { failsWith, openTemporary } from '../temporary.ts'

const PDL = '12345678901234'
const SECRET = 'demo-client-secret-5f2d9c7b1e'
const NAME = `consumption:daily:${PDL}:2024-01-15`
const [FROM, TO] = ['2022-01-01', '2024-12-30']
const CANARY = 'canary-7f3a'
const PAGE = 500

async function write(user: UserCache, mark: string): Promise<void> {
  for (const type of DAILY_TYPES) {
    const days = daysBetween(FROM, TO)
    for (let at = 0; at < days.length; at += PAGE) {
      const page = days.slice(at, at + PAGE)
      const answers = page.map((date) => user.set(`${type}:${PDL}:${date}`, { [CANARY]: mark, type, date }))
      assert.ok((await Promise.all(answers)).every(Boolean))
    }
  }
}

function commandsOf(lines: readonly string[]): readonly string[] {
  return lines.map((line) => /"(?<name>\w+)"/.exec(line)?.groups?.['name']?.toUpperCase() ?? '')
}

describe('a cache on a server, with two users of one meter', { skip: NO_REDIS }, async () => {
  if (NO_REDIS !== false) return
  const server = await startRedis({ after }, ['--appendonly', 'yes'])
  const coffre = await openTemporary({ after })
  const cache = await openCache({ url: server.url, coffre, keys: new MemoryCacheKeys() })
  after(() => cache.close())

  before(async () => {
    for (const user of ['u-1', 'u-2']) await write(cache.for(user), user)
  })

  test('1,095 days of four types come back to each, and a range is one MGET', async () => {
    for (const user of ['u-1', 'u-2']) {
      for (const type of DAILY_TYPES) {
        const own = cache.for(user)
        await own.lookup(NAME)
        const lines = await server.watch(async () => {
          const results = await own.getRange({ pdl: PDL, type, from: FROM, to: TO })
          assert.equal(results.length, 1_095)
          for (const each of results) {
            assert.ok(each.status === 'HIT')
            assert.deepEqual(each.value, { [CANARY]: user, type, date: each.date })
          }
        })
        assert.deepEqual(commandsOf(lines), ['MGET'])
      }
    }
  })

  test('a value and its end are one command, in both formats', async () => {
    const lines = await server.watch(async () => {
      await cache.for('u-1').set(`contract:${PDL}`, 1)
      await cache.set(`address:${PDL}`, 1, SECRET, 600)
    })
    const sets = lines.filter((line) => /"set"/i.test(line))
    assert.equal(sets.length, 2)
    assert.match(sets[0] ?? '', /"EX" "86400"/)
    assert.match(sets[1] ?? '', new RegExp(`"address:${PDL}" "gAAAA.*" "EX" "600"`))
    assert.ok(commandsOf(lines).every((name) => !['SETEX', 'PERSIST'].includes(name)))
    const left = Number(server.ask('ttl', `address:${PDL}`))
    assert.ok(left > 590 && left <= 600, String(left))
  })

  test('the files of the server hold no plaintext', () => {
    server.ask('save')
    server.ask('bgrewriteaof')
    const files = [server.read('dump.rdb'), ...server.appendOnlyFiles()]
    assert.ok(files.length >= 2)
    for (const bytes of files) {
      for (const text of [CANARY, '"date"', '"type"']) assert.ok(!bytes.includes(text), text)
    }
    assert.ok(
      files.some((bytes) => bytes.includes(PDL)),
      'the files are those of this server',
    )
  })

  test('every changed byte of an entry is told', async (t) => {
    const raw = await ValkeyCacheStore.open(parseValkeyUrl(server.url))
    t.after(() => raw.close())
    await cache.set(NAME, 1, SECRET)
    for (const [stored, read] of [
      [NAME, () => cache.lookup(NAME, SECRET)],
      [`coffre:cache:{u-1}:e:${NAME}`, () => cache.for('u-1').lookup(NAME)],
    ] as const) {
      const right = Buffer.from((await raw.get(stored)) ?? [])
      assert.ok(right.length >= 100)
      for (let at = 0; at < right.length; at += 1) {
        const changed = Buffer.from(right)
        changed[at] = right.readUInt8(at) ^ 1
        await raw.set(stored, changed, 600)
        assert.equal((await read()).status, 'TAMPERED', `${stored} ${at}`)
      }
      await raw.set(stored, right, 600)
      assert.equal((await read()).status, 'HIT')
    }
  })

  test('hashed names leave no meter on the server', async (t) => {
    const own = await startRedis(t)
    const hidden = await openCache({ url: own.url, coffre, keys: new MemoryCacheKeys() })
    t.after(() => hidden.close())
    await hidden.for('u-1', { hashedNames: true }).set(NAME, 1)
    assert.equal(await hidden.for('u-1').get(NAME), 1)
    assert.doesNotMatch(own.ask('keys', '*'), new RegExp(PDL))
    assert.doesNotMatch(own.ask('smembers', 'coffre:cache:{u-1}:index'), new RegExp(PDL))
  })

  test("after an erasure a scan finds nothing, and yesterday's dump does not open", async () => {
    const dumped = server.read('dump.rdb')
    const receipt = await cache.for('u-2').erase()
    assert.equal(receipt.entries, 4 * 1_095)
    assert.equal(receipt.remaining, 0)
    assert.equal(server.ask('--scan', '--pattern', '*u-2*'), '')
    await server.restore(dumped)
    assert.notEqual(server.ask('--scan', '--pattern', '*u-2*'), '')
    while ((await cache.for('u-1').lookup(NAME)).status === 'UNAVAILABLE') await setTimeout(50)
    assert.equal((await cache.for('u-2').lookup(NAME)).status, 'MISS')
    await cache.for('u-2').set(`contract:${PDL}`, 'new')
    assert.equal((await cache.for('u-2').lookup(NAME)).status, 'WRONG_KEY')
  })
})

describe('a server that misbehaves', { skip: NO_REDIS }, () => {
  async function start(t: TestContext, settings: readonly string[] = []) {
    const server = await startRedis(t, settings)
    const alerts: CacheAlert[] = []
    const cache = await openCache({
      url: server.url,
      timeoutMs: 300,
      onAlert: (alert) => alerts.push(alert),
    })
    t.after(() => cache.close())
    return { server, cache, alerts }
  }

  test('silent, then back: misses and one alert, then values again', async (t) => {
    const { server, cache, alerts } = await start(t)
    await cache.set(NAME, 1, SECRET)
    server.ask('client', 'pause', '1500', 'all')
    for (let time = 0; time < 3; time += 1) {
      assert.equal((await cache.lookup(NAME, SECRET)).status, 'UNAVAILABLE')
      assert.equal(await cache.set(NAME, 2, SECRET), false)
    }
    assert.deepEqual(alerts, [{ kind: 'unavailable' }])
    while ((await cache.lookup(NAME, SECRET)).status === 'UNAVAILABLE') await setTimeout(50)
    assert.deepEqual(alerts, [{ kind: 'unavailable' }, { kind: 'available-again' }])
    const { status } = await cache.lookup(NAME, SECRET)
    assert.equal(status, 'HIT')
  })

  test('killed: misses, and nothing in the clear anywhere', async (t) => {
    const { server, cache } = await start(t)
    await cache.set(NAME, 1, SECRET)
    await server.kill()
    assert.equal(await cache.get(NAME, SECRET), null)
    assert.equal(await cache.set(NAME, 2, SECRET), false)
    await assert.rejects(cache.set(NAME, 2, SECRET, -1), failsWith('INVALID_REQUEST'))
  })

  test('full: a refused write answers false, an evicted entry is a miss', async (t) => {
    const { server, cache, alerts } = await start(t)
    server.ask('config', 'set', 'maxmemory', '1')
    assert.equal(await cache.set(NAME, 1, SECRET), false)
    assert.deepEqual(alerts, [{ kind: 'unavailable' }])
    server.ask('config', 'set', 'maxmemory', '0')
    assert.equal(await cache.set(NAME, 1, SECRET), true)
    server.ask('del', NAME)
    assert.equal((await cache.lookup(NAME, SECRET)).status, 'MISS')
  })

  test('poisoned: garbage, another type and an old value are never a wrong value', async (t) => {
    const { server, cache } = await start(t)
    await cache.set(NAME, 'right', SECRET)
    server.ask('set', NAME, 'garbage')
    assert.equal((await cache.lookup(NAME, SECRET)).status, 'TAMPERED')
    server.ask('del', NAME)
    server.ask('lpush', NAME, 'a list')
    // MGET answers nil for what is no string.
    assert.equal((await cache.lookup(NAME, SECRET)).status, 'MISS')
    server.ask('del', NAME)
    await cache.set(NAME, 'right', SECRET)
    assert.equal(await cache.get(NAME, SECRET), 'right')
  })
})
