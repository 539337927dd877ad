import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hasCode } from '../../../src/model/errors.ts'
import { DEFAULT_TENANT, parseClientId, parseTenantId, parseUserId } from '../../../src/model/ids.ts'
import type { StoredApiKey, User } from '../../../src/model/user.ts'
import { LATER, NOW, sampleToken, sampleUser } from './sample.ts'
import type { WithStore } from './suite.ts'

const OTHER = parseTenantId('other')
const API_KEY: StoredApiKey = {
  encrypted: 'gAAAAAB-api-key-of-a-sample-user',
  provider: 'mistral',
  createdAt: NOW,
  lastFour: 'CDEF',
  fingerprint: '00112233',
}

export function testUsers(withStore: WithStore): void {
  test('a user is found by id, and by client id in its tenant only, exactly as it was written', () =>
    withStore(async (store) => {
      const clientId = parseClientId('shop@example.org')
      const plain = sampleUser({ clientId })
      const full = sampleUser({
        tenant: OTHER,
        clientId,
        secretHash: '$argon2id$v=19$…',
        apiKey: API_KEY,
        cacheKey: 'coffre:v1:…',
        cacheKeySecret: 'c2VjcmV0',
        cacheState: '{"step":1}',
      })
      for (const user of [plain, full]) await store.transaction((tx) => tx.insertUser(user))
      assert.deepEqual(await store.findUser(plain.id), plain)
      assert.deepEqual(await store.findUser(full.id), full)
      assert.deepEqual(await store.findUserByClient(DEFAULT_TENANT, clientId), plain)
      assert.deepEqual(await store.findUserByClient(OTHER, clientId), full)
      assert.equal(await store.findUser(sampleUser().id), undefined)
      assert.equal(await store.findUserByClient(OTHER, parseClientId('absent')), undefined)
    }))

  test('users are listed by id in pages, of one tenant or of all, and those with a provider’s key alone', () =>
    withStore(async (store) => {
      const users = Array.from({ length: 6 }, (_, at) =>
        sampleUser({
          ...(at % 2 === 0 ? { apiKey: API_KEY } : {}),
          ...(at === 5 ? { tenant: OTHER } : {}),
        }),
      )
      for (const user of users) await store.transaction((tx) => tx.insertUser(user))
      const ids = users.map(({ id }) => id).toSorted()
      const idsOf = (found: readonly User[]) => found.map(({ id }) => id)
      assert.deepEqual(idsOf(await store.listUsers({ limit: 10 })), ids)
      const first = await store.listUsers({ limit: 2 })
      assert.deepEqual(idsOf(first), ids.slice(0, 2))
      const after = first.at(-1)?.id ?? parseUserId('usr_zzzzzzzzzz')
      assert.deepEqual(idsOf(await store.listUsers({ after, limit: 10 })), ids.slice(2))
      assert.deepEqual(idsOf(await store.listUsers({ tenant: OTHER, limit: 10 })), idsOf(users.slice(5)))
      const keyed = await store.listUsers({ withApiKey: true, limit: 10 })
      assert.deepEqual(
        idsOf(keyed),
        ids.filter((id) => users.some((user) => user.id === id && user.apiKey !== undefined)),
      )
    }))

  test('a client id is taken once in a tenant, also by two at the same time', () =>
    withStore(async (store) => {
      const clientId = parseClientId('shop')
      const made = await Promise.allSettled(
        [1, 2].map(() => store.transaction((tx) => tx.insertUser(sampleUser({ clientId })))),
      )
      const refused = made.flatMap((each) => (each.status === 'rejected' ? [each.reason as unknown] : []))
      assert.equal(refused.length, 1)
      assert.ok(hasCode(refused[0], 'USER_EXISTS'))
      await store.transaction((tx) => tx.insertUser(sampleUser({ clientId, tenant: OTHER })))
    }))

  test('a change that was made on another state of a user is refused', () =>
    withStore(async (store) => {
      const user = sampleUser()
      await store.transaction((tx) => tx.insertUser(user))
      const after: User = { ...user, apiKey: API_KEY, updatedAt: LATER, epoch: 2 }
      await store.transaction((tx) => tx.updateUser(user, after))
      assert.deepEqual(await store.findUser(user.id), after)
      const late = store.transaction((tx) => tx.updateUser(user, { ...user, secretHash: 'b', epoch: 2 }))
      await assert.rejects(late, (error) => hasCode(error, 'CONFLICT'))
      assert.deepEqual(await store.findUser(user.id), after)
      const { apiKey: _, ...cleared } = after
      await store.transaction((tx) => tx.updateUser(after, { ...cleared, epoch: 3 }))
      assert.deepEqual(await store.findUser(user.id), { ...cleared, epoch: 3 })
    }))

  test('a user is deleted with its tokens, and nothing of it is left in the files', () =>
    withStore(async (store, under) => {
      const encrypted = `gAAAAAB-${crypto.randomUUID()}`
      const user = sampleUser({ apiKey: { ...API_KEY, encrypted } })
      const token = sampleToken({ role: 'user', user: user.id })
      const other = sampleToken()
      await store.transaction(async (tx) => {
        await tx.insertUser(user)
        for (const each of [token, other]) await tx.insertToken(each)
      })
      assert.deepEqual(await store.findToken(token.id), token)
      const changes = await store.readChangeCount()
      await store.transaction((tx) => tx.deleteUser(user.id))
      assert.equal(await store.findUser(user.id), undefined)
      assert.equal(await store.findToken(token.id), undefined)
      assert.deepEqual(await store.findToken(other.id), other)
      // Other processes hold tokens in memory, and have to know.
      assert.ok((await store.readChangeCount()) > changes)
      await assert.rejects(
        store.transaction((tx) => tx.deleteUser(user.id)),
        (error) => hasCode(error, 'USER_NOT_FOUND'),
      )
      assert.ok(!(await under.readEverything()).includes(encrypted))
    }))

  test('the provider’s keys of all users are cleared at once, and a late change does not bring one back', () =>
    withStore(async (store) => {
      const [keyed, bare] = [sampleUser({ apiKey: API_KEY, tenant: OTHER }), sampleUser()]
      for (const user of [keyed, bare]) await store.transaction((tx) => tx.insertUser(user))
      assert.equal(await store.transaction((tx) => tx.clearApiKeys(LATER)), 1)
      const { apiKey: _, ...cleared } = keyed
      assert.deepEqual(await store.findUser(keyed.id), { ...cleared, epoch: 2, updatedAt: LATER })
      assert.deepEqual(await store.findUser(bare.id), bare)
      const late = store.transaction((tx) => tx.updateUser(keyed, { ...keyed, epoch: 2 }))
      await assert.rejects(late, (error) => hasCode(error, 'CONFLICT'))
      assert.equal(await store.transaction((tx) => tx.clearApiKeys(LATER)), 0)
    }))

  test('a check value is kept by its name until another takes its place', () =>
    withStore(async (store) => {
      assert.equal(await store.findWrappingCheck('fernet'), undefined)
      for (const value of ['one', 'two']) {
        await store.transaction((tx) => tx.storeWrappingCheck({ name: 'fernet', value, at: NOW }))
        assert.equal(await store.findWrappingCheck('fernet'), value)
      }
    }))
}
