import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { after, describe, test } from 'node:test'
import { startServer, type SendOptions } from './running-server.ts'

const { url, adminToken: token, admin, send } = await startServer({ after })
await admin.keys.create({ name: 'k' })
const UUID = /^[0-9a-f-]{36}$/

interface Case extends SendOptions {
  readonly path: string
  readonly status: number
  readonly code: string
}

const post = (path: string, body: unknown) => ({ path, method: 'POST', body })
const invalid = { status: 400, code: 'INVALID_REQUEST' }
const missing = { status: 404, code: 'NOT_FOUND' }
const unsupported = { status: 415, code: 'MEDIA_TYPE_UNSUPPORTED' }
const large = { status: 413, code: 'LIMIT_EXCEEDED' }

const cases: Readonly<Record<string, Case>> = {
  'an unknown path': { path: '/nope', ...missing },
  'an unknown path below the API': { ...post('/api/v1/nope', {}), ...missing },
  'an unknown method': {
    path: '/api/v1/keys',
    method: 'DELETE',
    status: 405,
    code: 'METHOD_NOT_ALLOWED',
  },
  'a path that is not encoded': { path: '/api/v1/keys/%zz', ...missing },
  'a path segment beyond all bounds': { path: `/api/v1/keys/${'a'.repeat(300)}`, ...missing },
  'a key name that is none': { path: '/api/v1/keys/..%2f..', ...invalid },
  'another content type': {
    ...post('/api/v1/keys', '{"name":"x"}'),
    headers: { 'content-type': 'text/plain' },
    ...unsupported,
  },
  'a form': {
    ...post('/api/v1/keys', 'name=x'),
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    ...unsupported,
  },
  'text that is no JSON': { ...post('/api/v1/keys', '{"name":'), ...invalid },
  'JSON that is no object': { ...post('/api/v1/keys', '[]'), ...invalid },
  null: { ...post('/api/v1/keys', 'null'), ...invalid },
  'no body where one is needed': { ...post('/api/v1/encrypt', ''), ...invalid },
  'JSON of great depth': { ...post('/api/v1/keys', '['.repeat(100_000)), ...large },
  'JSON one level too deep': { ...post('/api/v1/keys', `${'['.repeat(33)}${']'.repeat(33)}`), ...large },
  'a prototype': { ...post('/api/v1/keys', '{"name":"x","__proto__":{"role":"admin"}}'), ...invalid },
  'an escaped prototype': { ...post('/api/v1/keys', '{"name":"x","__pr\\u006fto__":{}}'), ...invalid },
  'a prototype as a context': {
    ...post('/api/v1/encrypt', '{"key":"k","plaintext":"","context":{"__proto__":"x"}}'),
    ...invalid,
  },
  'an unknown member': { ...post('/api/v1/keys', { name: 'x', colour: 'red' }), ...invalid },
  'a body of 17 MiB': { ...post('/api/v1/encrypt', ' '.repeat(17 * 1024 * 1024)), ...large },
  'a batch of 1,001': {
    ...post('/api/v1/random/batch', { items: Array.from({ length: 1_001 }, () => ({})) }),
    ...invalid,
  },
  'a batch of none': { ...post('/api/v1/random/batch', { items: [] }), ...invalid },
  'base64 without padding': { ...post('/api/v1/encrypt', { key: 'k', plaintext: 'AA' }), ...invalid },
  base64url: { ...post('/api/v1/encrypt', { key: 'k', plaintext: '_-_-' }), ...invalid },
  'a number for a text': { ...post('/api/v1/encrypt', { key: 1, plaintext: '' }), ...invalid },
  'a query that is no number': { path: '/api/v1/keys?limit=many', ...invalid },
  'a limit of none': { path: '/api/v1/keys?limit=0', ...invalid },
  'an unknown key': {
    ...post('/api/v1/encrypt', { key: 'none', plaintext: '' }),
    status: 404,
    code: 'KEY_NOT_FOUND',
  },
  'a broken ciphertext': {
    ...post('/api/v1/decrypt', { ciphertext: 'x' }),
    status: 400,
    code: 'DECRYPTION_FAILED',
  },
}

describe('a problem document answers', () => {
  for (const [what, { path, status, code, ...options }] of Object.entries(cases)) {
    test(what, async () => {
      const answer = await send(path, { token, ...options })
      assert.equal(answer.type, 'application/problem+json; charset=utf-8')
      assert.equal(answer.status, status)
      const members = ['code', 'detail', 'facts', 'requestId', 'status', 'title', 'type']
      assert.deepEqual(Object.keys(answer.body).toSorted(), members)
      assert.equal(answer.body['code'], code)
      assert.equal(answer.body['status'], status)
      assert.match(String(answer.body['requestId']), UUID)
      assert.equal(answer.headers.get('x-request-id'), answer.body['requestId'])
    })
  }
  test('without the keys that were refused', async () => {
    assert.deepEqual(
      (await admin.keys.list()).map(({ name }) => name),
      ['k'],
    )
  })
})

describe('a head that is no request is answered by a problem document', () => {
  const bad = '400 Bad Request'
  const heads: Readonly<Record<string, readonly [head: string, status: string, code: string]>> = {
    'of no HTTP': ['GARBAGE\r\n\r\n', bad, 'INVALID_REQUEST'],
    'of an unknown method': ['FROB /livez HTTP/1.1\r\nhost: x\r\n\r\n', bad, 'INVALID_REQUEST'],
    'of 20,000 bytes': [
      `GET /livez HTTP/1.1\r\nhost: x\r\nx: ${'a'.repeat(20_000)}\r\n\r\n`,
      '431 Request Header Fields Too Large',
      'HEADERS_TOO_LARGE',
    ],
    'of two lengths': [
      'POST /x HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\ncontent-length: 3\r\n\r\n',
      bad,
      'INVALID_REQUEST',
    ],
    'without a host': ['GET /livez HTTP/1.1\r\nconnection: close\r\n\r\n', bad, 'INVALID_REQUEST'],
    'that expects something else': [
      'GET /livez HTTP/1.1\r\nhost: x\r\nexpect: 200-ok\r\n\r\n',
      bad,
      'INVALID_REQUEST',
    ],
    'with a chunk that is none': [
      `POST /api/v1/random HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n`,
      bad,
      'INVALID_REQUEST',
    ],
  }
  for (const [what, [head, status, code]] of Object.entries(heads)) {
    test(what, async () => {
      const answer = await exchange(head)
      assert.ok(answer.startsWith(`HTTP/1.1 ${status}\r\n`), answer.slice(0, 80))
      assert.match(answer, /\r\ncontent-type: application\/problem\+json; charset=utf-8\r\n/i)
      const text = answer.slice(answer.indexOf('{'), answer.lastIndexOf('}') + 1)
      const problem = JSON.parse(text) as Record<string, unknown>
      assert.equal(problem['code'], code)
      assert.ok(answer.includes(`\r\nx-request-id: ${String(problem['requestId'])}\r\n`))
    })
  }
})

test('a wrong method is told the right ones', async () => {
  const allowed = { '/api/v1/keys': 'GET, HEAD, POST', '/api/v1/keys/k': 'GET, HEAD, PATCH' }
  for (const [path, methods] of Object.entries(allowed)) {
    for (const method of ['PUT', 'DELETE', 'OPTIONS']) {
      const answer = await send(path, { method })
      assert.equal(answer.status, 405)
      assert.equal(answer.headers.get('allow'), methods)
    }
  }
})

/** Sends `text` as it is and reads until the server hangs up. */
function exchange(text: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const { port, hostname } = new URL(url)
  const socket = connect(Number(port), hostname, () => socket.write(text))
  let answer = ''
  socket.on('data', (piece: Buffer) => (answer += piece.toString()))
  socket.on('error', reject)
  socket.on('close', () => resolve(answer))
  return promise
}

describe('a request id', () => {
  test('of the caller is echoed and recorded', async () => {
    const headers = { 'x-request-id': 'order-12345' }
    const answer = await send('/api/v1/random', { token, method: 'POST', body: {}, headers })
    assert.equal(answer.headers.get('x-request-id'), 'order-12345')
    assert.equal((await admin.audit.list({ limit: 1_000 })).at(-1)?.requestId, 'order-12345')
  })
  test('that is not acceptable is replaced', async () => {
    for (const id of ['short', 'a'.repeat(65), 'with space', 'quote"quote']) {
      const answer = await send('/livez', { headers: { 'x-request-id': id } })
      assert.match(answer.headers.get('x-request-id') ?? '', UUID)
    }
  })
})

test('no answer is cached or sniffed', async () => {
  for (const path of ['/livez', '/api/v1/status', '/nope']) {
    const { headers } = await send(path)
    assert.equal(headers.get('cache-control'), 'no-store', path)
    assert.equal(headers.get('x-content-type-options'), 'nosniff', path)
  }
})
