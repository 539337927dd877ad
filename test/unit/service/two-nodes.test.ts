import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { type Caller, localCaller, newRequestId } from '../../../src/service/caller.ts'
import { CallerCoffre, withOwnRequests } from '../../../src/service/caller-coffre.ts'
import { ChangeFeed } from '../../../src/service/change-feed.ts'
import type { Core } from '../../../src/service/operator/core.ts'
import { openSqliteStore } from '../../../src/store/sqlite/open-sqlite-store.ts'
import type { Store } from '../../../src/store/store.ts'
import { coreOver, memorySeal } from '../../core-over.ts'
import { failsWith, makeFolder } from '../../temporary.ts'

/** Nothing tells one of the other's commits but its own questions. */
async function makeTwoNodes(t: TestContext) {
  const folder = makeFolder(t)
  const seal = memorySeal()
  const first = coreOver(await openSqliteStore({ folder }), { seal }).core
  t.after(() => first.close())
  await first.initialise(localCaller(), seal)
  const second = coreOver(await openSqliteStore({ folder, share: 'member' }), { seal }).core
  t.after(() => second.close())
  await second.unseal(localCaller())
  const as = (core: Core, caller: Caller = withOwnRequests(localCaller())) => new CallerCoffre(core, caller)
  return { first: as(first), second: as(second), cores: { first, second }, as }
}

const plaintext = 'bonjour'

describe('of two nodes on one store', () => {
  test('a suspended key answers nothing on the other from the commit on, and so does the log', async (t) => {
    const { first, second } = await makeTwoNodes(t)
    await first.keys.create({ name: 'k' })
    const { ciphertext } = await second.encrypt({ key: 'k', plaintext })
    for (let round = 0; round < 20; round += 1) {
      await first.keys.suspend('k')
      await assert.rejects(second.encrypt({ key: 'k', plaintext }), failsWith('KEY_SUSPENDED'))
      await assert.rejects(second.decrypt({ ciphertext }), failsWith('KEY_SUSPENDED'))
      await first.keys.resume('k')
      assert.equal((await second.encrypt({ key: 'k', plaintext })).version, 1)
    }
    let isSuspended = false
    for (const record of await first.audit.list({ limit: 1_000 })) {
      if (record.action === 'key.suspend') isSuspended = true
      if (record.action === 'key.resume') isSuspended = false
      if (isSuspended) assert.ok(!(record.action.startsWith('data.') && record.outcome === 'ok'), record.body)
    }
  })

  test('what one encrypts under a version that it has just added the other decrypts', async (t) => {
    const { first, second } = await makeTwoNodes(t)
    await first.keys.create({ name: 'k' })
    for (let version = 2; version < 12; version += 1) {
      const [rotating, other] = version % 2 === 0 ? [first, second] : [second, first]
      await other.encrypt({ key: 'k', plaintext })
      await rotating.keys.rotate('k')
      const made = await rotating.encrypt({ key: 'k', plaintext })
      const read = await other.decrypt({ ciphertext: made.ciphertext })
      assert.deepEqual([made.version, read.version], [version, version])
      assert.equal((await other.encrypt({ key: 'k', plaintext })).version, version)
    }
  })

  test('a revoked session is over on the other from the commit on', async (t) => {
    const { first, second } = await makeTwoNodes(t)
    for (const [key, algorithm] of [
      ['ed', 'ed25519'],
      ['mac', 'hmac-sha256'],
    ] as const) {
      await first.keys.create({ name: key, algorithm })
      const rules = { key, audience: 'shop' }
      const make = (user: string) => first.sessions.create({ ...rules, user })
      const [one, two, three] = [await make('a'), await make('b'), await make('c')]
      const live = async () => {
        const judged = [one, two, three].map(({ token }) => second.sessions.verify({ ...rules, token }))
        return (await Promise.all(judged)).map((session) => session?.user)
      }
      assert.deepEqual(await live(), ['a', 'b', 'c'])
      const expected = [
        [{ id: one.sessionId }, [undefined, 'b', 'c']],
        [{ user: 'b' }, [undefined, undefined, 'c']],
        [{ all: true as const }, [undefined, undefined, undefined]],
      ] as const
      for (const [request, users] of expected) {
        await first.sessions.revoke({ key, ...request })
        assert.deepEqual(await live(), users)
      }
    }
  })

  test('a revoked token gets no data on the other from the commit on', async (t) => {
    const { first, cores, as } = await makeTwoNodes(t)
    await first.keys.create({ name: 'k' })
    const { id, token } = await first.tokens.create({ name: 'app', role: 'app' })
    const caller = await cores.second.tokens.authenticate(token.reveal(), { requestId: newRequestId() })
    await as(cores.second, caller).encrypt({ key: 'k', plaintext })
    // Its request has begun, and its body is still on the way.
    const late = await cores.second.tokens.authenticate(token.reveal(), { requestId: newRequestId() })
    await first.tokens.revoke(id)
    await assert.rejects(as(cores.second, late).random({}), failsWith('UNAUTHENTICATED'))
    await assert.rejects(
      as(cores.second, late).encrypt({ key: 'k', plaintext }),
      failsWith('UNAUTHENTICATED'),
    )
    await assert.rejects(
      cores.second.tokens.authenticate(token.reveal(), { requestId: newRequestId() }),
      failsWith('UNAUTHENTICATED'),
    )
  })

  test('a change of another key, or of another token, repeats nothing', async (t) => {
    const { first, second } = await makeTwoNodes(t)
    await first.keys.create({ name: 'k' })
    await first.keys.create({ name: 'other' })
    await second.encrypt({ key: 'k', plaintext })
    const { size } = await first.audit.verify()
    await first.keys.rotate('other')
    await second.encrypt({ key: 'k', plaintext })
    assert.equal((await first.audit.verify()).size, size + 2)
  })

  test('one that is far behind drops everything, and one that is ahead of a restored store does too', async (t) => {
    const { first, cores } = await makeTwoNodes(t)
    let dropped = 0
    const { store } = cores.second
    const feed = new ChangeFeed({
      ...storeView(store),
      listChanges: async (after, limit) => (await store.listChanges(after, limit)).slice(1),
    })
    await feed.start()
    feed.subscribe({ forget: () => assert.fail('not one by one'), forgetAll: () => void (dropped += 1) })
    await first.keys.create({ name: 'a' })
    await first.keys.create({ name: 'b' })
    await feed.catchUp()
    assert.deepEqual([dropped, feed.position], [1, await store.readChangeCount()])
    const count = await store.readChangeCount()
    let before = count + 5
    const ahead = new ChangeFeed({ ...storeView(store), readChangeCount: async () => before })
    await ahead.start()
    ahead.subscribe({ forget: () => assert.fail('not one by one'), forgetAll: () => void (dropped += 1) })
    before = count
    await ahead.catchUp()
    assert.deepEqual([dropped, ahead.position], [2, count])
  })
})

function storeView(store: Store) {
  return {
    readChangeCount: () => store.readChangeCount(),
    listChanges: (after: number, limit: number) => store.listChanges(after, limit),
    watchChanges: (listener: () => void) => store.watchChanges(listener),
  }
}
