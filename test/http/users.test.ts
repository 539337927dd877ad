import assert from 'node:assert/strict'
import { generateKeyPairSync, sign } from 'node:crypto'
import { describe, test } from 'node:test'
import { connectCoffre } from '../../src/client/connect-coffre.ts'
import type { Coffre } from '../../src/model/coffre.ts'
import type { CreatedUser } from '../../src/model/user.ts'
import { failsWith } from '../temporary.ts'
import { startServer } from './running-server.ts'

const OWN_FORM = /^coffre_cs_[a-z0-9]{10}_[A-Za-z0-9]{43}[0-9a-f]{8}$/
const FOREIGN = 'a secret: from elsewhere'

function secretOf({ clientSecret }: CreatedUser): string {
  assert.ok(clientSecret !== undefined)
  return clientSecret.reveal()
}

function basic(name: string, secret: string): { readonly authorization: string } {
  return { authorization: `Basic ${Buffer.from(`${name}:${secret}`).toString('base64')}` }
}

async function acmeOf(admin: Coffre, url: string): Promise<Coffre> {
  const { token } = await admin.tokens.create({ name: 'acme', role: 'admin', tenant: 'acme' })
  return connectCoffre(url, token)
}

describe('users', () => {
  test('are made, listed in pages, shown by id and client id, and erased', async (t) => {
    const { admin } = await startServer(t)
    const made = await admin.users.create({ clientId: 'shop@example.org' })
    assert.match(secretOf(made), OWN_FORM)
    const { clientSecret: _, ...view } = made
    assert.deepEqual(await admin.users.get(made.id), view)
    assert.deepEqual(await admin.users.get('shop@example.org'), view)
    const other = await admin.users.create()
    assert.equal(other.clientId, other.id)
    const ids = [made.id, other.id].toSorted()
    const [first] = await admin.users.list({ limit: 1 })
    assert.equal(first?.id, ids[0])
    assert.deepEqual(
      (await admin.users.list({ after: first?.id ?? '' })).map(({ id }) => id),
      ids.slice(1),
    )
    await assert.rejects(admin.users.create({ clientId: 'shop@example.org' }), failsWith('USER_EXISTS'))
    for (const clientId of ['a:b', '', 'me', 'usr_abcdefghij', '..', 'x'.repeat(129)]) {
      await assert.rejects(admin.users.create({ clientId }), failsWith('INVALID_REQUEST'), clientId)
    }
    await admin.users.delete('shop@example.org')
    await assert.rejects(admin.users.get(made.id), failsWith('USER_NOT_FOUND'))
    await assert.rejects(admin.users.delete(made.id), failsWith('USER_NOT_FOUND'))
    const records = (await admin.audit.list({ last: 20 })).map(({ action }) => action)
    assert.ok(records.includes('user.create') && records.includes('user.delete'))
  })

  test('of another tenant do not exist, and may have the same client id', async (t) => {
    const { admin, url, send } = await startServer(t)
    const acme = await acmeOf(admin, url)
    const [ours, theirs] = [
      await admin.users.create({ clientId: 'x' }),
      await acme.users.create({ clientId: 'x' }),
    ]
    for (const change of [
      () => admin.users.get(theirs.id),
      () => admin.users.rotateSecret(theirs.id),
      () => admin.users.delete(theirs.id),
    ]) {
      await assert.rejects(change(), failsWith('USER_NOT_FOUND'))
    }
    assert.deepEqual(
      (await admin.users.list()).map(({ id }) => id),
      [ours.id],
    )
    const me = await send('/api/v1/users/me', { headers: basic('acme/x', secretOf(theirs)) })
    assert.deepEqual([me.status, me.body['id'], me.body['tenant']], [200, theirs.id, 'acme'])
    const wrong = await send('/api/v1/users/me', { headers: basic('default/x', secretOf(theirs)) })
    assert.equal(wrong.status, 401)
  })
})

describe('a client secret', () => {
  test('of Coffre’s own form opens the user’s own addresses as bearer and in HTTP Basic, and no other', async (t) => {
    const { admin, send } = await startServer(t)
    const user = await admin.users.create({ clientId: 'shop' })
    const secret = secretOf(user)
    for (const headers of [
      { authorization: `Bearer ${secret}` },
      basic('shop', secret),
      basic(user.id, secret),
      basic('default/shop', secret),
    ]) {
      const me = await send('/api/v1/users/me', { headers })
      assert.deepEqual([me.status, me.body['clientId']], [200, 'shop'])
      assert.ok(!JSON.stringify(me.body).includes('hash'))
      const elsewhere = await send('/api/v1/keys', { headers })
      assert.deepEqual([elsewhere.status, elsewhere.body['code']], [401, 'UNAUTHENTICATED'])
    }
  })

  test('that is wrong in any way is refused in one way, and recorded', async (t) => {
    const { admin, send } = await startServer(t)
    const secret = secretOf(await admin.users.create({ clientId: 'shop' }))
    await admin.users.create({ clientId: 'foreign', clientSecret: FOREIGN })
    const flipped = secret.replace(/.$/, (last) => (last === '0' ? '1' : '0'))
    const answers: string[] = []
    for (const headers of [
      { authorization: `Bearer ${flipped}` },
      basic('shop', flipped),
      basic('other', secret),
      basic('foreign', secret),
      basic('acme/shop', secret),
      basic('UPPER/shop', secret),
      basic('shop', FOREIGN),
      basic('nobody', FOREIGN),
      basic('', ''),
      { authorization: 'Basic !!!' },
      {},
    ]) {
      const { status, body } = await send('/api/v1/users/me', { headers })
      const { requestId: _, ...rest } = body
      assert.equal(status, 401, JSON.stringify(headers))
      answers.push(JSON.stringify(rest))
    }
    assert.equal(new Set(answers).size, 1)
    const records = await admin.audit.list({ last: 10 })
    assert.ok(records.some(({ action }) => action === 'access.unauthenticated'))
  })

  test('that was made elsewhere is kept under Argon2id and goes through HTTP Basic and the login', async (t) => {
    const { admin, send, url } = await startServer(t)
    const made = await admin.users.create({ clientId: 'shop', clientSecret: FOREIGN })
    assert.equal(made.clientSecret, undefined)
    const me = await send('/api/v1/users/me', { headers: basic('shop', FOREIGN) })
    assert.equal(me.status, 200)
    const login = { clientId: 'shop', clientSecret: FOREIGN }
    const token = await connectCoffre(url).logins.withClient(login)
    assert.deepEqual([token.role, token.user], ['user', made.id])
    for (const clientSecret of ['short', 'x'.repeat(129), 'tab\tin a long secret', 'é'.repeat(20)]) {
      await assert.rejects(admin.users.create({ clientSecret }), failsWith('INVALID_REQUEST'))
    }
    const own = secretOf(await admin.users.create())
    await assert.rejects(admin.users.create({ clientSecret: own }), failsWith('INVALID_REQUEST'))
  })

  test('that is guessed is bounded, long before it can be found', async (t) => {
    const { admin, send } = await startServer(t)
    await admin.users.create({ clientId: 'shop', clientSecret: FOREIGN })
    const guess = () => send('/api/v1/users/me', { headers: basic('shop', 'a wrong guess of it') })
    const statuses: number[] = []
    for (let at = 0; at < 7; at += 1) statuses.push((await guess()).status)
    assert.deepEqual(statuses.slice(0, 5), [401, 401, 401, 401, 401])
    assert.ok(statuses.includes(429))
    // The right one waits as well: otherwise a guess that hits would be told.
    assert.equal((await send('/api/v1/users/me', { headers: basic('shop', FOREIGN) })).status, 429)
  })

  test('that is replaced ends at once, with every token of the user', async (t) => {
    const { admin, url, send } = await startServer(t)
    const user = await admin.users.create({ clientId: 'shop' })
    const old = secretOf(user)
    const { token } = await connectCoffre(url).logins.withClient({ clientId: 'shop', clientSecret: old })
    const coffre = connectCoffre(url, token)
    assert.equal((await coffre.users.me()).id, user.id)
    const fresh = secretOf(await admin.users.rotateSecret('shop'))
    await assert.rejects(coffre.users.me(), failsWith('UNAUTHENTICATED'))
    assert.equal((await send('/api/v1/users/me', { headers: basic('shop', old) })).status, 401)
    assert.equal((await send('/api/v1/users/me', { headers: basic('shop', fresh) })).status, 200)
    await admin.users.rotateSecret('shop', { clientSecret: FOREIGN })
    assert.equal((await send('/api/v1/users/me', { headers: basic('shop', fresh) })).status, 401)
    assert.equal((await send('/api/v1/users/me', { headers: basic('shop', FOREIGN) })).status, 200)
  })
})

describe('a user’s token', () => {
  test('says whose it is, lasts an hour, and ends with the user', async (t) => {
    const { admin, url, send } = await startServer(t)
    const user = await admin.users.create({ clientId: 'shop' })
    const body = { client_id: 'shop', client_secret: secretOf(user) }
    const made = await send('/api/v1/login/client', { method: 'POST', body })
    assert.equal(made.status, 201)
    assert.deepEqual([made.body['role'], made.body['user']], ['user', user.id])
    const lasts = Date.parse(String(made.body['expiresAt'])) - Date.parse(String(made.body['createdAt']))
    assert.equal(lasts, 3_600_000)
    const coffre = connectCoffre(url, String(made.body['token']))
    const { user: whose, confined, role } = await coffre.tokens.whoami()
    assert.deepEqual([whose, confined, role], [user.id, true, 'user'])
    await assert.rejects(coffre.keys.list(), failsWith('FORBIDDEN'))
    await assert.rejects(coffre.encrypt({ key: 'x', plaintext: 'x' }), failsWith('FORBIDDEN'))
    await assert.rejects(coffre.users.get(user.id), failsWith('FORBIDDEN'))
    await admin.users.delete(user.id)
    await assert.rejects(coffre.users.me(), failsWith('UNAUTHENTICATED'))
  })

  test('cannot be made for nobody, and its login role takes no policy', async (t) => {
    const { admin, send, adminToken } = await startServer(t)
    const body = { name: 'x', role: 'user' }
    const made = await send('/api/v1/tokens', { method: 'POST', token: adminToken, body })
    assert.equal(made.status, 400)
    await assert.rejects(
      admin.logins.createRole({
        name: 'people',
        method: 'certificate',
        boundClaims: { o: ['x'] },
        role: 'user',
        policies: ['default'],
      }),
      failsWith('INVALID_REQUEST'),
    )
    await assert.rejects(admin.users.me(), failsWith('FORBIDDEN'))
  })

  test('comes from a JWT whose subject names a user that exists, by id or client id', async (t) => {
    const { admin, url } = await startServer(t)
    const { publicKey, privateKey } = generateKeyPairSync('ed25519')
    const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const jwtOf = (sub: unknown) => {
      const exp = Math.floor(Date.now() / 1_000) + 60
      const input = `${encode({ alg: 'EdDSA' })}.${encode({ iss: 'i', aud: 'a', exp, app: 'shop', sub })}`
      return `${input}.${sign(null, Buffer.from(input), privateKey).toString('base64url')}`
    }
    await admin.logins.createRole({
      name: 'people',
      method: 'jwt',
      issuer: 'i',
      audience: 'a',
      jwks: JSON.stringify({ keys: [publicKey.export({ format: 'jwk' })] }),
      boundClaims: { app: ['shop'] },
      role: 'user',
    })
    const user = await admin.users.create({ clientId: 'shop' })
    await (await acmeOf(admin, url)).users.create({ clientId: 'theirs' })
    const { logins } = connectCoffre(url)
    for (const sub of ['shop', user.id]) {
      const made = await logins.withJwt({ role: 'people', jwt: jwtOf(sub) })
      assert.equal((await connectCoffre(url, made.token).users.me()).id, user.id)
    }
    for (const sub of ['nobody', 'theirs', '', undefined, 7, 'usr_aaaaaaaaaa']) {
      await assert.rejects(
        logins.withJwt({ role: 'people', jwt: jwtOf(sub) }),
        failsWith('UNAUTHENTICATED'),
        String(sub),
      )
    }
  })
})
