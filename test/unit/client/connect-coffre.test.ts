import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, test, type TestContext } from 'node:test'
import { inspect } from 'node:util'
import { connectCoffre } from '../../../src/client/connect-coffre.ts'
import { CoffreError, type ErrorCode } from '../../../src/model/errors.ts'

const TOKEN = 'coffre_canary0123456789canary0123456789canary0123456789'

interface Seen {
  readonly method: string
  readonly url: string
  readonly authorization: string | undefined
  readonly body: unknown
}

interface Reply {
  readonly status?: number
  readonly type?: string
  readonly headers?: Record<string, string>
  readonly body?: unknown
}

/** A server that remembers what it saw and gives every request the same reply. */
async function startServer(t: TestContext, reply: Reply): Promise<{ url: string; seen: Seen[] }> {
  const seen: Seen[] = []
  const server = createServer((request, response) => void answer(request, response, { reply, seen }))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen }
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { reply, seen }: { reply: Reply; seen: Seen[] },
): Promise<void> {
  const pieces: Buffer[] = []
  for await (const piece of request) pieces.push(piece as Buffer)
  const text = Buffer.concat(pieces).toString()
  seen.push({
    method: request.method ?? '',
    url: request.url ?? '',
    authorization: request.headers.authorization,
    body: text === '' ? undefined : JSON.parse(text),
  })
  response.writeHead(reply.status ?? 200, {
    'content-type': reply.type ?? 'application/json',
    ...reply.headers,
  })
  response.end(typeof reply.body === 'string' ? reply.body : JSON.stringify(reply.body ?? {}))
}

function failsWith(code: ErrorCode, facts: Record<string, string | number> = {}) {
  return (error: unknown): boolean => {
    assert.ok(error instanceof CoffreError, inspect(error))
    assert.equal(error.code, code)
    for (const [name, value] of Object.entries(facts)) assert.equal(error.facts[name], value)
    const shown = `${inspect(error, { depth: 9, showHidden: true })}${JSON.stringify(error)}`
    assert.ok(!shown.includes('canary'), 'an error shows the token')
    return true
  }
}

const KEY = {
  id: '0193a73a-b400-7000-8000-000000000001',
  name: 'invoices',
  algorithm: 'aes256-gcm',
  purpose: 'encrypt',
  description: '',
  owner: '',
  environment: '',
  securityLevel: 'medium',
  tags: {},
  floor: 1,
  createdAt: '2026-01-01T00:00:00.000Z',
  updatedAt: '2026-01-01T00:00:00.000Z',
  versions: [],
}

describe('what the client sends', () => {
  test('bytes and text travel as base64, and the token in its header', async (t) => {
    const { url, seen } = await startServer(t, { body: { ciphertext: 'cof1', key: 'invoices', version: 1 } })
    const coffre = connectCoffre(url, TOKEN)
    await coffre.encrypt({ key: 'invoices', plaintext: 'é', context: { row: '7' } })
    await coffre.encrypt({ key: 'invoices', plaintext: Uint8Array.of(0, 255) })
    assert.deepEqual(seen[0], {
      method: 'POST',
      url: '/api/v1/encrypt',
      authorization: `Bearer ${TOKEN}`,
      body: { key: 'invoices', plaintext: 'w6k=', context: { row: '7' } },
    })
    assert.deepEqual(seen[1]?.body, { key: 'invoices', plaintext: 'AP8=' })
  })

  test('a request for random bytes keeps its number of bytes a number', async (t) => {
    const { url, seen } = await startServer(t, { body: { bytes: 'AAE=' } })
    const { bytes } = await connectCoffre(url, TOKEN).random({ bytes: 2 })
    assert.deepEqual(seen[0]?.body, { bytes: 2 })
    assert.deepEqual([...bytes], [0, 1])
  })

  const moves: [string, (coffre: ReturnType<typeof connectCoffre>) => Promise<unknown>, string, unknown][] = [
    ['rotate', (coffre) => coffre.keys.rotate('invoices'), 'POST /api/v1/keys/invoices/rotate', {}],
    [
      'rollback',
      (coffre) => coffre.keys.rollback('invoices', { version: 1 }),
      'POST /api/v1/keys/invoices/rollback',
      { version: 1 },
    ],
    [
      'setFloor',
      (coffre) => coffre.keys.setFloor('invoices', 2),
      'POST /api/v1/keys/invoices/floor',
      { version: 2 },
    ],
    [
      'scheduleDestroy',
      (coffre) => coffre.keys.scheduleDestroy('invoices', { days: 9 }),
      'POST /api/v1/keys/invoices/schedule-destroy',
      { days: 9 },
    ],
    [
      'update',
      (coffre) => coffre.keys.update('invoices', { owner: 'billing' }),
      'PATCH /api/v1/keys/invoices',
      { owner: 'billing' },
    ],
    ['get', (coffre) => coffre.keys.get('invoices'), 'GET /api/v1/keys/invoices', undefined],
  ]
  for (const [name, call, line, body] of moves) {
    test(`keys.${name} is ${line}`, async (t) => {
      const { url, seen } = await startServer(t, { body: KEY })
      await call(connectCoffre(url, TOKEN))
      assert.equal(`${seen[0]?.method} ${seen[0]?.url}`, line)
      assert.deepEqual(seen[0]?.body, body)
    })
  }

  test('a list asks only for what the caller named', async (t) => {
    const { url, seen } = await startServer(t, { body: { keys: [KEY] } })
    const keys = await connectCoffre(`${url}/proxied/`, TOKEN).keys.list({ after: 'a', limit: 5 })
    await connectCoffre(url, TOKEN).keys.list()
    assert.equal(keys[0]?.name, 'invoices')
    assert.deepEqual(
      seen.map((each) => each.url),
      ['/proxied/api/v1/keys?after=a&limit=5', '/api/v1/keys'],
    )
  })

  test('a name that could change the path is refused before anything is sent', async (t) => {
    const { url, seen } = await startServer(t, { body: KEY })
    const coffre = connectCoffre(url, TOKEN)
    await assert.rejects(async () => coffre.keys.get('../tokens'), failsWith('INVALID_REQUEST'))
    await assert.rejects(async () => coffre.tokens.revoke('x/../../seal'), failsWith('INVALID_REQUEST'))
    assert.equal(seen.length, 0)
  })

  test('status needs no token and sends none', async (t) => {
    const body = { version: '0.1.0', initialised: true, sealed: true, store: 'sqlite' }
    const { url, seen } = await startServer(t, { body })
    assert.equal((await connectCoffre(url).operator.status()).sealed, true)
    assert.equal(seen[0]?.authorization, undefined)
  })
})

describe('what the client accepts', () => {
  test('a created token is a Secret', async (t) => {
    const body = { id: 'abc', name: 'app', role: 'app', createdAt: 'x', token: TOKEN }
    const { url } = await startServer(t, { status: 201, body })
    const created = await connectCoffre(url, TOKEN).tokens.create({ name: 'app', role: 'app' })
    assert.equal(created.token.reveal(), TOKEN)
    assert.ok(!JSON.stringify(created).includes('canary'))
  })

  test('each item of a batch succeeds or fails on its own', async (t) => {
    const items = [
      { ok: true, value: { plaintext: 'AAE=', key: 'invoices', version: 1 } },
      { ok: false, error: { code: 'DECRYPTION_FAILED', message: 'x', next: 'y', facts: { n: 1 } } },
    ]
    const { url } = await startServer(t, { body: { items } })
    const answers = await connectCoffre(url, TOKEN).batch('decrypt', [
      { ciphertext: 'a' },
      { ciphertext: 'b' },
    ])
    assert.deepEqual(answers[0], {
      ok: true,
      value: { plaintext: Buffer.from([0, 1]), key: 'invoices', version: 1 },
    })
    assert.equal(answers[1]?.ok === false && answers[1].error.code, 'DECRYPTION_FAILED')
  })

  test('a batch with an item missing is refused as a whole', async (t) => {
    const { url } = await startServer(t, { body: { items: [] } })
    const call = connectCoffre(url, TOKEN).batch('decrypt', [{ ciphertext: 'a' }])
    await assert.rejects(call, failsWith('SERVER_UNREACHABLE', { at: 'items' }))
  })

  const strange: [string, Reply, string][] = [
    ['HTML', { type: 'text/html', body: '<p>hello</p>' }, 'body'],
    ['a missing field', { body: { key: 'invoices', version: 1 } }, 'plaintext'],
    ['base64 without padding', { body: { plaintext: 'AAE', key: 'k', version: 1 } }, 'plaintext'],
    ['a version that is text', { body: { plaintext: 'AAE=', key: 'k', version: '1' } }, 'version'],
    ['a list', { body: [] }, 'body'],
  ]
  for (const [name, reply, at] of strange) {
    test(`${name} is no answer of Coffre`, async (t) => {
      const { url } = await startServer(t, reply)
      const call = connectCoffre(url, TOKEN).decrypt({ ciphertext: 'a' })
      await assert.rejects(call, failsWith('SERVER_UNREACHABLE', { at }))
    })
  }

  test('an answer above the limit is cut off and refused', async (t) => {
    const { url } = await startServer(t, { body: 'x'.repeat(5_000) })
    const call = connectCoffre(url, TOKEN, { maxAnswerBytes: 1_000 }).random({})
    await assert.rejects(call, failsWith('LIMIT_EXCEEDED', { maximum: 1_000 }))
  })
})

describe('what the client refuses', () => {
  test('a problem keeps its code, facts and request id', async (t) => {
    const body = { code: 'KEY_NOT_FOUND', facts: { key: 'invoices' }, requestId: 'req-12345678' }
    const { url } = await startServer(t, { status: 404, type: 'application/problem+json', body })
    const call = connectCoffre(url, TOKEN).keys.get('invoices')
    await assert.rejects(call, failsWith('KEY_NOT_FOUND', { key: 'invoices', requestId: 'req-12345678' }))
  })

  test('a code that this version does not know becomes INTERNAL', async (t) => {
    const body = { code: 'MOON_FULL', facts: {}, requestId: 'req-12345678' }
    const { url } = await startServer(t, { status: 418, type: 'application/problem+json', body })
    const call = connectCoffre(url, TOKEN).keys.get('invoices')
    await assert.rejects(call, failsWith('INTERNAL', { serverCode: 'MOON_FULL' }))
  })

  test('a failure that is no problem document is not taken for a Coffre server', async (t) => {
    const { url } = await startServer(t, { status: 502, type: 'text/html', body: 'bad gateway' })
    const call = connectCoffre(url, TOKEN).keys.list()
    await assert.rejects(call, failsWith('SERVER_UNREACHABLE', { status: 502 }))
  })

  test('a redirect is not followed', async (t) => {
    const target = await startServer(t, { body: KEY })
    const { url } = await startServer(t, { status: 307, headers: { location: `${target.url}/x` } })
    const call = connectCoffre(url, TOKEN).keys.get('invoices')
    await assert.rejects(call, failsWith('SERVER_UNREACHABLE', { reason: 'redirected' }))
    assert.equal(target.seen.length, 0)
  })

  test('a closed port is SERVER_UNREACHABLE with its reason', async () => {
    // Port 1 (tcpmux) has no listener on a machine that runs tests.
    const call = connectCoffre('http://127.0.0.1:1', TOKEN).keys.list()
    await assert.rejects(call, failsWith('SERVER_UNREACHABLE'))
  })

  test('a server that never answers is given up', async (t) => {
    const silent = createServer(() => undefined)
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    t.after(() => {
      silent.closeAllConnections()
      silent.close()
    })
    const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`
    const call = connectCoffre(url, TOKEN, { timeoutMilliseconds: 50 }).keys.list()
    await assert.rejects(call, failsWith('SERVER_UNREACHABLE', { reason: 'timeout' }))
  })

  const addresses = [
    'http://example.com',
    'ftp://127.0.0.1',
    'coffre.example',
    'https://user:canary@example.com',
    'https://example.com/?a=1',
    'http://127.0.0.1.example.com',
    'http://[::2]',
  ]
  for (const address of addresses) {
    test(`the address ${address} is refused and not repeated`, () => {
      assert.throws(() => connectCoffre(address, TOKEN), failsWith('CONFIG_REFUSED'))
    })
  }

  test('bare http over a network needs a word of its own', () => {
    assert.ok(connectCoffre('http://example.com', TOKEN, { allowInsecure: true }))
    assert.ok(connectCoffre('https://example.com', TOKEN))
    assert.ok(connectCoffre('http://[::1]:8210', TOKEN))
  })

  for (const token of ['', 'canary\r\nx: y', 'canary é', 'canary'.repeat(100)]) {
    test(`a text of ${token.length} characters that cannot be a token is refused`, () => {
      assert.throws(() => connectCoffre('http://127.0.0.1', token), failsWith('UNAUTHENTICATED'))
    })
  }
})
