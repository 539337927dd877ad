import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { DATA_OPERATION_NAMES } from '../../src/model/coffre.ts'
import { connectCoffre } from '../../src/client/connect-coffre.ts'
import { DAY, type Instant, toInstant } from '../../src/model/clock.ts'
import { LINES_TYPE, STREAM_TYPE } from '../../src/model/wire.ts'
import { failsWith } from '../temporary.ts'
import { startServer } from './running-server.ts'

let now: Instant = toInstant(Date.now())
const server = await startServer({ after }, { clock: () => now })
const { adminToken, appToken, admin, send } = server
await admin.keys.create({ name: 'k' })

interface Route {
  readonly method: string
  readonly path: string
  readonly body?: unknown
  readonly type?: string
}

const OPEN_MATERIAL = {
  format: 'raw',
  bytes: Buffer.from(Array.from({ length: 32 }, (_, at) => at)).toString('base64'),
}

/** What each role may do; every route of /openapi.json is in one of the three lists. */
const forApp: readonly Route[] = [
  ...DATA_OPERATION_NAMES.flatMap((name) => [
    { method: 'POST', path: `/${name}`, body: {} },
    { method: 'POST', path: `/${name}/batch`, body: {} },
    { method: 'POST', path: `/${name}/ndjson`, type: LINES_TYPE, body: '{}' },
  ]),
  { method: 'POST', path: '/inspect', body: { blob: 'x' } },
  { method: 'POST', path: '/encrypt-stream?key=k', type: STREAM_TYPE, body: 'x' },
  { method: 'POST', path: '/decrypt-stream', type: STREAM_TYPE, body: 'x' },
  { method: 'POST', path: '/decrypt-range?size=1&offset=0', type: STREAM_TYPE, body: 'x' },
  { method: 'GET', path: '/keys' },
  { method: 'GET', path: '/keys/k' },
  { method: 'POST', path: '/backups/records', body: { action: 'backup.verify' } },
]
const moves = [
  'rotate',
  'prepare',
  'rollback',
  'suspend',
  'resume',
  'deactivate',
  'compromise',
  'cancel-destroy',
]
const LOGIN_ROLE = { name: 'r', method: 'certificate', boundClaims: { cn: ['r'] }, role: 'app' }
const forAdmin: readonly Route[] = [
  { method: 'POST', path: '/keys', body: { name: 'new' } },
  { method: 'POST', path: '/keys/import-params', body: {} },
  {
    method: 'POST',
    path: '/keys/import',
    body: { name: 'brought', algorithm: 'aes256-gcm', material: OPEN_MATERIAL },
  },
  { method: 'POST', path: '/keys/k/import', body: { material: OPEN_MATERIAL } },
  { method: 'PATCH', path: '/keys/k', body: {} },
  ...moves.map((move) => ({ method: 'POST', path: `/keys/k/${move}`, body: {} })),
  { method: 'POST', path: '/keys/k/schedule-destroy', body: { days: 6 } },
  {
    method: 'POST',
    path: '/keys/k/export',
    body: { target: { kind: 'wrapping-key', wrappingKey: 'k' } },
  },
  { method: 'POST', path: '/keys/k/floor', body: { version: 99 } },
  { method: 'POST', path: '/keys/k/destroy', body: { version: 99 } },
  { method: 'GET', path: '/tokens' },
  { method: 'POST', path: '/tokens', body: { name: 'more', role: 'app' } },
  { method: 'GET', path: '/tokens/none' },
  { method: 'POST', path: '/tokens/none/revoke', body: {} },
  { method: 'POST', path: '/policies', body: { name: 'p', document: { rules: [] } } },
  { method: 'GET', path: '/policies' },
  { method: 'GET', path: '/policies/p' },
  { method: 'PUT', path: '/policies/p', body: { document: { rules: [] } } },
  { method: 'DELETE', path: '/policies/p' },
  { method: 'POST', path: '/policies/test', body: { role: 'app', operation: 'data.sign', key: 'k' } },
  { method: 'POST', path: '/login-roles', body: LOGIN_ROLE },
  { method: 'GET', path: '/login-roles' },
  { method: 'GET', path: '/login-roles/r' },
  { method: 'DELETE', path: '/login-roles/r' },
  { method: 'POST', path: '/diagnose', body: { blob: 'x' } },
  { method: 'GET', path: '/backups/schedules' },
  ...['', '/runs', '/backups', '/backups/1', '/pruning'].map((what) => ({
    method: 'GET',
    path: `/backups/schedules/nightly${what}`,
  })),
  { method: 'POST', path: '/backups/schedules/nightly/runs', body: {} },
  { method: 'GET', path: '/backups/runs/none' },
  { method: 'GET', path: '/audit/records' },
  { method: 'GET', path: '/audit/verify' },
  { method: 'POST', path: '/audit/verify', body: {} },
  { method: 'POST', path: '/audit/checkpoint', body: {} },
  { method: 'GET', path: '/audit/checkpoint' },
  { method: 'POST', path: '/audit/signing-key/rotate', body: {} },
  { method: 'GET', path: '/audit/proof/inclusion?index=0' },
  { method: 'GET', path: '/audit/proof/consistency?from=1' },
  { method: 'POST', path: '/operator/ceremony', body: { kind: 'rekey' } },
  { method: 'GET', path: '/operator/ceremony' },
  { method: 'POST', path: '/operator/ceremony/collect', body: { nonce: 'x' } },
  { method: 'POST', path: '/operator/ceremony/cancel', body: {} },
  { method: 'POST', path: '/unseal', body: {} },
  { method: 'POST', path: '/seal', body: {} },
]
const forAnybody: readonly Route[] = [
  { method: 'GET', path: '/status' },
  // What they bring is the credential: test/http/logins.test.ts.
  { method: 'POST', path: '/login/jwt', body: {} },
  { method: 'POST', path: '/login/certificate', body: {} },
  { method: 'POST', path: '/login/client', body: {} },
  { method: 'GET', path: '/audit/verifier-keys' },
  // The share is the credential.
  { method: 'POST', path: '/operator/ceremony/give', body: { nonce: 'x', share: 'x' } },
  { method: 'POST', path: '/operator/ceremony/take-over', body: { share: 'x' } },
]
/** Of a token itself: test/http/tokens.test.ts. */
const forItself: readonly Route[] = [
  { method: 'GET', path: '/tokens/self' },
  { method: 'POST', path: '/tokens/renew' },
  { method: 'POST', path: '/tokens/self/revoke' },
]

/** Of users, their keys and caches, and of sessions under a key: test/http/matrix.test.ts. */
const elsewhere: readonly Route[] = [
  { method: 'POST', path: '/users' },
  { method: 'GET', path: '/users' },
  { method: 'GET', path: '/users/ada' },
  { method: 'POST', path: '/users/ada/rotate-secret' },
  { method: 'PATCH', path: '/users/ada/api-key' },
  { method: 'GET', path: '/users/ada/api-key' },
  { method: 'GET', path: '/api-keys' },
  { method: 'POST', path: '/api-keys/rotate-wrapping' },
  { method: 'POST', path: '/api-keys/revoke-all' },
  { method: 'DELETE', path: '/users/ada/api-key' },
  { method: 'POST', path: '/users/ada/api-key/test' },
  { method: 'DELETE', path: '/users/ada' },
  { method: 'GET', path: '/users/me' },
  { method: 'PATCH', path: '/users/me/api-key' },
  { method: 'DELETE', path: '/users/me/api-key' },
  { method: 'POST', path: '/users/me/api-key/test' },
  ...['', '/verify', '/refresh', '/revoke'].map((rest) => ({ method: 'POST', path: `/sessions${rest}` })),
  ...['/cache', '/users/{user}/cache'].flatMap((cache) => [
    { method: 'GET', path: cache },
    ...['GET', 'PUT', 'DELETE'].map((method) => ({ method, path: `${cache}/{key}` })),
    { method: 'GET', path: `${cache}/{type}/{pdl}` },
    ...['list', 'purge', 'erase'].map((what) => ({ method: 'POST', path: `${cache}/${what}` })),
  ]),
  ...['rekey', 'migrate'].map((what) => ({ method: 'POST', path: `/users/{user}/cache/${what}` })),
]

const request = ({ method, path, body, type }: Route, token?: string) =>
  send(`/api/v1${path}`, {
    method,
    token,
    ...(body === undefined ? {} : { body }),
    ...(type === undefined ? {} : { headers: { 'content-type': type } }),
  })

describe('default deny', () => {
  test('the lists hold every route of the API', async () => {
    const { body } = await send('/openapi.json')
    const described = Object.entries(body['paths'] as Record<string, object>).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path.replace('/api/v1', '')}`),
    )
    const listed = [...forApp, ...forAdmin, ...forAnybody, ...forItself, ...elsewhere].map(
      ({ method, path }) => {
        const pattern = path
          .replace(/\?.*/, '')
          .replace(/^\/keys\/k/, '/keys/{name}')
          .replace('/none', '/{id}')
          .replace('/ada', '/{user}')
          .replace('/nightly', '/{series}')
          .replace(/\/backups\/1$/, '/backups/{sequence}')
          .replace(/^\/policies\/p$/, '/policies/{name}')
          .replace(/^\/login-roles\/r$/, '/login-roles/{name}')
        return `${method} ${pattern}`
      },
    )
    assert.deepEqual(listed.toSorted(), described.filter((each) => !each.startsWith('HEAD')).toSorted())
  })

  test('nobody comes in without a token', async () => {
    for (const route of [...forApp, ...forAdmin]) {
      const { status, body } = await request(route)
      assert.deepEqual([status, body['code']], [401, 'UNAUTHENTICATED'], `${route.method} ${route.path}`)
    }
  })

  test('an app token does what is its own, and reaches nothing else', async () => {
    for (const route of forApp) {
      const { status } = await request(route, appToken)
      assert.ok(status !== 401 && status !== 403, `${route.method} ${route.path}: ${status}`)
    }
    for (const route of forAdmin) {
      const { status, body } = await request(route, appToken)
      assert.deepEqual([status, body['code']], [403, 'FORBIDDEN'], `${route.method} ${route.path}`)
    }
    const keys = await admin.keys.list()
    assert.deepEqual(
      keys.map(({ name, currentVersion }) => [name, currentVersion]),
      [['k', 1]],
    )
  })

  test('a refused access is recorded with the permission that was missing', async () => {
    await request({ method: 'GET', path: '/tokens' }, appToken)
    const last = (await admin.audit.list({ limit: 1_000 })).at(-1)
    assert.equal(last?.action, 'access.refused')
    assert.match(last.body, /"code":"FORBIDDEN".*"detail":\{"permission":"token.read"\}/)
  })

  test('an admin token reaches every route', async () => {
    for (const route of [...forApp, ...forAdmin, ...forAnybody]) {
      const { status } = await request(route, adminToken)
      assert.ok(status !== 401 && status !== 403 && status < 500, `${route.method} ${route.path}: ${status}`)
      if (route.path === '/seal') await admin.operator.unseal()
      if (route.path === '/keys/k/compromise') await admin.keys.rotate('k')
    }
  })
})

describe('a sealed server', () => {
  test('is not unsealed by a stranger with any passphrase, nor by an app', async () => {
    await admin.operator.seal()
    const stranger = await request({ method: 'POST', path: '/unseal', body: { passphrase: 'x' } })
    assert.deepEqual([stranger.status, stranger.body['code']], [400, 'INVALID_REQUEST'])
    const app = await request({ method: 'POST', path: '/unseal', body: {} }, appToken)
    assert.deepEqual([app.status, app.body['code']], [403, 'FORBIDDEN'])
    assert.equal((await admin.operator.status()).sealed, true)
  })

  test('answers 503 SEALED on every route that needs a key, and is not ready', async () => {
    const needless = new Set(['/inspect', '/seal', '/unseal'])
    const bodies: Readonly<Record<string, unknown>> = {
      encrypt: { key: 'k', plaintext: '' },
      decrypt: { ciphertext: 'x' },
      rewrap: { ciphertext: 'x' },
      sign: { key: 'k', message: '' },
      verify: { key: 'k', message: '', signature: '' },
      mac: { key: 'k', message: '' },
      'verify-mac': { key: 'k', message: '', mac: '' },
      'data-key': { key: 'k' },
      'derive-key': { key: 'k', peerPublicKey: '', info: '' },
      random: {},
    }
    for (const { method, path, body, type } of [...forApp, ...forAdmin]) {
      if (needless.has(path) || /^\/(audit|backups|tokens|policies|login|operator)/.test(path)) continue
      const [, operation = '', batch] = path.split('/')
      const valid = bodies[operation] ?? body
      const sent = batch === 'batch' ? { items: [valid] } : valid
      // As text, a body of another type is sent as it is.
      const typed = type === undefined ? {} : { type }
      const answer = await request(
        { method, path, body: type === undefined ? sent : textOf(sent), ...typed },
        adminToken,
      )
      assert.deepEqual([answer.status, answer.body['code']], [503, 'SEALED'], `${method} ${path}`)
    }
    const ready = await send('/readyz')
    assert.deepEqual(
      [ready.status, ready.body['checks']],
      [503, { store: 'ok', writes: 'ok', seal: 'sealed' }],
    )
    assert.equal((await send('/livez')).status, 200)
    await admin.operator.unseal()
    assert.equal((await send('/readyz')).status, 200)
  })
})

describe('a token', () => {
  const forged = (change: (token: string) => string) => async () => {
    const answer = await send('/api/v1/keys', { token: change(adminToken) })
    assert.deepEqual([answer.status, answer.body['code']], [401, 'UNAUTHENTICATED'])
  }
  test(
    'with a wrong checksum is refused',
    forged((token) => `${token.slice(0, -1)}${token.endsWith('0') ? '1' : '0'}`),
  )
  test('with another secret and a right checksum is refused', forged(withOtherSecret))
  test(
    'with a character more is refused',
    forged((token) => `${token}0`),
  )
  test(
    'in capitals is refused',
    forged((token) => token.toUpperCase()),
  )
  test(
    'that is none is refused',
    forged(() => 'x'),
  )

  test('is only read from a bearer header', async () => {
    for (const authorization of [adminToken, `Basic ${adminToken}`, `Bearer  ${adminToken}`, 'Bearer', '']) {
      assert.equal((await send('/api/v1/keys', { headers: { authorization } })).status, 401)
    }
    assert.equal((await send(`/api/v1/keys?access_token=${adminToken}`)).status, 401)
  })

  test('that is revoked is refused from the next request', async () => {
    const made = await admin.tokens.create({ name: 'short', role: 'app' })
    const holder = connectCoffre(server.url, made.token)
    await holder.keys.list()
    await admin.tokens.revoke(made.id)
    await assert.rejects(holder.keys.list(), failsWith('UNAUTHENTICATED'))
    const shown = (await admin.tokens.list()).find(({ id }) => id === made.id)
    assert.ok(shown?.revokedAt !== undefined)
  })

  test('ends at its moment', async () => {
    const made = await admin.tokens.create({ name: 'minute', role: 'app', ttlSeconds: 60 })
    const holder = connectCoffre(server.url, made.token)
    const before = now
    now = toInstant(before + 59_999)
    await holder.keys.list()
    now = toInstant(before + 60_000)
    await assert.rejects(holder.keys.list(), failsWith('UNAUTHENTICATED'))
    now = before
  })

  test('lives 60 seconds to a year', async () => {
    for (const ttlSeconds of [59, 31_536_001, 0, -1]) {
      await assert.rejects(
        admin.tokens.create({ name: 'x', role: 'app', ttlSeconds }),
        failsWith('INVALID_REQUEST'),
      )
    }
    const { createdAt, expiresAt } = await admin.tokens.create({ name: 'x', role: 'app' })
    assert.equal(Date.parse(expiresAt ?? '') - Date.parse(createdAt), 30 * DAY)
  })
})

function textOf(body: unknown): string {
  return typeof body === 'string' ? body : JSON.stringify(body)
}

/** The CRC-32 is no secret: docs/spec/token.md. */
function withOtherSecret(token: string): string {
  const last = token.at(-9)
  const body = `${token.slice(0, -9)}${last === 'A' ? 'B' : 'A'}`
  return `${body}${crc32(body).toString(16).padStart(8, '0')}`
}

function crc32(text: string): number {
  let crc = 0xffffffff
  for (const byte of Buffer.from(text)) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
  }
  return (crc ^ 0xffffffff) >>> 0
}
