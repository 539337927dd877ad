import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { openCache } from '../../src/app-cache.ts'
import type { Coffre } from '../../src/model/coffre.ts'
import { CoffreLine } from '../cli/coffre-process.ts'
import { startServer } from '../http/running-server.ts'
import { NO_REDIS, startRedis } from '../redis-server.ts'
import { failsWith, openTemporary } from '../temporary.ts'

const PDL = '12345678901234'
const DAY = `consumption:daily:${PDL}:2024-01-15`
const CONTRACT = `contract:${PDL}`
/** Nothing that was written before is lost when the server is killed. */
const DURABLE = ['--appendonly', 'yes', '--appendfsync', 'always']

async function erasuresOf(coffre: Coffre, user: string): Promise<number> {
  const records = await coffre.audit.list({ last: 100 })
  return records.filter(({ action, body }) => action === 'cache.erase' && body.includes(user)).length
}

describe('a user who is deleted', { skip: NO_REDIS }, () => {
  test('leaves no entry of either form, and nobody else loses one', async (t) => {
    const redis = await startRedis(t)
    const { admin, send } = await startServer(t, { environment: {}, cache: { url: redis.url } })
    const [gone, kept] = [await admin.users.create({ clientId: 'gone' }), await admin.users.create()]
    await admin.cache.for(gone.id).set(CONTRACT, 1)
    await admin.cache.for(kept.id).set(CONTRACT, 2)
    const basic = Buffer.from(`gone:${gone.clientSecret?.reveal()}`).toString('base64')
    const written = await send(`/api/v1/cache/${DAY}?format=1`, {
      method: 'PUT',
      headers: { authorization: `Basic ${basic}` },
      body: { value: '14230' },
    })
    assert.equal(written.status, 200)
    assert.match(redis.ask('GET', DAY), /^gAAAA/)
    const deleted = await admin.users.delete('gone')
    assert.ok(deleted.cache.outcome === 'erased', deleted.cache.outcome)
    const { entries, legacyEntries, remaining, keyDestroyed, proof } = deleted.cache.receipt
    assert.deepEqual([deleted.id, entries, legacyEntries, remaining], [gone.id, 1, 1, 0])
    assert.deepEqual([keyDestroyed, proof?.body.includes('"cache.erase"')], [true, true])
    const left = redis.ask('--scan').split('\n')
    assert.ok(left.length > 0 && left.every((name) => name.includes(kept.id)), left.join())
    assert.equal(await admin.cache.for(kept.id).get(CONTRACT), 2)
    assert.equal(await erasuresOf(admin, gone.id), 1)
    await assert.rejects(admin.cache.for(gone.id).erase(), failsWith('USER_NOT_FOUND'))
  })

  test('is erased in a cache of the application too', async (t) => {
    const redis = await startRedis(t)
    const coffre = await openTemporary(t)
    const cache = await openCache({ coffre, url: redis.url })
    const { id } = await coffre.users.create()
    await cache.for(id).set(CONTRACT, 1)
    const { cache: erased } = await coffre.users.delete(id)
    assert.deepEqual([erased.outcome, redis.ask('--scan')], ['erased', ''])
    await cache.close()
    const other = await coffre.users.create()
    assert.deepEqual((await coffre.users.delete(other.id)).cache, { outcome: 'none' })
  })

  test('while the server is down is gone with the key, and what is left is deleted later', async (t) => {
    const redis = await startRedis(t, DURABLE)
    const coffre = await openTemporary(t, { cache: { url: redis.url, timeoutMs: 500 } })
    const [{ id }, other] = [await coffre.users.create(), await coffre.users.create()]
    await coffre.cache.for(id).set(CONTRACT, 1)
    await redis.kill()
    assert.deepEqual((await coffre.users.delete(id)).cache, { outcome: 'unreachable' })
    assert.deepEqual((await coffre.users.delete(other.id)).cache, { outcome: 'none' })
    await assert.rejects(coffre.users.get(id), failsWith('USER_NOT_FOUND'))
    await redis.start()
    // What a new process does; this one connects again by itself after a while.
    const later = (await openTemporary(t, { cache: { url: redis.url } })).cache
    await assert.rejects(later.for('usr_aaaaaaaaaa').erase(), failsWith('USER_NOT_FOUND'))
    const receipt = await later.for(id).erase()
    assert.deepEqual([receipt.entries, receipt.remaining, redis.ask('--scan')], [1, 0, ''])
    await assert.rejects(later.for(id).erase(), failsWith('USER_NOT_FOUND'))
  })

  test('by the command line says what became of the entries, and what to run', async (t) => {
    const redis = await startRedis(t, DURABLE)
    const cli = new CoffreLine(t)
    await cli.ok('init')
    cli.environment['COFFRE_CACHE_URL'] = redis.url
    const make = async () => {
      const { id } = await cli.json('user create')
      const set = ['cache', 'set', CONTRACT, '--user', String(id)]
      assert.equal((await cli.run(set, { input: '{"power":6.0}' })).code, 0)
      return String(id)
    }
    const [first, second, third] = [await make(), await make(), await make()]
    const done = await cli.ok(`user delete ${first} --yes`)
    assert.match(done.error, new RegExp(`1 entries of ${first} deleted.*finds 0`))
    const unset = { environment: { COFFRE_CACHE_URL: '' } }
    const notSet = await cli.run(['user', 'delete', third, '--yes'], unset)
    assert.deepEqual([notSet.code, notSet.error.includes('COFFRE_CACHE_URL')], [5, true])
    await redis.kill()
    const down = await cli.run(['user', 'delete', second, '--yes'])
    assert.equal(down.code, 5)
    assert.match(down.error, new RegExp(`coffre cache erase --user ${second}`))
    await redis.start()
    for (const left of [second, third]) {
      assert.equal((await cli.json(`cache erase --user ${left} --dry-run`))['dryRun'], true)
      const receipt = await cli.json(`cache erase --user ${left} --yes`)
      assert.deepEqual([receipt['entries'], receipt['remaining']], [1, 0])
      assert.equal((await cli.run(['cache', 'erase', '--user', left, '--yes'])).code, 4)
    }
    assert.equal(redis.ask('--scan'), '')
    const never = await cli.json('user create')
    assert.deepEqual((await cli.json(`user delete ${String(never['id'])} --yes`, unset))['cache'], {
      outcome: 'none',
    })
  })
})
