import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { compactVerify, createLocalJWKSet, type JSONWebKeySet } from 'jose'
import { openCoffre } from '../../../../src/app.ts'
import type { Coffre } from '../../../../src/model/coffre.ts'
import { CoffreSessionKeys } from '../../../../src/service/sessions/coffre-session-keys.ts'
import { toJsonWebKeys } from '../../../../src/service/sessions/json-web-keys.ts'
import { Sessions } from '../../../../src/service/sessions/sessions.ts'
import { makeFolder } from '../../../temporary.ts'
import { decodePart, Hands, SCOPE } from './session-fixture.ts'

/** Longer than anything is kept. */
const STALE_SECONDS = 3

describe('sessions under a key of Coffre', () => {
  const folder = makeFolder({ after })
  let coffre: Coffre
  before(async () => {
    coffre = await openCoffre({ dataDir: folder, createIfMissing: true })
    await coffre.keys.create({ name: 'ed', algorithm: 'ed25519' })
    await coffre.keys.create({ name: 'mac', algorithm: 'hmac-sha256' })
    await coffre.keys.create({ name: 'data' })
  })
  after(() => coffre.close())

  const make = (key: string, hands = new Hands()) => {
    const keys = new CoffreSessionKeys({ coffre, key, clock: hands.clock })
    return new Sessions({ keys, ...SCOPE, clock: hands.clock })
  }

  for (const [key, alg] of [
    ['ed', 'EdDSA'],
    ['mac', 'HS256'],
  ] as const) {
    test(`(${alg}) outlive a rotation, also in another application, and end with a compromise`, async () => {
      const [hands, elsewhere] = [new Hands(), new Hands()]
      const [here, there] = [make(key, hands), make(key, elsewhere)]
      const old = (await here.create('u-42')).token.reveal()
      assert.equal(decodePart(old, 0)['alg'], alg)
      assert.equal((await there.verify(old))?.user, 'u-42')
      const { currentVersion = 0 } = await coffre.keys.get(key)
      await coffre.keys.rotate(key)
      // Signed with the version before last in mind, made with the new one.
      const young = (await here.create('u-43')).token.reveal()
      const { id } = await coffre.keys.get(key)
      assert.equal(decodePart(young, 0)['kid'], `${id}.${currentVersion + 1}`)
      elsewhere.move(1)
      for (const sessions of [here, there]) {
        assert.equal((await sessions.verify(old))?.user, 'u-42')
        assert.equal(
          (await sessions.verify(young))?.user,
          'u-43',
          'a version that was not known is looked for',
        )
      }
      await coffre.keys.compromise(key, { version: currentVersion })
      for (const each of [hands, elsewhere]) each.move(STALE_SECONDS)
      for (const sessions of [here, there]) {
        assert.equal(await sessions.verify(old), undefined)
        assert.equal((await sessions.verify(young))?.user, 'u-43')
      }
      await coffre.keys.setFloor(key, currentVersion + 1)
      await coffre.keys.rotate(key)
    })

    test(`(${alg}) make CSRF tokens that are of no use as sessions`, async () => {
      const sessions = make(key)
      const token = await sessions.csrf.create('a-session')
      assert.equal(await sessions.csrf.verify('a-session', token, token), true)
      assert.equal(await sessions.csrf.verify('b-session', token, token), false)
    })
  }

  test('are refused where the key is of another kind, and cannot be encrypted', async () => {
    await assert.rejects(make('data').create('u'), { code: 'PURPOSE_MISMATCH' })
    await assert.rejects(make('absent').create('u'), { code: 'KEY_NOT_FOUND' })
    const keys = new CoffreSessionKeys({ coffre, key: 'ed' })
    assert.throws(() => new Sessions({ keys, ...SCOPE, form: 'encrypted' }), { code: 'CONFIG_REFUSED' })
  })

  test('are verified by others with the published public keys', async () => {
    const token = (await make('ed').create('u-42')).token.reveal()
    const keys = toJsonWebKeys(await coffre.keys.get('ed'))
    assert.ok(keys.length >= 1)
    assert.deepEqual(toJsonWebKeys(await coffre.keys.get('mac')), [])
    const set = createLocalJWKSet({ keys: [...keys] } as JSONWebKeySet)
    assert.deepEqual((await compactVerify(token, set)).protectedHeader.alg, 'EdDSA')
  })
})
