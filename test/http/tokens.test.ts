import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { connectCoffre } from '../../src/client/connect-coffre.ts'
import { HOUR, type Instant, toInstant } from '../../src/model/clock.ts'
import type { Coffre, CreateTokenRequest } from '../../src/model/coffre.ts'
import { failsWith } from '../temporary.ts'
import { startServer } from './running-server.ts'

let now: Instant = toInstant(Date.now())
const server = await startServer({ after }, { clock: () => now, trustedProxies: ['127.0.0.1'] })
const { admin, url, send } = server

async function holderOf(request: Partial<CreateTokenRequest> = {}, by: Coffre = admin) {
  const made = await by.tokens.create({ name: 't', role: 'app', ...request })
  return { ...made, coffre: connectCoffre(url, made.token) }
}
const works = (coffre: Coffre) => coffre.random({ bytes: 1 })
const unauthenticated = failsWith('UNAUTHENTICATED')

describe('a token', () => {
  test('tells its holder who asks', async () => {
    const { id, coffre } = await holderOf({ description: 'till', policies: ['default'] })
    const { principal, tenant, role, confined, policies, token } = await coffre.tokens.whoami()
    assert.deepEqual(
      { principal, tenant, role, confined, policies },
      { principal: `token:${id}`, tenant: 'default', role: 'app', confined: true, policies: ['default'] },
    )
    assert.equal(token?.description, 'till')
    assert.equal((await admin.tokens.whoami()).confined, false)
  })

  test('is renewed by itself, by its own time, up to the bound it was made with', async () => {
    const before = now
    const { id, coffre } = await holderOf({ ttlSeconds: 3_600, maxTtlSeconds: 7_200 })
    const endOf = async () => Date.parse((await admin.tokens.get(id)).expiresAt ?? '') - before
    now = toInstant(before + HOUR / 2)
    await coffre.tokens.renew()
    assert.equal(await endOf(), 1.5 * HOUR)
    await coffre.tokens.renew({ ttlSeconds: 60 })
    assert.equal(await endOf(), 1.5 * HOUR, 'a renewal never shortens')
    now = toInstant(before + 1.4 * HOUR)
    await coffre.tokens.renew({ ttlSeconds: 31_536_000 })
    assert.equal(await endOf(), 2 * HOUR)
    now = toInstant(before + 2 * HOUR)
    await assert.rejects(coffre.tokens.renew(), unauthenticated)
    now = before
  })

  test('that was not made renewable is not renewed', async () => {
    const { coffre } = await holderOf()
    await assert.rejects(coffre.tokens.renew(), failsWith('FORBIDDEN'))
    await assert.rejects(holderOf({ ttlSeconds: 3_600, maxTtlSeconds: 60 }), failsWith('INVALID_REQUEST'))
  })

  test('authenticates as many requests as it has uses, also when they come together', async () => {
    const { id, coffre } = await holderOf({ maxUses: 5 })
    const outcomes = await Promise.allSettled(Array.from({ length: 9 }, () => works(coffre)))
    assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 5)
    await assert.rejects(works(coffre), unauthenticated)
    const { maxUses, usesLeft } = await admin.tokens.get(id)
    assert.deepEqual([maxUses, usesLeft], [5, 0])
  })

  test('shows when it was used, to the hour', async () => {
    const { id, coffre } = await holderOf()
    const before = now
    const usedAt = async () => {
      for (;;) {
        const { lastUsedAt } = await admin.tokens.get(id)
        if (lastUsedAt !== undefined) return Date.parse(lastUsedAt)
      }
    }
    await works(coffre)
    assert.equal(await usedAt(), before)
    now = toInstant(before + HOUR - 1)
    await works(coffre)
    assert.equal(await usedAt(), before)
    now = before
  })

  test('revokes itself', async () => {
    const { coffre } = await holderOf()
    await coffre.tokens.revokeSelf()
    await assert.rejects(works(coffre), unauthenticated)
  })
})

test("no token is made for Coffre's own tenant, whose key signs the audit log", async () => {
  await assert.rejects(holderOf({ role: 'admin', tenant: 'coffre-system' }), failsWith('INVALID_REQUEST'))
})

describe('revoking a token', () => {
  test('revokes what it made, and what that made', async () => {
    const parent = await holderOf({ role: 'admin' })
    const child = await holderOf({ role: 'admin' }, parent.coffre)
    const grandchild = await holderOf({}, child.coffre)
    const stranger = await holderOf()
    for (const { coffre } of [parent, child, grandchild]) await works(coffre)
    assert.equal((await admin.tokens.get(child.id)).parent, parent.id)
    await admin.tokens.revoke(parent.id)
    const records = (await admin.audit.list({ last: 3 })).map(({ body }) => body)
    for (const { coffre } of [parent, child, grandchild]) await assert.rejects(works(coffre), unauthenticated)
    await works(stranger.coffre)
    assert.match(records[0] ?? '', new RegExp(`"action":"token.revoke".*"token":"${parent.id}"`))
    assert.match(records[2] ?? '', new RegExp(`"token":"${grandchild.id}","with":"${parent.id}"`))
  })

  test('keeps its children where that is asked', async () => {
    const parent = await holderOf({ role: 'admin' })
    const child = await holderOf({}, parent.coffre)
    await admin.tokens.revoke(parent.id, { keepChildren: true })
    await assert.rejects(works(parent.coffre), unauthenticated)
    await works(child.coffre)
  })
})

describe('address blocks', () => {
  const from = (token: string, address?: string) =>
    send('/api/v1/random', {
      method: 'POST',
      token,
      body: {},
      ...(address === undefined ? {} : { headers: { 'x-forwarded-for': address } }),
    })

  test('admit only what lies in them, as a trusted proxy reports it', async () => {
    const { token } = await holderOf({ cidrs: ['10.1.0.0/16', '2001:db8::/32', '192.0.2.7'] })
    for (const address of [
      '10.1.2.3',
      '2001:db8:1::1',
      '192.0.2.7',
      '::ffff:10.1.2.3',
      '1.2.3.4, 10.1.0.0',
    ]) {
      assert.equal((await from(token.reveal(), address)).status, 200, address)
    }
    const outside = ['10.2.0.0', '2001:db9::1', '192.0.2.8', 'nonsense', '10.1.2.3, 203.0.113.9', undefined]
    for (const address of outside)
      assert.equal((await from(token.reveal(), address)).status, 401, String(address))
  })

  test('that are none are refused', async () => {
    for (const cidr of [
      '10.0.0.0/33',
      '10.0.0',
      'x',
      '10.0.0.0/8/8',
      '::/129',
      'fe80::1%eth0',
      '10.0.0.0/08',
      '',
    ]) {
      await assert.rejects(holderOf({ cidrs: [cidr] }), failsWith('INVALID_REQUEST'), cidr)
    }
  })
})

describe('a header of somebody who is no trusted proxy', async () => {
  const plain = await startServer({ after })
  test('moves no token into its blocks', async () => {
    const { token } = await plain.admin.tokens.create({ name: 't', role: 'app', cidrs: ['10.0.0.0/8'] })
    const headers = { 'x-forwarded-for': '10.0.0.1' }
    const answer = await plain.send('/api/v1/tokens/self', { token: token.reveal(), headers })
    assert.equal(answer.status, 401)
  })
})

describe('a confined admin', async () => {
  await admin.policies.create('payments', { rules: [{ keys: ['payments-*'], operations: ['*'] }] })
  await admin.policies.create('wide', { rules: [{ keys: ['*'], operations: ['*'] }] })
  const confined = await holderOf({ role: 'admin', policies: ['payments'] })
  const { keys, tokens, policies, audit, operator } = confined.coffre

  test('rules its own keys and sees no other', async () => {
    await admin.keys.create({ name: 'other' })
    await keys.create({ name: 'payments-eu' })
    assert.equal((await keys.rotate('payments-eu')).currentVersion, 2)
    await assert.rejects(keys.create({ name: 'other' }), failsWith('FORBIDDEN'))
    await assert.rejects(keys.rotate('other'), failsWith('KEY_NOT_FOUND'))
    assert.deepEqual(
      (await keys.list()).map(({ name }) => name),
      ['payments-eu'],
    )
  })

  test('makes tokens of its own policies only, and sees and revokes no others', async () => {
    const made = await tokens.create({ name: 'app', role: 'app' })
    assert.deepEqual(made.policies, ['payments'])
    for (const wide of [['wide'], ['payments', 'wide'], ['default']]) {
      await assert.rejects(
        tokens.create({ name: 'x', role: 'admin', policies: wide }),
        failsWith('FORBIDDEN'),
      )
    }
    await assert.rejects(tokens.create({ name: 'x', role: 'app', tenant: 'acme' }), failsWith('FORBIDDEN'))
    const stranger = await holderOf()
    assert.ok((await tokens.list()).every((token) => token.policies.join() === 'payments'))
    await assert.rejects(tokens.get(stranger.id), failsWith('TOKEN_NOT_FOUND'))
    await assert.rejects(tokens.revoke(stranger.id), failsWith('TOKEN_NOT_FOUND'))
    await tokens.revoke(made.id)
  })

  test('has nothing that reaches beyond its keys', async () => {
    await assert.rejects(policies.update('payments', { rules: [] }), failsWith('FORBIDDEN'))
    await assert.rejects(audit.list(), failsWith('FORBIDDEN'))
    await assert.rejects(operator.seal(), failsWith('FORBIDDEN'))
  })
})

describe('a policy', () => {
  test('takes effect, and ends, with the next request', async () => {
    await admin.keys.create({ name: 'live' })
    const { coffre } = await holderOf()
    const late = await admin.policies.create('late', {
      rules: [{ keys: ['live'], operations: ['data.encrypt'] }],
    })
    const holder = await holderOf({ policies: ['late'] })
    const encrypt = (by: Coffre) => by.encrypt({ key: 'live', plaintext: 'x' })
    await encrypt(holder.coffre)
    await assert.rejects(holder.coffre.keys.get('live'), failsWith('FORBIDDEN'))
    await assert.rejects(admin.policies.update('late', late.document, { epoch: 2 }), failsWith('CONFLICT'))
    await admin.policies.update('late', { rules: [] }, { epoch: 1 })
    await assert.rejects(encrypt(holder.coffre), failsWith('KEY_NOT_FOUND'))
    await admin.policies.update('late', late.document)
    await encrypt(holder.coffre)
    await admin.policies.delete('late')
    await assert.rejects(encrypt(holder.coffre), failsWith('KEY_NOT_FOUND'))
    await encrypt(coffre)
  })

  test('named default replaces what apps without policies may do, until it is deleted', async () => {
    const { coffre } = await holderOf()
    assert.equal((await admin.policies.get('default')).epoch, 0)
    await admin.policies.update('default', { rules: [{ keys: ['*'], operations: ['key.read'] }] })
    await assert.rejects(works(coffre), failsWith('FORBIDDEN'))
    await admin.policies.delete('default')
    await works(coffre)
    await assert.rejects(admin.policies.delete('default'), failsWith('POLICY_NOT_FOUND'))
  })

  test('that does not exist goes on no token', async () => {
    await assert.rejects(holderOf({ policies: ['none'] }), failsWith('POLICY_NOT_FOUND'))
  })

  test('is tested without doing anything', async () => {
    const document = {
      rules: [
        { keys: ['t-*'], operations: ['key.read'] },
        { keys: ['t-*'], tags: { a: 'b' }, operations: ['data.decrypt'], context: { tenant: ['x*'] } },
      ],
    } as const
    await admin.policies.create('tested', document)
    await admin.keys.create({ name: 't-1', tags: { a: 'b' } })
    const app = { role: 'app', policies: ['tested'], key: 't-1' } as const
    const rules = [{ policy: 'tested', rule: 2 }]
    const decrypt = { ...app, operation: 'data.decrypt' } as const
    assert.deepEqual(await admin.policies.test({ ...decrypt, context: { tenant: 'xy' } }), {
      allowed: true,
      reason: 'rule',
      rules,
      keyExists: true,
    })
    const reasonOf = async (request: Parameters<typeof admin.policies.test>[0]) =>
      (await admin.policies.test(request)).reason
    assert.equal(await reasonOf({ ...decrypt, context: { tenant: 'y' } }), 'context')
    assert.equal(await reasonOf({ ...app, operation: 'data.sign' }), 'operation')
    assert.equal(await reasonOf({ ...app, operation: 'key.rotate' }), 'role')
    assert.equal(await reasonOf({ ...decrypt, key: 'other' }), 'no-rule')
    assert.equal(await reasonOf({ role: 'operator', key: 't-1', operation: 'key.rotate' }), 'unconfined')
    const { id } = await holderOf({ policies: ['tested'] })
    assert.equal(await reasonOf({ token: id, key: 't-9', operation: 'key.read' }), 'rule')
    await admin.tokens.revoke(id)
    assert.equal(await reasonOf({ token: id, key: 't-1', operation: 'key.read' }), 'token')
  })
})

describe('context rules', () => {
  test('bind encrypt, decrypt, rewrap and data keys alike, item by item', async () => {
    const operations = ['data.encrypt', 'data.decrypt', 'data.rewrap', 'data.data-key'] as const
    await admin.policies.create('acme-only', {
      rules: [{ keys: ['c'], operations, context: { tenant: ['acme-*'] } }],
    })
    await admin.keys.create({ name: 'c' })
    const { coffre } = await holderOf({ policies: ['acme-only'] })
    const [ours, theirs] = [{ tenant: 'acme-1' }, { tenant: 'other' }]
    const own = await coffre.encrypt({ key: 'c', plaintext: 'a', context: ours })
    const foreign = await admin.encrypt({ key: 'c', plaintext: 'b', context: theirs })
    const items = [
      { ciphertext: own.ciphertext, context: ours },
      { ciphertext: foreign.ciphertext, context: theirs },
      { ciphertext: foreign.ciphertext, context: ours },
      { ciphertext: own.ciphertext },
    ]
    const codes = (await coffre.batch('decrypt', items)).map((item) => (item.ok ? 'ok' : item.error.code))
    assert.deepEqual(codes, ['ok', 'FORBIDDEN', 'DECRYPTION_FAILED', 'FORBIDDEN'])
    const encrypted = await coffre.batch('encrypt', [
      { key: 'c', plaintext: 'x', context: theirs },
      { key: 'c', plaintext: 'x', context: ours },
      { key: 'c', plaintext: 'x' },
    ])
    assert.deepEqual(
      encrypted.map((item) => (item.ok ? 'ok' : item.error.code)),
      ['FORBIDDEN', 'ok', 'FORBIDDEN'],
    )
    await assert.rejects(
      coffre.rewrap({ ciphertext: own.ciphertext, context: ours, toContext: theirs }),
      failsWith('FORBIDDEN'),
    )
    await coffre.rewrap({ ciphertext: own.ciphertext, context: ours, toContext: { tenant: 'acme-2' } })
    await assert.rejects(coffre.generateDataKey({ key: 'c', context: theirs }), failsWith('FORBIDDEN'))
    const last = (await admin.audit.list({ last: 1 }))[0]
    assert.match(last?.body ?? '', /"outcome":"refused","code":"FORBIDDEN".*"outsidePolicy":1/)
  })
})
