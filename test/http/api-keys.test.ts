import assert from 'node:assert/strict'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, test, type TestContext } from 'node:test'
import type { ServeOptions } from '../../src/app.ts'
import { connectCoffre } from '../../src/client/connect-coffre.ts'
import { Fernet } from '../../src/crypto/fernet.ts'
import { failsWith } from '../temporary.ts'
import { type Answer, startServer } from './running-server.ts'

const KEY = 'mistral-test-key-0123456789abcdefABCDEF'
const PATH = '/api/v1/users/me/api-key'

async function withUser(t: TestContext, options: Partial<ServeOptions> = {}) {
  const server = await startServer(t, { environment: {}, ...options })
  const { id, clientSecret } = await server.admin.users.create({ clientId: 'shop' })
  assert.ok(clientSecret !== undefined)
  const token = (
    await connectCoffre(server.url).logins.withClient({ clientId: 'shop', clientSecret })
  ).token.reveal()
  const ask = (method: string, path: string, body?: unknown): Promise<Answer> =>
    server.send(`/api/v1/users/me${path}`, { method, token, ...(body === undefined ? {} : { body }) })
  return { ...server, id, token, ask, user: connectCoffre(server.url, token) }
}

/** Answers with `status`, or never for 0, and keeps what it was asked. */
async function fakeProvider(t: TestContext) {
  const asked: { readonly path: string; readonly headers: IncomingHttpHeaders }[] = []
  const provider = { status: 200, asked, url: '' }
  const server = createServer((request, response) => {
    asked.push({ path: request.url ?? '', headers: request.headers })
    if (provider.status !== 0) response.writeHead(provider.status).end('{}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  provider.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return provider
}

describe('PATCH /users/me/api-key', () => {
  test('stores a key, shows what is harmless of it, and the next one takes its place', async (t) => {
    const { ask, user } = await withUser(t)
    const none = await ask('GET', '')
    assert.deepEqual([none.body['has_api_key'], none.body['api_key_status']], [false, 'none'])
    const stored = await ask('PATCH', '/api-key', { api_key: KEY, provider: 'mistral' })
    assert.equal(stored.status, 200)
    assert.deepEqual(
      [stored.body['status'], stored.body['provider'], stored.body['lastFour'], stored.body['form']],
      ['ok', 'mistral', 'CDEF', 'own'],
    )
    assert.equal(stored.body['looksUsual'], false)
    const me = await ask('GET', '')
    assert.deepEqual([me.body['has_api_key'], me.body['api_key_status']], [true, 'ok'])
    assert.ok(!JSON.stringify([me.body, stored.body]).includes(KEY))
    const second = await user.apiKeys.set({ apiKey: 'short-key', provider: 'custom' })
    assert.deepEqual([second.lastFour, second.provider], [undefined, 'custom'])
    assert.notEqual(second.fingerprint, stored.body['fingerprint'])
    assert.equal((await ask('DELETE', '/api-key')).status, 204)
    assert.equal((await ask('DELETE', '/api-key')).status, 204)
    assert.equal((await user.apiKeys.get()).status, 'none')
  })

  test('answers 401 without a credential, and exactly 400 with one code for what is no key', async (t) => {
    const { ask, send, admin, id, token } = await withUser(t)
    assert.equal((await send(PATH, { method: 'PATCH', body: { api_key: KEY } })).status, 401)
    const refused: [unknown, string][] = [
      ['', 'empty'],
      ['   ', 'blank'],
      ['\n\t', 'blank'],
      ['a\nb', 'control-characters'],
      ['a\u0000b', 'control-characters'],
      ['a\u0085b', 'control-characters'],
      ['x'.repeat(513), 'too-long'],
      ['x'.repeat(200_000), 'too-long'],
      // Above the limits of bodies.
      ['x'.repeat(300_000), 'too-long'],
      ['\n'.repeat(100_000), 'too-long'],
      [Array(60_000).fill(0), 'too-long'],
      [7, 'type'],
      [null, 'type'],
      [['x'], 'type'],
      [undefined, 'type'],
    ]
    for (const [given, reason] of refused) {
      const { status, body } = await ask('PATCH', '/api-key', { api_key: given, provider: 'mistral' })
      const facts = body['facts'] as Record<string, unknown>
      assert.deepEqual([status, body['code'], facts['reason']], [400, 'API_KEY_REFUSED', reason])
    }
    for (const body of [{ api_key: KEY, provider: 'nobody' }, { api_key: KEY, more: 1 }, [], '"x"', '{']) {
      const answer = await send(PATH, {
        method: 'PATCH',
        headers: { authorization: `Basic ${Buffer.from('shop:x').toString('base64')}` },
        body,
      })
      assert.equal(answer.status, 401)
      assert.equal((await ask('PATCH', '/api-key', body)).status, 400)
    }

    const large = { api_key: 'x'.repeat(300_000) }
    assert.equal((await send(PATH, { method: 'PATCH', body: large })).status, 401)
    const named = await admin.apiKeys
      .set({ user: id, apiKey: 'x'.repeat(300_000) })
      .catch((error: unknown) => error)
    assert.ok(failsWith('API_KEY_REFUSED')(named))
    const text = { authorization: `Bearer ${token}`, 'content-type': 'text/plain' }
    assert.equal((await send(PATH, { method: 'PATCH', headers: text, body: KEY })).status, 415)
    const longest = await ask('PATCH', '/api-key', { api_key: 'é'.repeat(512) })
    assert.equal(longest.status, 200)
  })

  test('knows the shapes of six providers as hints, and refuses none', async (t) => {
    const { user } = await withUser(t)
    const usual = {
      mistral: 'a'.repeat(32),
      openai: `sk-${'a'.repeat(40)}`,
      openrouter: `sk-or-v1-${'a'.repeat(40)}`,
      anthropic: `sk-ant-api03-${'a'.repeat(40)}`,
      google: `AIza${'a'.repeat(35)}`,
      custom: 'whatever',
    } as const
    for (const provider of Object.keys(usual) as (keyof typeof usual)[]) {
      const stored = await user.apiKeys.set({ provider, apiKey: usual[provider] })
      assert.deepEqual([stored.provider, stored.looksUsual], [provider, true])
      const odd = await user.apiKeys.set({ provider, apiKey: 'x y' })
      assert.equal(odd.looksUsual, provider === 'custom')
    }
  })

  test('leaves records that name the user and the provider, and neither the key nor its ciphertext', async (t) => {
    const { ask, admin, id } = await withUser(t, { environment: { FERNET_SECRET_KEY: Fernet.generateKey() } })
    await ask('PATCH', '/api-key', { api_key: KEY })
    await ask('DELETE', '/api-key')
    const records = (await admin.audit.list({ last: 20 })).filter(({ action }) =>
      action.startsWith('api-key.'),
    )
    assert.deepEqual(
      records.map(({ action }) => action),
      ['api-key.set', 'api-key.remove'],
    )
    for (const { body } of records) {
      assert.ok(body.includes(id) && body.includes('mistral'))
      assert.ok(!body.includes(KEY) && !body.includes('gAAAA'))
    }
  })
})

describe('POST /users/me/api-key/test', () => {
  test('tells what the provider says apart, and sends each the header that it wants', async (t) => {
    const provider = await fakeProvider(t)
    const names = ['mistral', 'openai', 'openrouter', 'anthropic', 'google', 'custom'] as const
    const baseUrls = Object.fromEntries(names.map((name) => [name, `${provider.url}/`]))
    const { user, ask, admin } = await withUser(t, { providers: { baseUrls } })
    await assert.rejects(user.apiKeys.test(), failsWith('API_KEY_REQUIRED'))
    await user.apiKeys.set({ apiKey: KEY })
    const verdicts: string[] = []
    for (const status of [200, 401, 403]) {
      provider.status = status
      const found = await ask('POST', '/api-key/test')
      assert.deepEqual([found.status, found.body['status']], [200, status])
      verdicts.push(String(found.body['verdict']))
    }
    assert.deepEqual(verdicts, ['accepted', 'refused', 'forbidden'])
    assert.equal(provider.asked[0]?.headers.authorization, `Bearer ${KEY}`)
    assert.equal(provider.asked[0]?.path, '/v1/models')
    // Five of one user at once, and the first was for no key.
    provider.status = 429
    assert.equal((await user.apiKeys.test()).verdict, 'rate-limited')
    await assert.rejects(user.apiKeys.test(), failsWith('RATE_LIMITED'))
    for (const [name, header] of [
      ['anthropic', 'x-api-key'],
      ['google', 'x-goog-api-key'],
    ] as const) {
      const made = await admin.users.create({ clientId: name })
      await admin.apiKeys.set({ user: made.id, provider: name, apiKey: KEY })
      provider.status = 500
      assert.equal((await admin.apiKeys.test(made.id)).verdict, 'unexpected')
      assert.equal(provider.asked.at(-1)?.headers[header], KEY)
      // Google says so of a key that is none.
      provider.status = 400
      const { verdict } = await admin.apiKeys.test(made.id)
      assert.equal(verdict, name === 'google' ? 'refused' : 'unexpected')
    }
  })

  test('tells a provider that does not answer in time from one that is not there', async (t) => {
    const provider = await fakeProvider(t)
    provider.status = 0
    const baseUrls = { mistral: provider.url, custom: 'http://127.0.0.1:9' }
    const { user } = await withUser(t, { providers: { baseUrls } })
    await user.apiKeys.set({ apiKey: KEY })
    assert.deepEqual(await user.apiKeys.test(), { verdict: 'timeout' })
    await user.apiKeys.set({ apiKey: KEY, provider: 'custom' })
    assert.deepEqual(await user.apiKeys.test(), { verdict: 'unreachable' })
  })

  test('of a custom provider needs an address from the operator', async (t) => {
    const { user } = await withUser(t)
    await user.apiKeys.set({ apiKey: KEY, provider: 'custom' })
    await assert.rejects(user.apiKeys.test(), failsWith('CONFIG_REFUSED'))
  })
})

describe('an administrator', () => {
  test('lists, stores and erases keys of users of the own tenant, and reads none', async (t) => {
    const { admin, url, id } = await withUser(t)
    const { token } = await admin.tokens.create({ name: 'acme', role: 'admin', tenant: 'acme' })
    const acme = connectCoffre(url, token)
    await admin.apiKeys.set({ user: 'shop', apiKey: KEY })
    const [listed] = await admin.apiKeys.list()
    assert.deepEqual([listed?.user, listed?.clientId, listed?.status], [id, 'shop', 'ok'])
    assert.deepEqual(await acme.apiKeys.list(), [])
    await assert.rejects(acme.apiKeys.get(id), failsWith('USER_NOT_FOUND'))
    await assert.rejects(acme.apiKeys.set({ user: id, apiKey: 'x' }), failsWith('USER_NOT_FOUND'))
    await assert.rejects(acme.apiKeys.revokeAll(), failsWith('FORBIDDEN'))
    assert.deepEqual(await admin.apiKeys.revokeAll(), { revoked: 1 })
    assert.equal((await admin.apiKeys.get('shop')).status, 'none')
    // The keys that encrypt them are nobody's to reach.
    assert.ok((await admin.keys.list()).every(({ name }) => !name.startsWith('api-key')))
  })
})

describe('POST /api-keys/rotate-wrapping', () => {
  test('tells whoever accepts lines how far it is, and refuses the others before the first line', async (t) => {
    const { admin, url, api, adminToken, appToken } = await startServer(t, { environment: {} })
    const { id } = await admin.users.create()
    await admin.apiKeys.set({ user: id, apiKey: KEY })
    const ask = (token: string) =>
      fetch(`${api}/api-keys/rotate-wrapping`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${token}`,
          'content-type': 'application/json',
          accept: 'application/x-ndjson',
        },
        body: '{}',
      })
    const answer = await ask(adminToken)
    assert.equal(answer.headers.get('content-type'), 'application/x-ndjson')
    const lines = (await answer.text())
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as object)
    assert.deepEqual(lines[0], { done: 1, of: 1 })
    assert.deepEqual(lines.at(-1), { ok: true, value: { form: 'own', rotated: 1, unreadable: 0 } })
    const refused = await ask(appToken)
    assert.deepEqual([refused.status, ((await refused.json()) as { code: string }).code], [403, 'FORBIDDEN'])
    const told: [number, number][] = []
    const done = await admin.apiKeys.rotateWrapping({ tell: (...each) => told.push(each) })
    assert.deepEqual([done.rotated, told[0]], [1, [1, 1]])
    await assert.rejects(admin.apiKeys.rotateWrapping({ to: 'fernet' }), failsWith('CONFIG_REFUSED'))
    await assert.rejects(connectCoffre(url, appToken).apiKeys.rotateWrapping(), failsWith('FORBIDDEN'))
  })
})
