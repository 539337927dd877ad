import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { connectCoffre } from '../../src/client/connect-coffre.ts'
import type { Coffre } from '../../src/model/coffre.ts'
import type { NewSession } from '../../src/model/session.ts'
import { type Running, startServer } from './running-server.ts'

const KEYS = { ed: 'ed25519', mac: 'hmac-sha256', dh: 'x25519' } as const

describe('sessions over HTTP', () => {
  let server: Running
  let app: Coffre
  before(async () => {
    // A hook that a hook adds runs at the end of that hook.
    server = await startServer({ after: () => undefined })
    app = connectCoffre(server.url, server.appToken)
    for (const [name, algorithm] of Object.entries(KEYS)) await server.admin.keys.create({ name, algorithm })
  })
  after(() => server.close())

  for (const key of Object.keys(KEYS)) {
    const rules = { key, audience: 'shop' }
    const make = (user: string): Promise<NewSession> =>
      app.sessions.create({ ...rules, user, data: { theme: 'dark' } })
    const isLive = async ({ token }: NewSession) =>
      (await app.sessions.verify({ ...rules, token })) !== undefined

    test(`(${key}) begin, are judged, refreshed, and outlive a rotation`, async () => {
      const made = await make('marie')
      const { token: _, ...session } = made
      assert.deepEqual(await app.sessions.verify({ ...rules, token: made.token }), session)
      await server.admin.keys.rotate(key)
      assert.equal(await isLive(made), true)
      const next = await app.sessions.refresh({ ...rules, token: made.token })
      assert.equal(next?.sessionId, session.sessionId)
      for (const other of [{ audience: 'other' }, { issuer: 'other' }, { token: 'x.y.z' }]) {
        const judged = await app.sessions.verify({ ...rules, token: made.token, ...other })
        assert.equal(judged, undefined)
      }
    })

    test(`(${key}) end when they are revoked: one, those of a user, all`, async () => {
      const [one, two, three] = [await make('a'), await make('a'), await make('b')]
      await app.sessions.revoke({ key, id: one.sessionId })
      assert.deepEqual([await isLive(one), await isLive(two)], [false, true])
      await app.sessions.revoke({ key, user: 'a' })
      assert.deepEqual([await isLive(two), await isLive(three)], [false, true])
      await app.sessions.revoke({ key, all: true })
      assert.equal(await isLive(three), false)
      const records = await server.admin.audit.list({ last: 50 })
      const revoked = records.filter(
        ({ action, body }) => action === 'session.revoke' && body.includes(`"${key}"`),
      )
      assert.equal(revoked.length, 3)
      assert.doesNotMatch(revoked.map(({ body }) => body).join(), new RegExp(one.sessionId))
    })
  }

  test('are revoked by exactly one of id, user and all, and only by who may sign', async () => {
    for (const request of [{}, { id: 'A'.repeat(22), all: true as const }, { id: '../x' }]) {
      await assert.rejects(app.sessions.revoke({ key: 'ed', ...request }), { code: 'INVALID_REQUEST' })
    }
    await server.admin.policies.create('verify-only', {
      rules: [{ keys: ['*'], operations: ['key.read', 'data.verify'] }],
    })
    const { token } = await server.admin.tokens.create({ name: 'v', role: 'app', policies: ['verify-only'] })
    const reader = connectCoffre(server.url, token.reveal())
    await assert.rejects(reader.sessions.revoke({ key: 'ed', all: true }), { code: 'FORBIDDEN' })
    await assert.rejects(reader.sessions.create({ key: 'ed', audience: 'shop', user: 'u' }), {
      code: 'FORBIDDEN',
    })
  })

  test('that are refused are counted by cause', async () => {
    await app.sessions.verify({ key: 'ed', audience: 'shop', token: 'x.y.z' })
    const text = await (await fetch(`${server.url}/metrics`)).text()
    assert.match(text, /^coffre_session_signature_errors_total\{cause="malformed"\} [1-9]/m)
    assert.match(text, /^coffre_session_signature_errors_total\{cause="revoked"\} [1-9]/m)
  })
})
