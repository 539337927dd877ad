import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { ServeOptions } from '../../src/app.ts'
import { openCache } from '../../src/app-cache.ts'
import { connectCoffre } from '../../src/client/connect-coffre.ts'
import type { Coffre } from '../../src/model/coffre.ts'
import { JsonText } from '../../src/model/json-text.ts'
import { NO_REDIS, startRedis } from '../redis-server.ts'
import { failsWith } from '../temporary.ts'
import { startServer } from './running-server.ts'

const PDL = '12345678901234'
const DAY = `consumption:daily:${PDL}:2024-01-15`
const NEXT_DAY = `consumption:daily:${PDL}:2024-01-16`
const VALUE = { value: '14230', date: '2024-01-15' }

async function withUser(t: TestContext, options: Partial<ServeOptions> = {}) {
  const server = await startServer(t, { environment: {}, ...options })
  const { id, clientSecret } = await server.admin.users.create({ clientId: 'shop' })
  assert.ok(clientSecret !== undefined)
  const secret = clientSecret.reveal()
  const { token } = await connectCoffre(server.url).logins.withClient({ clientId: 'shop', clientSecret })
  const basic = `Basic ${Buffer.from(`shop:${secret}`).toString('base64')}`
  const send = (method: string, path: string, body?: unknown, authorization = `Bearer ${token.reveal()}`) =>
    server.send(`/api/v1${path}`, {
      method,
      headers: { authorization },
      ...(body === undefined ? {} : { body }),
    })
  return { ...server, id, secret, basic, send, user: connectCoffre(server.url, token) }
}

async function actionsOf(admin: Coffre): Promise<readonly string[]> {
  const records = await admin.audit.list({ last: 1_000 })
  return records.map(({ body }) => (JSON.parse(body) as { readonly action: string }).action)
}

test('an entry is written, read with its status in a header, and deleted, by a token and by a client secret', async (t) => {
  const { send, basic, secret } = await withUser(t)
  const missed = await send('GET', `/cache/${DAY}`)
  assert.deepEqual(
    [missed.status, missed.body['code'], missed.headers.get('x-cache-status')],
    [404, 'CACHE_MISS', 'MISS'],
  )
  assert.deepEqual((await send('PUT', `/cache/${DAY}?ttl=60`, VALUE)).body, { stored: true })
  for (const authorization of [undefined, basic, `Bearer ${secret}`]) {
    const found = await send('GET', `/cache/${DAY}`, undefined, authorization)
    assert.deepEqual([found.status, found.body], [200, VALUE])
    assert.deepEqual(
      ['x-cache-status', 'x-cache-format', 'cache-control'].map((name) => found.headers.get(name)),
      ['HIT', '2', 'no-store'],
    )
    assert.match(found.headers.get('x-cache-written-at') ?? '', /^\d{4}-.*Z$/)
  }
  const status = await send('GET', '/cache')
  assert.deepEqual([status.body['entries'], status.body['underSecret']], [1, false])
  assert.deepEqual((await send('DELETE', `/cache/${DAY}`)).body, { deleted: true })
  assert.deepEqual((await send('DELETE', `/cache/${DAY}`)).body, { deleted: false })
  assert.equal((await send('GET', `/cache/${DAY}`)).status, 404)
  assert.equal((await send('GET', `/cache/${DAY}`, undefined, 'Bearer no-such-token')).status, 401)
})

test('every JSON value is kept, and a body that is none, none at all or too large is refused', async (t) => {
  const { send } = await withUser(t)
  for (const value of [null, 0, 'é', [1, { a: [] }], true]) {
    const written = await send('PUT', `/cache/${DAY}`, JSON.stringify(value))
    assert.equal(written.status, 200, JSON.stringify([value, written.body]))
    const found = await send('GET', `/cache/${DAY}`)
    assert.deepEqual([found.status, found.body], [200, value])
  }
  for (const [body, status] of [
    ['', 400],
    ['{', 400],
    [`"${'x'.repeat(1024 * 1024)}"`, 413],
  ] as const) {
    assert.equal((await send('PUT', `/cache/${DAY}`, body)).status, status)
  }
  assert.equal((await send('PUT', '/cache/contract:1', VALUE)).status, 400)
  assert.equal((await send('PUT', `/cache/consumption:daily:${PDL}:2024-02-30`, VALUE)).status, 400)
  assert.deepEqual((await send('PUT', `/cache/${NEXT_DAY}?ttl=0`, VALUE)).body, { stored: false })
})

test('JSON is kept byte for byte, by both forms, over HTTP and through the client', {
  skip: NO_REDIS,
}, async (t) => {
  const redis = await startRedis(t)
  const { send, basic, url, id, admin, secret } = await withUser(t, { cache: { url: redis.url } })
  const text = '{"coeff": 1.0,  "big": 12345678901234567890, "b": "\\u00e9", "a": 1e5}'
  const read = async (query = '') =>
    (await fetch(`${url}/api/v1/cache/${DAY}${query}`, { headers: { authorization: basic } })).text()
  for (const query of ['', '?format=1']) {
    assert.equal((await send('PUT', `/cache/${DAY}${query}`, ` ${text}\n`, basic)).status, 200)
    assert.equal(await read(query), text)
  }
  const direct = await openCache({ url: redis.url })
  t.after(() => direct.close())
  const found = await direct.lookup(DAY, secret)
  assert.equal(found.status === 'HIT' && Buffer.from(found.bytes).toString(), text)
  assert.equal(await admin.cache.for(id).set(DAY, new JsonText('[1.0]')), true)
  assert.equal(await read(), '[1.0]')
})

test('a range holds each day with its own status', async (t) => {
  const { send } = await withUser(t)
  await send('PUT', `/cache/${DAY}`, VALUE)
  const path = `/cache/consumption:daily/${PDL}`
  const { body, headers } = await send('GET', `${path}?from=2024-01-15&to=2024-01-16`)
  const [first, second] = body['days'] as Record<string, unknown>[]
  assert.deepEqual([first?.['status'], first?.['value'], first?.['format']], ['HIT', VALUE, 2])
  assert.deepEqual(second, { date: '2024-01-16', status: 'MISS' })
  assert.equal(headers.get('x-cache-status'), 'MISS')
  const text = await send('GET', `${path}?from=2024-01-15&to=2024-01-15&values=text`)
  assert.equal((text.body['days'] as Record<string, unknown>[])[0]?.['text'], JSON.stringify(VALUE))
  assert.equal(text.headers.get('x-cache-status'), 'HIT')
  assert.equal((await send('GET', `${path}?from=2024-01-16&to=2024-01-15`)).status, 400)
  assert.equal((await send('GET', `${path}?from=2000-01-01&to=2024-01-15`)).status, 413)
  assert.equal((await send('GET', `/cache/contract/${PDL}?from=2024-01-15&to=2024-01-16`)).status, 400)
})

test('the library over a server has a user’s whole cache, and two users of one meter never meet', async (t) => {
  const { admin, user, id, url } = await withUser(t)
  const own = user.cache.for()
  assert.equal(await own.set(DAY, VALUE), true)
  const found = await own.lookup(DAY)
  assert.ok(found.status === 'HIT')
  assert.deepEqual(
    [found.value, found.format, Buffer.from(found.bytes).toString()],
    [VALUE, 2, JSON.stringify(VALUE)],
  )
  assert.deepEqual(await admin.cache.for('shop').lookup(DAY), found)
  assert.deepEqual(await admin.cache.for(id).get(DAY), VALUE)
  const days = await own.getRange({
    type: 'consumption:daily',
    pdl: PDL,
    from: '2024-01-15',
    to: '2024-01-16',
  })
  assert.deepEqual(days, [
    { date: '2024-01-15', ...found },
    { date: '2024-01-16', status: 'MISS' },
  ])
  const other = await admin.users.create({ clientId: 'other' })
  const { token } = await connectCoffre(url).logins.withClient({
    clientId: 'other',
    clientSecret: other.clientSecret ?? '',
  })
  const others = connectCoffre(url, token).cache
  assert.deepEqual(await others.for().lookup(DAY), { status: 'MISS' })
  await assert.rejects(others.for(id).lookup(DAY), failsWith('FORBIDDEN'))
  const [listed, ...more] = await own.list({ pdl: PDL })
  assert.deepEqual(
    [listed?.name, listed?.status, listed?.format, listed?.writtenAt, more],
    [DAY, 'HIT', 2, found.writtenAt, []],
  )
  assert.deepEqual(await admin.cache.for('shop').list({ type: 'consumption:daily' }), [listed])
  assert.deepEqual(await own.list({ type: 'contract' }), [])
  await assert.rejects(others.for(id).list(), failsWith('FORBIDDEN'))
  assert.deepEqual((await own.purge({ pdl: PDL }, { dryRun: true })).names, [DAY])
  assert.deepEqual((await own.purge({ pdl: PDL })).names, [DAY])
  assert.equal(await own.delete(DAY), false)
  assert.equal(await own.get(DAY), null)
  await assert.rejects(own.lookup('contract:../../users'), failsWith('INVALID_REQUEST'))
  await assert.rejects(admin.cache.for('nobody').lookup(DAY), failsWith('USER_NOT_FOUND'))
})

test('an app reaches users’ entries as far as its policies let it use the key of the cache for them', async (t) => {
  const { admin, id, url } = await withUser(t)
  await admin.policies.create('reads-shop', {
    rules: [{ keys: ['cache'], operations: ['data.decrypt'], context: { user: [id] } }],
  })
  const appWith = async (policies: readonly string[]) =>
    connectCoffre(url, (await admin.tokens.create({ name: 'a', role: 'app', policies })).token).cache
  assert.equal(await (await appWith([])).for(id).set(DAY, VALUE), true)
  const reader = await appWith(['reads-shop'])
  assert.deepEqual(await reader.for(id).get(DAY), VALUE)
  await assert.rejects(reader.for(id).set(DAY, VALUE), failsWith('FORBIDDEN'))
  await assert.rejects(reader.for(id).delete(DAY), failsWith('FORBIDDEN'))
  await assert.rejects(reader.for(id).erase(), failsWith('FORBIDDEN'))
  const { id: stranger } = await admin.users.create({ clientId: 'stranger' })
  await assert.rejects(reader.for(stranger).lookup(DAY), failsWith('FORBIDDEN'))
})

test('erasing gives a receipt with its proof, to the user too, and a destroyed key opens nothing', async (t) => {
  const { admin, user } = await withUser(t)
  const own = user.cache.for()
  await own.set(DAY, VALUE)
  const receipt = await own.erase()
  assert.deepEqual([receipt.entries, receipt.remaining, receipt.keyDestroyed], [1, 0, true])
  assert.ok(receipt.proof !== undefined)
  assert.deepEqual(await own.lookup(DAY), { status: 'MISS' })
  assert.equal((await own.status()).hasKey, false)
  const actions = await actionsOf(admin)
  for (const action of ['cache.create-key', 'cache.erase']) assert.ok(actions.includes(action), action)
})

test('the source’s form needs the secret that proves the user, and is not seen without it', {
  skip: NO_REDIS,
}, async (t) => {
  const redis = await startRedis(t)
  const { send, basic, admin, id, secret } = await withUser(t, { cache: { url: redis.url } })
  const refused = await send('PUT', `/cache/${DAY}?format=1`, VALUE)
  assert.deepEqual([refused.status, refused.body['code']], [400, 'INVALID_REQUEST'])
  assert.equal((await send('PUT', `/cache/${DAY}?format=1`, VALUE, basic)).status, 200)
  assert.match(redis.ask('GET', DAY), /^gAAAA/)
  const direct = await openCache({ url: redis.url })
  t.after(() => direct.close())
  assert.deepEqual(await direct.get(DAY, secret), VALUE)
  const found = await send('GET', `/cache/${DAY}`, undefined, basic)
  assert.deepEqual([found.status, found.headers.get('x-cache-format')], [200, '1'])
  assert.equal((await send('GET', `/cache/${DAY}`)).status, 404)
  await direct.set(NEXT_DAY, VALUE, 'another secret of somebody')
  assert.equal(
    (await send('PUT', `/cache/${NEXT_DAY}?format=1`, VALUE, basic)).body['code'],
    'CACHE_CONFLICT',
  )
  const foreign = await send('GET', `/cache/${NEXT_DAY}?format=1`, undefined, basic)
  assert.deepEqual([foreign.status, foreign.headers.get('x-cache-status')], [403, 'WRONG_KEY'])
  assert.equal((await send('DELETE', `/cache/${NEXT_DAY}?format=1`, undefined, basic)).status, 403)
  assert.equal(redis.ask('EXISTS', NEXT_DAY), '1')
  // Erased by an administrator who has no secret of the user's.
  const receipt = await admin.cache.for(id).erase()
  assert.deepEqual([receipt.legacyEntries, redis.ask('EXISTS', DAY)], [1, '0'])
})

test('a changed entry is TAMPERED, recorded and counted, and a server that is gone is UNAVAILABLE', {
  skip: NO_REDIS,
}, async (t) => {
  const redis = await startRedis(t)
  const { send, admin, id, user, url, basic } = await withUser(t, {
    cache: { url: redis.url, timeoutMs: 500 },
  })
  await send('PUT', `/cache/${DAY}`, VALUE)
  await send('PUT', `/cache/${NEXT_DAY}?format=1`, VALUE, basic)
  redis.ask('SETRANGE', `coffre:cache:{${id}}:e:${DAY}`, '60', 'x')
  const changed = await send('GET', `/cache/${DAY}`)
  assert.deepEqual(
    [changed.status, changed.body['code'], changed.headers.get('x-cache-status')],
    [409, 'CACHE_TAMPERED', 'TAMPERED'],
  )
  const record = (await admin.audit.list({ last: 20 })).find(({ body }) => body.includes('cache.tamper'))
  assert.match(record?.body ?? '', /"by":"token:/)
  await redis.kill()
  const gone = await send('GET', `/cache/${DAY}`)
  assert.deepEqual([gone.status, gone.headers.get('x-cache-status')], [503, 'UNAVAILABLE'])
  assert.equal((await send('PUT', `/cache/${DAY}`, VALUE)).headers.get('x-cache-status'), 'UNAVAILABLE')
  assert.deepEqual(await user.cache.for().lookup(DAY), { status: 'UNAVAILABLE' })
  assert.equal(await user.cache.for().set(DAY, VALUE), false)
  const metrics = await (await fetch(`${url}/metrics`)).text()
  for (const line of [
    'coffre_cache_results_total{result="TAMPERED"} 1',
    'coffre_cache_results_total{result="UNAVAILABLE"} 2',
    'coffre_legacy_writes_total{feature="cache"} 1',
    'coffre_cache_unavailable 1',
  ]) {
    assert.ok(metrics.includes(line), line)
  }
})

test('a rotation of the secret takes the data key along when the old one is shown, and else ends that way to it', async (t) => {
  const { admin, send, basic, secret } = await withUser(t)
  await send('PUT', `/cache/${DAY}`, VALUE, basic)
  assert.equal((await admin.cache.for('shop').status()).underSecret, true)
  await assert.rejects(
    admin.users.rotateSecret('shop', { oldSecret: 'not the secret' }),
    failsWith('INVALID_REQUEST'),
  )
  const second = await admin.users.rotateSecret('shop', { oldSecret: secret })
  assert.equal(second.cacheKeyUnderSecret, 'rewrapped')
  assert.equal((await admin.cache.for('shop').status()).underSecret, true)
  const third = await admin.users.rotateSecret('shop')
  assert.equal(third.cacheKeyUnderSecret, 'dropped')
  assert.equal((await admin.cache.for('shop').status()).underSecret, false)
  assert.deepEqual(await admin.cache.for('shop').get(DAY), VALUE)
  await admin.cache.for('shop').rekey(second.clientSecret ?? '', third.clientSecret ?? '')
  assert.equal((await admin.cache.for('shop').status()).underSecret, true)
  assert.equal((await admin.users.rotateSecret('shop')).cacheKeyUnderSecret, 'dropped')
})
