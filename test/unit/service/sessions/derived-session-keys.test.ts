import assert from 'node:assert/strict'
import { hkdfSync } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { compactDecrypt } from 'jose'
import { openCoffre } from '../../../../src/app.ts'
import type { Coffre, DeriveKeyRequest } from '../../../../src/model/coffre.ts'
import { DerivedSessionKeys } from '../../../../src/service/sessions/derived-session-keys.ts'
import { SealedCookies } from '../../../../src/service/sessions/sealed-cookies.ts'
import { Sessions } from '../../../../src/service/sessions/sessions.ts'
import { makeFolder } from '../../../temporary.ts'
import { decodePart, Hands, SCOPE } from './session-fixture.ts'

/** Longer than anything is kept. */
const STALE_SECONDS = 3

describe('encrypted sessions under a key of Coffre', () => {
  const folder = makeFolder({ after })
  const asked: DeriveKeyRequest[] = []
  let coffre: Coffre
  before(async () => {
    coffre = await openCoffre({ dataDir: folder, createIfMissing: true })
    await coffre.keys.create({ name: 'ed', algorithm: 'ed25519' })
  })
  after(() => coffre.close())

  const keysFor = (key: string, hands: Hands) => {
    const deriveKey = (request: DeriveKeyRequest) => {
      asked.push(request)
      return coffre.deriveKey(request)
    }
    return new DerivedSessionKeys({ coffre: { keys: coffre.keys, deriveKey }, key, clock: hands.clock })
  }
  const make = (key: string, hands = new Hands()) =>
    new Sessions({ keys: keysFor(key, hands), ...SCOPE, clock: hands.clock, form: 'encrypted' })

  test('show nothing, and are what the page of the format says', async () => {
    await coffre.keys.create({ name: 'page', algorithm: 'x25519' })
    const { token, sessionId } = await make('page').create('u-42', { secret: 'of the user' })
    const text = token.reveal()
    const { id, versions } = await coffre.keys.get('page')
    assert.deepEqual(decodePart(text, 0), {
      alg: 'dir',
      enc: 'A256GCM',
      kid: `${id}.1`,
      typ: 'coffre-session+jwe',
    })
    assert.ok(!Buffer.from(text.split('.')[3] ?? '', 'base64url').includes('u-42'))
    const peerPublicKey = versions[0]?.publicKey ?? ''
    const { derivedKey } = await coffre.deriveKey({ key: 'page', peerPublicKey, info: 'coffre/session/v1' })
    const info = 'coffre/session/v1/session-encrypt'
    const subkey = new Uint8Array(hkdfSync('sha256', derivedKey, Buffer.alloc(32), info, 32))
    const { plaintext } = await compactDecrypt(text, subkey)
    const claims = JSON.parse(Buffer.from(plaintext).toString()) as Record<string, unknown>
    assert.deepEqual([claims['sub'], claims['sid']], ['u-42', sessionId])
  })

  test('outlive a rotation, also in another application, and end with a compromise', async () => {
    await coffre.keys.create({ name: 'web', algorithm: 'x25519' })
    const [hands, elsewhere] = [new Hands(), new Hands()]
    const [here, there] = [make('web', hands), make('web', elsewhere)]
    asked.length = 0
    const old = (await here.create('u-42')).token.reveal()
    await Promise.all(Array.from({ length: 20 }, () => there.verify(old)))
    assert.equal(asked.length, 2, 'each application asks once for a version')
    await coffre.keys.rotate('web')
    hands.move(STALE_SECONDS)
    const young = (await here.create('u-43')).token.reveal()
    elsewhere.move(1)
    for (const sessions of [here, there, make('web', hands)]) {
      assert.equal((await sessions.verify(old))?.user, 'u-42')
      assert.equal((await sessions.verify(young))?.user, 'u-43')
      assert.equal((await sessions.verify((await sessions.refresh(old))?.token.reveal() ?? ''))?.user, 'u-42')
    }
    await coffre.keys.compromise('web', { version: 1 })
    for (const each of [hands, elsewhere]) each.move(STALE_SECONDS)
    for (const sessions of [here, there]) {
      assert.equal(await sessions.verify(old), undefined)
      assert.equal(sessions.faults.key, 1)
      assert.equal((await sessions.verify(young))?.user, 'u-43')
    }
    await coffre.keys.suspend('web')
    hands.move(STALE_SECONDS)
    assert.equal(await here.verify(young), undefined)
    await assert.rejects(here.create('u-44'), { code: 'KEY_VERSION_UNUSABLE' })
  })

  test('come with signed sessions, cookies and CSRF tokens under keys of their own', async () => {
    await coffre.keys.create({ name: 'all', algorithm: 'x25519' })
    const hands = new Hands()
    const keys = keysFor('all', hands)
    const signed = new Sessions({ keys, ...SCOPE, clock: hands.clock })
    const { token, sessionId } = await signed.create('u-42')
    assert.equal(decodePart(token.reveal(), 0)['alg'], 'HS256')
    assert.equal((await make('all', hands).verify(token.reveal()))?.user, 'u-42', 'both forms are read')
    const csrf = await signed.csrf.create(sessionId)
    assert.equal(await signed.csrf.verify(sessionId, csrf, csrf), true)
    assert.equal(await signed.csrf.verify('another', csrf, csrf), false)
    const cookies = new SealedCookies({ keys, form: 'encrypted', clock: hands.clock })
    assert.equal(await cookies.open('cart', await cookies.seal('cart', 'x', 60)), 'x')
  })

  test('are refused under a key of another kind, and where a token names another key', async () => {
    await assert.rejects(make('ed').create('u-42'), { code: 'PURPOSE_MISMATCH' })
    await coffre.keys.create({ name: 'one', algorithm: 'x25519' })
    await coffre.keys.create({ name: 'two', algorithm: 'x25519' })
    const text = (await make('one').create('u-42')).token.reveal()
    assert.equal(await make('two').verify(text), undefined)
  })

  test('are made and judged by Coffre itself, whose key decides their form', async () => {
    await coffre.keys.create({ name: 'served', algorithm: 'x25519' })
    const rules = { key: 'served', audience: 'shop' }
    const { token, sessionId } = await coffre.sessions.create({ ...rules, user: 'u-42' })
    assert.equal(token.reveal().split('.').length, 5)
    const next = await coffre.sessions.refresh({ ...rules, token })
    assert.equal((await coffre.sessions.verify({ ...rules, token: next?.token ?? '' }))?.user, 'u-42')
    await coffre.sessions.revoke({ key: 'served', id: sessionId })
    assert.equal(await coffre.sessions.verify({ ...rules, token: next?.token ?? '' }), undefined)
    const { key, format } = await coffre.inspect(token.reveal())
    assert.deepEqual([key, format], ['served', 'jwe'])
  })
})
