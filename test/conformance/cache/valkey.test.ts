import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { parseValkeyUrl } from '../../../src/store/valkey/valkey-url.ts'
import { ValkeyCacheStore } from '../../../src/store/valkey/valkey-cache-store.ts'
import { Authority, withoutOpenssl } from '../../http/certificates.ts'
import { findFreePort, NO_REDIS, startRedis } from '../../redis-server.ts'
import { failsWith, makeFolder } from '../../temporary.ts'
import { testCacheStore } from './suite.ts'

const unavailable = failsWith('CACHE_UNAVAILABLE')

describe('a cache on a server', { skip: NO_REDIS }, async () => {
  if (NO_REDIS !== false) return
  const server = await startRedis({ after })
  testCacheStore(async (work) => {
    // Thousands of commands at once on a machine that does much else are slow, not wrong.
    const store = await ValkeyCacheStore.open(parseValkeyUrl(server.url), { timeoutMs: 30_000 })
    try {
      server.ask('flushall')
      await work(store)
    } finally {
      await store.close()
    }
  })

  test('it comes back after the server was gone, and meanwhile fails at once', async (t) => {
    const own = await startRedis(t)
    const store = await ValkeyCacheStore.open(parseValkeyUrl(own.url))
    t.after(() => store.close())
    await store.set('a', Buffer.from('one'), 60)
    await own.kill()
    await assert.rejects(store.get('a'), unavailable)
    await assert.rejects(store.set('a', Buffer.from('two'), 60), unavailable)
    await own.start()
    while ((await store.get('a').catch(() => null)) === null) await setTimeout(50)
    await store.set('a', Buffer.from('three'), 60)
    assert.equal(Buffer.from((await store.get('a')) ?? []).toString(), 'three')
  })

  test('a server that forgot its scripts is given them again', async (t) => {
    const own = await startRedis(t)
    const store = await ValkeyCacheStore.open(parseValkeyUrl(own.url))
    t.after(() => store.close())
    const owner = { set: 's', ttlSeconds: 60 }
    assert.equal((await store.setOwned('a', Buffer.from('one'), owner)).isSet, true)
    own.ask('script', 'flush')
    const [first, second] = await Promise.all([
      store.setOwned('a', Buffer.from('two'), owner),
      store.setOwned('b', Buffer.from('three'), owner),
    ])
    assert.deepEqual([first.before, second.before], ['one', undefined])
    assert.equal(await store.addToSet('s', ['c'], 90), 1)
    assert.deepEqual(await store.getMany(['a', 'b']), [Buffer.from('two'), Buffer.from('three')])
    assert.ok(Number(own.ask('TTL', 's')) > 60)
  })

  test('a server that is down at the start is no error until it is asked', async (t) => {
    const own = await startRedis(t)
    await own.kill()
    const store = await ValkeyCacheStore.open(parseValkeyUrl(own.url))
    t.after(() => store.close())
    await assert.rejects(store.get('a'), unavailable)
  })

  test('a silent server costs one time-out, not one for each command', async (t) => {
    const own = await startRedis(t)
    const store = await ValkeyCacheStore.open(parseValkeyUrl(own.url), { timeoutMs: 300 })
    t.after(() => store.close())
    own.ask('client', 'pause', '60000', 'all')
    await assert.rejects(store.get('a'), unavailable)
    const many = await Promise.allSettled(Array.from({ length: 200 }, () => store.get('a')))
    assert.ok(many.every((each) => each.status === 'rejected'))
  })

  test('a user of an access list with a password is let in, and no other', async (t) => {
    const own = await startRedis(t)
    own.ask('acl', 'setuser', 'cache', 'on', '>p@ss/word', '~*', '+@all')
    own.ask('acl', 'setuser', 'default', 'off')
    const address = `127.0.0.1:${own.port}`
    const store = await ValkeyCacheStore.open(parseValkeyUrl(`redis://cache:p%40ss%2Fword@${address}`))
    t.after(() => store.close())
    await store.set('a', Buffer.from('one'), 60)
    const other = await ValkeyCacheStore.open(parseValkeyUrl(`redis://cache:wrong@${address}`))
    t.after(() => other.close())
    await assert.rejects(other.get('a'), unavailable)
  })

  test('TLS is spoken, with the CA that is named and no other', { skip: withoutOpenssl }, async (t) => {
    const folder = makeFolder(t)
    const authority = new Authority(folder)
    const { certificateFile, keyFile } = authority.issue('server')
    const files = { cert: certificateFile, key: keyFile, 'ca-cert': authority.certificateFile }
    const settings = Object.entries(files).flatMap(([name, file]) => [`--tls-${name}-file`, file])
    const own = await startRedis(t, [...settings, '--tls-auth-clients', 'no'])
    const port = await findFreePort()
    own.ask('config', 'set', 'tls-port', String(port))
    const address = parseValkeyUrl(`valkeys://127.0.0.1:${port}`)
    const store = await ValkeyCacheStore.open(address, { ca: authority.certificate })
    t.after(() => store.close())
    await store.set('a', Buffer.from('one'), 60)
    assert.equal(Buffer.from((await store.get('a')) ?? []).toString(), 'one')
    const other = await ValkeyCacheStore.open(address)
    t.after(() => other.close())
    await assert.rejects(other.get('a'), unavailable)
  })

  test('a full server refuses, and the refusal is told as such', async (t) => {
    const own = await startRedis(t, ['--maxmemory', '1mb', '--maxmemory-policy', 'noeviction'])
    const store = await ValkeyCacheStore.open(parseValkeyUrl(own.url))
    t.after(() => store.close())
    const fill = async () => {
      for (let index = 0; index < 100; index += 1) await store.set(`n:${index}`, Buffer.alloc(50_000), 60)
    }
    await assert.rejects(fill(), unavailable)
  })
})

describe('the address of a cache server', () => {
  test('every part of it is read', () => {
    assert.deepEqual(parseValkeyUrl('valkeys://u%3Aser:p%40ss@[::1]:7000/3'), {
      host: '::1',
      port: 7_000,
      tls: true,
      database: 3,
      user: 'u:ser',
      password: 'p@ss',
    })
    const plain = { host: 'cache', port: 6_379, tls: false, database: 0 }
    for (const text of ['valkey://cache', 'redis://cache/', 'redis://cache/0']) {
      assert.deepEqual(parseValkeyUrl(text), plain)
    }
    assert.equal(parseValkeyUrl('rediss://cache').tls, true)
  })

  for (const text of [
    '',
    'cache:6379',
    'http://cache',
    'redis://',
    'redis://c/16',
    'redis://c/a',
    'redis://c?x=1',
    'redis://:%zz@c',
  ]) {
    test(`"${text}" is refused without being repeated`, () => {
      assert.throws(
        () => parseValkeyUrl(text),
        (error) => failsWith('CONFIG_REFUSED')(error) && !JSON.stringify(error).includes('%zz'),
      )
    })
  }
})
