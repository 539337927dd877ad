import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { CompactEncrypt, CompactSign, compactDecrypt, compactVerify } from 'jose'
import fc from 'fast-check'
import { MemoryRevocations } from '../../../../src/service/sessions/memory-revocations.ts'
import { SealedCookies } from '../../../../src/service/sessions/sealed-cookies.ts'
import { SecretSessionKeys } from '../../../../src/service/sessions/secret-session-keys.ts'
import {
  decodePart,
  deriveByHand,
  Hands,
  makeSessions,
  OTHER_SECRET,
  SCOPE,
  SECRET,
} from './session-fixture.ts'

const KID = deriveByHand(SECRET, 'kid', 16).toString('base64url')

describe('a session', () => {
  test('says what its page says it does', async () => {
    const made = await makeSessions(new Hands()).create('u-42', { theme: 'dark' })
    const token = made.token.reveal()
    assert.deepEqual(decodePart(token, 0), { alg: 'HS256', kid: KID, typ: 'coffre-session+jwt' })
    assert.deepEqual(decodePart(token, 1), {
      iss: SCOPE.issuer,
      aud: SCOPE.audience,
      sub: 'u-42',
      iat: 1_800_000_000,
      exp: 1_800_001_800,
      jti: made.tokenId,
      sid: made.sessionId,
      sat: 1_800_000_000_123,
      data: { theme: 'dark' },
    })
    assert.equal(String(made.token), '[secret]')
  })

  test('is read by jose, and one that jose signs is read', async () => {
    const sessions = makeSessions(new Hands())
    const made = await sessions.create('u-42')
    const key = deriveByHand(SECRET, 'session', 32)
    const { payload, protectedHeader } = await compactVerify(made.token.reveal(), key)
    const again = await new CompactSign(payload)
      .setProtectedHeader({ ...protectedHeader, alg: 'HS256' })
      .sign(key)
    const { token: _, ...session } = made
    assert.deepEqual(await sessions.verify(again), session)
  })

  test('that is encrypted shows nothing, and jose reads and writes the like', async () => {
    const sessions = makeSessions(new Hands(), { form: 'encrypted' })
    const made = await sessions.create('marie', { note: 'canary' })
    const token = made.token.reveal()
    for (const part of token.split('.')) {
      assert.doesNotMatch(Buffer.from(part, 'base64url').toString('latin1'), /marie|canary/)
    }
    const key = deriveByHand(SECRET, 'session-encrypt', 32)
    const { plaintext, protectedHeader } = await compactDecrypt(token, key)
    assert.deepEqual(protectedHeader, { alg: 'dir', enc: 'A256GCM', kid: KID, typ: 'coffre-session+jwe' })
    const again = await new CompactEncrypt(plaintext)
      .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', kid: KID, typ: 'coffre-session+jwe' })
      .encrypt(key)
    assert.equal((await sessions.verify(again))?.data['note'], 'canary')
  })

  test('is of one key for each purpose, and none has the bytes of the secret', () => {
    const purposes = ['session', 'session-encrypt', 'cookie', 'cookie-encrypt', 'csrf']
    const derived = purposes.map((purpose) => deriveByHand(SECRET, purpose, 32).toString('hex'))
    assert.equal(new Set([...derived, Buffer.from(SECRET).toString('hex')]).size, purposes.length + 1)
  })

  test('ends when it was idle for too long, and at the absolute limit whatever happens', async () => {
    const hands = new Hands()
    const sessions = makeSessions(hands, { idleSeconds: 600, absoluteSeconds: 1_500 })
    let { token } = await sessions.create('u-42')
    hands.move(599)
    assert.ok(await sessions.verify(token.reveal()))
    hands.move(1)
    assert.equal(await sessions.verify(token.reveal()), undefined)
    ;({ token } = await sessions.create('u-42'))
    for (const seconds of [500, 500, 400]) {
      hands.move(seconds)
      const next = await sessions.refresh(token.reveal())
      assert.ok(next !== undefined)
      ;({ token } = next)
    }
    hands.move(100)
    assert.equal(await sessions.verify(token.reveal()), undefined)
    assert.equal(await sessions.refresh(token.reveal()), undefined)
    assert.equal(sessions.faults.expired, 3)
  })

  test('keeps its id when it is refreshed, and gets another at a login and a rise in privilege', async () => {
    const sessions = makeSessions(new Hands())
    const first = await sessions.create('u-42', { step: 1 })
    const refreshed = await sessions.refresh(first.token.reveal())
    assert.equal(refreshed?.sessionId, first.sessionId)
    assert.notEqual(refreshed?.tokenId, first.tokenId)
    const raised = await sessions.renew(first.token.reveal(), { role: 'admin' })
    assert.notEqual(raised?.sessionId, first.sessionId)
    assert.deepEqual(raised?.data, { role: 'admin' })
    for (const old of [first, refreshed]) {
      assert.equal(await sessions.verify(old?.token.reveal() ?? ''), undefined, 'the session before is over')
    }
    assert.notEqual((await sessions.create('u-42')).sessionId, raised?.sessionId)
  })

  test('keeps its absolute limit, and what ended its user’s sessions, through a rise in privilege', async () => {
    const hands = new Hands()
    const sessions = makeSessions(hands, { idleSeconds: 900, absoluteSeconds: 1_000 })
    const first = await sessions.create('u-42')
    hands.move(500)
    const raised = await sessions.renew(first.token.reveal())
    assert.equal(raised?.endsAt, first.endsAt)
    // A request that was admitted before its user's sessions were ended.
    await sessions.revokeUser('u-42')
    const late = await sessions.replace(raised ?? first, { role: 'admin' })
    assert.equal(await sessions.verify(late?.token.reveal() ?? ''), undefined)
    hands.move(500)
    assert.equal(await sessions.replace(first), undefined, 'it ended while the request was under way')
  })

  test('is revoked by its id, by the id of one token, by its user, and with all', async () => {
    const hands = new Hands()
    const sessions = makeSessions(hands)
    const make = (user: string) => sessions.create(user)
    const [one, two, three, four] = await Promise.all(['a', 'a', 'b', 'c'].map(make))
    assert.ok(one && two && three && four)
    const refreshed = await sessions.refresh(one.token.reveal())
    const isLive = async (made: { token: { reveal(): string } } | undefined) =>
      (await sessions.verify(made?.token.reveal() ?? '')) !== undefined
    await sessions.revoke(one.tokenId)
    assert.deepEqual([await isLive(one), await isLive(refreshed)], [false, true])
    await sessions.revoke(one.sessionId)
    assert.equal(await isLive(refreshed), false)
    await sessions.revokeUser('a')
    assert.deepEqual([await isLive(two), await isLive(three)], [false, true])
    hands.move(0.001)
    assert.equal(await isLive(await make('a')), true, 'a session that begins later is not meant')
    hands.move(0.001)
    await sessions.revokeAll()
    assert.deepEqual([await isLive(three), await isLive(four)], [false, false])
    hands.move(0.001)
    assert.equal(await isLive(await make('c')), true)
    await assert.rejects(sessions.revoke('../x'), { code: 'INVALID_REQUEST' })
  })

  test('revocations leave when every token that they are about is over', async () => {
    const hands = new Hands()
    const revocations = new MemoryRevocations(hands.clock)
    const sessions = makeSessions(hands, { revocations })
    const made = await sessions.create('u-42')
    await sessions.revoke(made.sessionId)
    hands.move(86_399)
    assert.equal(revocations.prune(), 1)
    hands.move(2 * 86_400)
    assert.equal(revocations.prune(), 0)
  })

  test('a logout is remembered until its session would have ended, not longer', async () => {
    const hands = new Hands()
    const revocations = new MemoryRevocations(hands.clock)
    const long = makeSessions(hands, { revocations, absoluteSeconds: 7_200, idleSeconds: 7_200 })
    const token = (await long.create('u-42')).token.reveal()
    // A limit that was lowered meanwhile, and may rise again.
    const sessions = makeSessions(hands, { revocations, absoluteSeconds: 3_600 })
    const session = await sessions.verify(token)
    assert.ok(session)
    await sessions.end(session)
    hands.move(7_199)
    assert.equal(revocations.prune(), 1)
    assert.equal(await long.verify(token), undefined)
    assert.equal(long.faults.revoked, 1)
    hands.move(62)
    assert.equal(revocations.prune(), 0)
    assert.equal(await long.verify(token), undefined)
    assert.equal(long.faults.expired, 1)
  })

  test('survives the rotation of the secret, and a compromise ends it', async () => {
    const hands = new Hands()
    const keys = new SecretSessionKeys({ current: OTHER_SECRET, clock: hands.clock })
    const sessions = makeSessions(hands, { keys })
    const before = await sessions.create('u-42')
    keys.replace({ current: SECRET })
    assert.ok(await sessions.verify(before.token.reveal()))
    const after = await sessions.refresh(before.token.reveal())
    assert.equal(decodePart(after?.token.reveal() ?? '', 0)['kid'], KID)
    const restarted = makeSessions(hands, {
      keys: new SecretSessionKeys({ current: SECRET, previous: [OTHER_SECRET] }),
    })
    assert.ok(await restarted.verify(before.token.reveal()))
    keys.replace({ current: SECRET }, { keepPrevious: false })
    assert.equal(await sessions.verify(before.token.reveal()), undefined)
    assert.ok(await sessions.verify(after?.token.reveal() ?? ''))
    assert.equal(sessions.faults.key, 1)
  })

  test('refuses secrets that are missing, short or long, scopes that are empty, and limits out of bounds', () => {
    assert.throws(() => new SecretSessionKeys({ current: '' }), { code: 'SECRET_KEY_MISSING' })
    for (const current of ['x'.repeat(31), 'x'.repeat(1_025)]) {
      assert.throws(() => new SecretSessionKeys({ current }), { code: 'KEY_REFUSED' })
    }
    for (const options of [{ issuer: '' }, { audience: '' }, { idleSeconds: 0 }, { absoluteSeconds: 1e9 }]) {
      assert.throws(() => makeSessions(new Hands(), options), { code: 'CONFIG_REFUSED' })
    }
  })

  test('takes users and data within bounds only', async () => {
    const sessions = makeSessions(new Hands())
    for (const user of ['', 'x'.repeat(257), '\ud800']) {
      await assert.rejects(sessions.create(user), { code: 'INVALID_REQUEST' })
    }
    await assert.rejects(sessions.create('u', { text: 'é'.repeat(1_100) }), { code: 'LIMIT_EXCEEDED' })
    await assert.rejects(sessions.create('u', [] as never), { code: 'INVALID_REQUEST' })
  })

  test('gives back every user and every data, signed or encrypted', async () => {
    const [signed, encrypted] = [makeSessions(new Hands()), makeSessions(new Hands(), { form: 'encrypted' })]
    const user = fc.string({ unit: 'binary', minLength: 1, maxLength: 64 })
    const data = fc.dictionary(fc.string({ maxLength: 8 }), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 })
    await fc.assert(
      fc.asyncProperty(user, data, async (name, given) => {
        const kept = JSON.parse(JSON.stringify(given))
        fc.pre(Buffer.byteLength(JSON.stringify(kept)) <= 2_048)
        for (const sessions of [signed, encrypted]) {
          const { token } = await sessions.create(name, kept)
          const read = await sessions.verify(token.reveal())
          assert.equal(read?.user, name)
          assert.deepEqual(JSON.stringify(read.data), JSON.stringify(kept))
        }
      }),
      { numRuns: 200 },
    )
  })

  test('with any bit of it changed is no session', async () => {
    for (const form of ['signed', 'encrypted'] as const) {
      const sessions = makeSessions(new Hands(), { form })
      const token = (await sessions.create('u-42')).token.reveal()
      for (let index = 0; index < token.length; index += 1) {
        const code = token.charCodeAt(index)
        for (const bit of [1, 2, 4, 8, 16, 32]) {
          const changed = token.slice(0, index) + String.fromCharCode(code ^ bit) + token.slice(index + 1)
          assert.equal(await sessions.verify(changed), undefined, `${form}, character ${index}, bit ${bit}`)
        }
      }
    }
  })
})

describe('a sealed cookie', () => {
  for (const form of ['signed', 'encrypted'] as const) {
    test(`(${form}) opens under its own name only, and only until its end`, async () => {
      const hands = new Hands()
      const keys = new SecretSessionKeys({ current: SECRET, clock: hands.clock })
      const cookies = new SealedCookies({ keys, form, clock: hands.clock })
      const text = await cookies.seal('theme', 'dunkel ☾', 60)
      assert.equal(await cookies.open('theme', text), 'dunkel ☾')
      assert.equal(await cookies.open('role', text), undefined)
      assert.equal(await makeSessions(hands, { keys }).verify(text), undefined, 'it is no session')
      const session = await makeSessions(hands, { keys, form }).create('u-42')
      assert.equal(await cookies.open('theme', session.token.reveal()), undefined, 'a session is no cookie')
      hands.move(60)
      assert.equal(await cookies.open('theme', text), undefined)
    })
  }
})

describe('a CSRF token', () => {
  test('fits its session, its cookie and the keys that made it, and nothing else', async () => {
    const keys = new SecretSessionKeys({ current: OTHER_SECRET })
    const { csrf } = makeSessions(new Hands(), { keys })
    const token = await csrf.create('session-a')
    assert.equal(await csrf.verify('session-a', token, token), true)
    assert.equal(await csrf.verify('session-b', token, token), false)
    assert.equal(await csrf.verify('session-a', undefined, token), false)
    assert.equal(await csrf.verify('session-a', token, undefined), false)
    assert.equal(await csrf.verify('session-a', await csrf.create('session-a'), token), false)
    assert.equal(await csrf.verify('session-a', `${token}A`, `${token}A`), false)
    keys.replace({ current: SECRET })
    assert.equal(await csrf.verify('session-a', token, token), true)
    keys.replace({ current: SECRET }, { keepPrevious: false })
    assert.equal(await csrf.verify('session-a', token, token), false)
  })
})
