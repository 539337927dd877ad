import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toInstant } from '../../src/model/clock.ts'
import { startServer } from './running-server.ts'

/** Beyond 64 KiB, and deeper than any request of ours. */
const DEEP = '['.repeat(100_000)
/** A bound that no slow machine refills. */
const NOW = toInstant(Date.now())
const BURST = 20
const MEBIBYTE = 1024 * 1024

test('a token whose large bodies were refused again and again is stopped before the next is read', async (t) => {
  const { admin, appToken, send } = await startServer(t, { clock: () => NOW })
  await admin.keys.create({ name: 'a' })
  const other = (await admin.tokens.create({ name: 'other', role: 'app' })).token.reveal()
  const post = (token: string, body: unknown) =>
    send('/api/v1/encrypt', { method: 'POST', token, body }).then(({ status, body: { code } }) => [
      status,
      code,
    ])
  const large = { key: 'a', plaintext: Buffer.alloc(100_000).toString('base64') }
  for (let sent = 0; sent < BURST; sent += 1) {
    assert.deepEqual(await post(appToken, DEEP), [413, 'LIMIT_EXCEEDED'])
  }
  assert.deepEqual(await post(appToken, DEEP), [429, 'RATE_LIMITED'])
  assert.deepEqual(await post(appToken, large), [429, 'RATE_LIMITED'])
  assert.deepEqual(await post(appToken, { key: 'a', plaintext: '' }), [200, undefined])
  assert.deepEqual(await post(other, large), [200, undefined])
})

test('a large body of nonsense counts too, and one of many mebibytes as much as many', async (t) => {
  const { appToken, send } = await startServer(t, { clock: () => NOW })
  const post = (body: unknown, path = '/api/v1/encrypt/batch') =>
    send(path, { method: 'POST', token: appToken, body }).then(({ status, body: { code } }) => [status, code])
  const nonsense = { items: [{ key: 'x'.repeat(10 * MEBIBYTE) }] }
  assert.deepEqual(await post(nonsense), [400, 'INVALID_REQUEST'])
  assert.deepEqual(await post(nonsense), [400, 'INVALID_REQUEST'])
  assert.deepEqual(await post(nonsense), [429, 'RATE_LIMITED'])
  assert.deepEqual(await post({ bytes: 1 }, '/api/v1/random'), [200, undefined])
})
