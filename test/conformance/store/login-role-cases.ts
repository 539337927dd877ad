import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hasCode } from '../../../src/model/errors.ts'
import { DEFAULT_TENANT, parseLoginRoleName, parseTenantId } from '../../../src/model/ids.ts'
import type { LoginRole } from '../../../src/model/login-role.ts'
import { NOW } from './sample.ts'
import type { WithStore } from './suite.ts'

const OTHER = parseTenantId('other')

function sampleRole(changes: Partial<LoginRole> = {}): LoginRole {
  const document = JSON.stringify({ method: 'certificate', boundClaims: { o: ['Énergie'] }, role: 'app' })
  return { tenant: DEFAULT_TENANT, name: parseLoginRoleName('shop'), document, createdAt: NOW, ...changes }
}

export function testLoginRoles(withStore: WithStore): void {
  test('a login role is found in its tenant only, exactly as it was written', () =>
    withStore(async (store) => {
      const [role, foreign] = [sampleRole(), sampleRole({ tenant: OTHER, document: '{"a": 1}' })]
      for (const each of [role, foreign]) await store.transaction((tx) => tx.insertLoginRole(each))
      assert.deepEqual(await store.findLoginRole(role.tenant, role.name), role)
      assert.deepEqual(await store.findLoginRole(OTHER, role.name), foreign)
      assert.equal(await store.findLoginRole(role.tenant, parseLoginRoleName('absent')), undefined)
    }))

  test('login roles are listed by the bytes of their names', () =>
    withStore(async (store) => {
      const names = ['b', 'a-', 'a0', 'a', '0'].map(parseLoginRoleName)
      for (const name of names) await store.transaction((tx) => tx.insertLoginRole(sampleRole({ name })))
      await store.transaction((tx) => tx.insertLoginRole(sampleRole({ tenant: OTHER })))
      const listed = (await store.listLoginRoles(DEFAULT_TENANT)).map(({ name }) => name)
      assert.deepEqual(listed, ['0', 'a', 'a-', 'a0', 'b'])
    }))

  test('a login role is made once, also by two at the same time, and the first one stays', () =>
    withStore(async (store) => {
      const roles = [sampleRole(), sampleRole({ document: '{}' })]
      const made = await Promise.allSettled(
        roles.map((role) => store.transaction((tx) => tx.insertLoginRole(role))),
      )
      const refused = made.flatMap((each) => (each.status === 'rejected' ? [each.reason as unknown] : []))
      assert.equal(refused.length, 1)
      assert.ok(hasCode(refused[0], 'LOGIN_ROLE_EXISTS'))
      const winner = roles[made.findIndex(({ status }) => status === 'fulfilled')]
      assert.deepEqual(await store.listLoginRoles(DEFAULT_TENANT), [winner])
    }))

  test('a login role is deleted in its tenant only, and once', () =>
    withStore(async (store) => {
      const [role, foreign] = [sampleRole(), sampleRole({ tenant: OTHER })]
      for (const each of [role, foreign]) await store.transaction((tx) => tx.insertLoginRole(each))
      const remove = () => store.transaction((tx) => tx.deleteLoginRole(role.tenant, role.name))
      await remove()
      await assert.rejects(remove(), (error) => hasCode(error, 'LOGIN_ROLE_NOT_FOUND'))
      assert.deepEqual(await store.listLoginRoles(role.tenant), [])
      assert.deepEqual(await store.listLoginRoles(OTHER), [foreign])
    }))

  test('a transaction that fails makes and deletes no login role', () =>
    withStore(async (store) => {
      const role = sampleRole()
      await store.transaction((tx) => tx.insertLoginRole(role))
      const failed = store.transaction(async (tx) => {
        await tx.deleteLoginRole(role.tenant, role.name)
        await tx.insertLoginRole(sampleRole({ name: parseLoginRoleName('other') }))
        throw new RangeError('later')
      })
      await assert.rejects(failed, RangeError)
      assert.deepEqual(await store.listLoginRoles(DEFAULT_TENANT), [role])
    }))
}
