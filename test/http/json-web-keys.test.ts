import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from 'jose'
import { connectCoffre } from '../../src/client/connect-coffre.ts'
import { CoffreSessionKeys } from '../../src/service/sessions/coffre-session-keys.ts'
import { Sessions } from '../../src/service/sessions/sessions.ts'
import { type Running, startServer } from './running-server.ts'

const SCOPE = { issuer: 'https://app.example', audience: 'app' }

describe('/.well-known/jwks.json', () => {
  let server: Running
  before(async () => {
    // A hook that a hook adds runs at the end of that hook.
    server = await startServer({ after: () => undefined })
    const { keys } = server.admin
    await keys.create({ name: 'sessions', algorithm: 'ed25519', tags: { jwks: 'public' } })
    await keys.create({ name: 'mac', algorithm: 'hmac-sha256', tags: { jwks: 'public' } })
    await keys.create({ name: 'private', algorithm: 'ed25519' })
  })

  after(() => server.close())

  const read = async () => {
    const answer = await fetch(`${server.url}/.well-known/jwks.json`)
    const { keys } = (await answer.json()) as { keys: readonly Record<string, string>[] }
    return { answer, keys }
  }

  test('has the public keys that are marked for it, and nothing else of them', async () => {
    const { answer, keys } = await read()
    assert.equal(answer.status, 200)
    assert.match(answer.headers.get('content-type') ?? '', /^application\/jwk-set\+json/)
    assert.equal(answer.headers.get('cache-control'), 'public, max-age=60')
    const { id } = await server.admin.keys.get('sessions')
    assert.deepEqual(
      keys.map(({ kid }) => kid),
      [`${id}.1`],
    )
    assert.deepEqual(Object.keys(keys[0] ?? {}).toSorted(), ['alg', 'crv', 'kid', 'kty', 'use', 'x'])
  })

  test('lets anybody verify the sessions of an application that holds no key, through a rotation', async () => {
    const coffre = connectCoffre(server.url, server.appToken)
    const sessions = new Sessions({ keys: new CoffreSessionKeys({ coffre, key: 'sessions' }), ...SCOPE })
    const set = createRemoteJWKSet(new URL(`${server.url}/.well-known/jwks.json`), { cooldownDuration: 0 })
    const rules = { ...SCOPE, typ: 'coffre-session+jwt', algorithms: ['EdDSA'] }
    const old = (await sessions.create('u-42')).token.reveal()
    assert.equal((await jwtVerify(old, set, rules)).payload.sub, 'u-42')
    await server.admin.keys.rotate('sessions')
    const young = (await sessions.create('u-43')).token.reveal()
    assert.equal((await sessions.verify(old))?.user, 'u-42')
    assert.equal((await sessions.verify(young))?.user, 'u-43')
    const { keys } = await untilPublished(2)
    assert.equal(keys.length, 2)
    for (const [token, user] of [
      [old, 'u-42'],
      [young, 'u-43'],
    ] as const) {
      assert.equal((await jwtVerify(token, set, rules)).payload.sub, user)
    }
    await server.admin.keys.compromise('sessions', { version: 1 })
    await untilPublished(1)
    await coffre.close()
  })

  test('has the next key before it signs, and refuses what it would sign until then', async () => {
    const { keys } = server.admin
    const before = (await read()).keys.length
    const { currentVersion, id } = await keys.get('sessions')
    const prepared = await keys.prepare('sessions')
    assert.equal(prepared.currentVersion, currentVersion)
    const published = (await untilPublished(before + 1)).keys.map(({ kid }) => kid)
    const next = `${id}.${prepared.versions.length}`
    assert.ok(published.includes(next))

    const coffre = connectCoffre(server.url, server.appToken)
    const sessions = new Sessions({ keys: new CoffreSessionKeys({ coffre, key: 'sessions' }), ...SCOPE })
    const kidOf = async () => decodeProtectedHeader((await sessions.create('u-44')).token.reveal()).kid
    assert.equal(await kidOf(), `${id}.${currentVersion}`)
    await assert.rejects(keys.prepare('sessions'), { code: 'MOVE_REFUSED' })
    assert.equal((await keys.rotate('sessions')).currentVersion, prepared.versions.length)
    const elsewhere = new Sessions({ keys: new CoffreSessionKeys({ coffre, key: 'sessions' }), ...SCOPE })
    const { token } = await elsewhere.create('u-44')
    assert.equal(decodeProtectedHeader(token.reveal()).kid, next)
    // Known as prepared, it is asked for again, though not at every request.
    while ((await sessions.verify(token.reveal()))?.user !== 'u-44') await setTimeout(20)
    assert.ok((await read()).keys.some(({ kid }) => kid === next))
    await coffre.close()
  })

  /** The server keeps what it read for a moment. */
  async function untilPublished(count: number) {
    for (;;) {
      const found = await read()
      if (found.keys.length === count) return found
      await setTimeout(100)
    }
  }
})
