import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toInstant } from '../../../src/model/clock.ts'
import { hasCode } from '../../../src/model/errors.ts'
import { DEFAULT_TENANT, parsePolicyName, parseTenantId } from '../../../src/model/ids.ts'
import { ROLES } from '../../../src/model/token.ts'
import { LATER, NOW, samplePolicy, sampleToken, sampleUser, sampleWrapped } from './sample.ts'
import type { WithStore } from './suite.ts'

export function testAccess(withStore: WithStore): void {
  test('a token is found by id, exactly as it was written', () =>
    withStore(async (store) => {
      for (const role of ROLES) {
        for (const dates of [{}, { expiresAt: LATER }, { expiresAt: LATER, revokedAt: NOW }]) {
          const token = sampleToken({ role, ...(role === 'user' ? { user: sampleUser().id } : {}), ...dates })
          await store.transaction((tx) => tx.insertToken(token))
          assert.deepEqual(await store.findToken(token.id), token)
        }
      }
      assert.equal(await store.findToken(sampleToken().id), undefined)
    }))

  test('a token keeps its policies, bounds and parent', () =>
    withStore(async (store) => {
      const parent = sampleToken()
      const token = sampleToken({
        description: 'é',
        policies: [parsePolicyName('a'), parsePolicyName('b')],
        cidrs: ['10.0.0.0/8', '2001:db8::/32'],
        parent: parent.id,
        renewal: { ttlSeconds: 60, until: LATER },
        uses: { maximum: 2, left: 2 },
        lastUsedAt: NOW,
      })
      for (const each of [parent, token]) await store.transaction((tx) => tx.insertToken(each))
      assert.deepEqual(await store.findToken(token.id), token)
      assert.deepEqual(await store.listTokensMadeBy(parent.id), [token])
      assert.deepEqual(await store.listTokensMadeBy(token.id), [])
    }))

  test('uses are taken until none is left, and a token without a count has none to take', () =>
    withStore(async (store) => {
      const token = sampleToken({ uses: { maximum: 2, left: 2 } })
      const free = sampleToken()
      for (const each of [token, free]) await store.transaction((tx) => tx.insertToken(each))
      const take = (id: typeof token.id) => store.transaction((tx) => tx.takeTokenUse(id))
      assert.deepEqual(
        [await take(token.id), await take(token.id), await take(token.id)],
        [true, true, false],
      )
      assert.equal(await take(free.id), false)
      assert.deepEqual((await store.findToken(token.id))?.uses, { maximum: 2, left: 0 })
    }))

  test('a token is renewed until it is revoked', () =>
    withStore(async (store) => {
      const token = sampleToken({ expiresAt: NOW })
      await store.transaction((tx) => tx.insertToken(token))
      await store.transaction((tx) => tx.renewToken(token.id, LATER))
      await store.transaction((tx) => tx.markTokenUsed(token.id, LATER))
      assert.deepEqual(await store.findToken(token.id), { ...token, expiresAt: LATER, lastUsedAt: LATER })
      await store.transaction((tx) => tx.revokeToken(token.tenant, token.id, NOW))
      await assert.rejects(
        store.transaction((tx) => tx.renewToken(token.id, LATER)),
        (error) => hasCode(error, 'TOKEN_NOT_FOUND'),
      )
    }))

  test('a policy is written once for a tenant and changed by its epoch', () =>
    withStore(async (store) => {
      const policy = samplePolicy()
      const foreign = samplePolicy({ tenant: parseTenantId('other') })
      for (const each of [policy, foreign]) await store.transaction((tx) => tx.insertPolicy(each))
      await assert.rejects(
        store.transaction((tx) => tx.insertPolicy(policy)),
        (error) => hasCode(error, 'POLICY_EXISTS'),
      )
      const after = { ...policy, document: { rules: [] }, epoch: 2, updatedAt: LATER }
      await store.transaction((tx) => tx.updatePolicy(policy, after))
      await assert.rejects(
        store.transaction((tx) => tx.updatePolicy(policy, { ...after, epoch: 3 })),
        (error) => hasCode(error, 'CONFLICT'),
      )
      assert.deepEqual(await store.findPolicy(policy.tenant, policy.name), after)
      assert.deepEqual(await store.listPolicies(policy.tenant), [after])
      await store.transaction((tx) => tx.deletePolicy(policy.tenant, policy.name))
      await assert.rejects(
        store.transaction((tx) => tx.deletePolicy(policy.tenant, policy.name)),
        (error) => hasCode(error, 'POLICY_NOT_FOUND'),
      )
      assert.deepEqual(await store.listPolicies(foreign.tenant), [foreign])
    }))

  test("tokens are listed by creation, without another tenant's", () =>
    withStore(async (store) => {
      const tokens = [3, 1, 2].map((second) => sampleToken({ createdAt: toInstant(NOW + second) }))
      const foreign = sampleToken({ tenant: parseTenantId('other') })
      for (const token of [...tokens, foreign]) await store.transaction((tx) => tx.insertToken(token))
      const [third, first, second] = tokens
      assert.deepEqual(await store.listTokens(DEFAULT_TENANT), [first, second, third])
    }))

  test('revoking twice keeps the first moment', () =>
    withStore(async (store) => {
      const token = sampleToken()
      await store.transaction((tx) => tx.insertToken(token))
      await store.transaction((tx) => tx.revokeToken(token.tenant, token.id, NOW))
      await store.transaction((tx) => tx.revokeToken(token.tenant, token.id, LATER))
      assert.deepEqual(await store.findToken(token.id), { ...token, revokedAt: NOW })
    }))

  test("revoking an unknown token, or another tenant's, is refused", () =>
    withStore(async (store) => {
      const token = sampleToken()
      await store.transaction((tx) => tx.insertToken(token))
      for (const [tenant, id] of [
        [DEFAULT_TENANT, sampleToken().id],
        [parseTenantId('other'), token.id],
      ] as const) {
        await assert.rejects(
          store.transaction((tx) => tx.revokeToken(tenant, id, NOW)),
          (error) => hasCode(error, 'TOKEN_NOT_FOUND'),
        )
      }
      assert.deepEqual(await store.findToken(token.id), token)
    }))

  test('a token id is never given twice', () =>
    withStore(async (store) => {
      const token = sampleToken()
      await store.transaction((tx) => tx.insertToken(token))
      await assert.rejects(store.transaction((tx) => tx.insertToken({ ...token, role: 'admin' })))
      assert.deepEqual(await store.findToken(token.id), token)
    }))

  test('seal slots come back in the order of their creation', () =>
    withStore(async (store) => {
      assert.deepEqual(await store.listSealSlots(), [])
      const slots = [2, 1].map((second) => ({
        id: `slot-${second}`,
        provider: 'file',
        wrapped: sampleWrapped(),
        createdAt: toInstant(NOW + second),
        root: 1,
      }))
      for (const slot of slots) await store.transaction((tx) => tx.insertSealSlot(slot))
      assert.deepEqual(await store.listSealSlots(), slots.toReversed())
    }))

  test('a seal slot is never overwritten', () =>
    withStore(async (store) => {
      const slot = { id: 'slot', provider: 'file', wrapped: sampleWrapped(), createdAt: NOW, root: 1 }
      await store.transaction((tx) => tx.insertSealSlot(slot))
      await assert.rejects(
        store.transaction((tx) => tx.insertSealSlot({ ...slot, wrapped: sampleWrapped() })),
      )
      assert.deepEqual(await store.listSealSlots(), [slot])
    }))
}
