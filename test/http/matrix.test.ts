import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { after, describe, test } from 'node:test'
import { connectCoffre } from '../../src/client/connect-coffre.ts'
import type { Coffre } from '../../src/model/coffre.ts'
import { readRangeParts } from '../../src/model/file-layout.ts'
import { type Role, ROLES } from '../../src/model/token.ts'
import { openTemporary } from '../temporary.ts'
import {
  DEFAULT_TENANT_ONLY,
  MAY,
  type Permission,
  ROUTE_TABLE,
  type RouteRow,
  type Target,
  UNCONFINED_ONLY,
} from './route-table.ts'
import { type Answer, startServer } from './running-server.ts'

/*
 * Every route × every role × {no policy, one that covers the keys, one that does not} × {things of the caller's tenant,
 * of another, of nobody}. What may be seen differs from what does not exist; everything else is, to the byte, the
 * answer for what does not exist.
 */
const server = await startServer({ after })
const { admin, url, send } = server
const PEER = generateKeyPairSync('x25519').publicKey.export({ type: 'spki', format: 'pem' }).toString()

const POLICY_SETS = { 'no policy': [], covering: ['covering'], 'not covering': ['elsewhere'] } as const
type PolicySet = keyof typeof POLICY_SETS
const POLICY_SET_NAMES = ['no policy', 'covering', 'not covering'] as const satisfies readonly PolicySet[]
const TENANTS = ['default', 'acme'] as const
type Tenant = (typeof TENANTS)[number]

interface Asker {
  readonly title: string
  readonly tenant: Tenant
  readonly role: Role
  readonly set: PolicySet
  readonly token: string
}

async function furnish(coffre: Coffre, name: string): Promise<Target> {
  await coffre.keys.create({ name: `${name}-aes` })
  await coffre.keys.create({ name: `${name}-sign`, algorithm: 'ed25519' })
  await coffre.keys.create({ name: `${name}-mac`, algorithm: 'hmac-sha256' })
  await coffre.keys.create({ name: `${name}-agree`, algorithm: 'x25519' })
  const { ciphertext } = await coffre.encrypt({ key: `${name}-aes`, plaintext: 'x' })
  const { signature } = await coffre.sign({ key: `${name}-sign`, message: 'x' })
  const { mac } = await coffre.mac({ key: `${name}-mac`, message: 'x' })
  const file = await fileOf(coffre, `${name}-aes`)
  // Every pattern covers every name: what keeps tenants apart is not the policy.
  await coffre.policies.create('covering', {
    rules: [{ keys: ['*-aes', '*-sign', '*-mac', '*-agree'], operations: ['*'] }],
  })
  await coffre.policies.create('elsewhere', { rules: [{ keys: ['other'], operations: ['*'] }] })
  await coffre.policies.create(`${name}-policy`, { rules: [] })
  const token = await coffre.tokens.create({ name: 'victim', role: 'app', policies: ['covering'] })
  return {
    name,
    ciphertext,
    file,
    fileParts: await partsOf(file),
    signature: Buffer.from(signature).toString('base64'),
    mac: Buffer.from(mac).toString('base64'),
    peerPublicKey: PEER,
    token: token.id,
    policy: `${name}-policy`,
  }
}

const acmeAdmin = connectCoffre(
  url,
  (await admin.tokens.create({ name: 'acme', role: 'admin', tenant: 'acme' })).token,
)
const targets = { default: await furnish(admin, 'tdef'), acme: await furnish(acmeAdmin, 'acme') }
// A ciphertext of another installation: its key exists nowhere here.
const foreign = await furnish(await openTemporary({ after }), 'none')
const nobodys: Target = { ...foreign, token: 'zzzzzzzzzz', policy: 'none-policy' }

async function makeToken(tenant: Tenant, role: Role, set: PolicySet): Promise<string> {
  const by = tenant === 'default' ? admin : acmeAdmin
  if (role === 'user') {
    const { clientId, clientSecret } = await by.users.create()
    assert.ok(clientSecret !== undefined)
    const made = await connectCoffre(url).logins.withClient({ clientId, clientSecret, tenant })
    return made.token.reveal()
  }
  const made = await by.tokens.create({
    name: 'asker',
    role,
    policies: POLICY_SETS[set],
    maxTtlSeconds: 31_536_000,
  })
  return made.token.reveal()
}

const askers: Asker[] = []
for (const tenant of TENANTS) {
  for (const role of ROLES) {
    // No policy confines a user: there is nothing to confine.
    const sets = role === 'user' ? (['no policy'] as const) : POLICY_SET_NAMES
    for (const set of sets) {
      const title = `${role} of ${tenant}, ${set}`
      askers.push({ title, tenant, role, set, token: await makeToken(tenant, role, set) })
    }
  }
}

async function fileOf(coffre: Coffre, key: string): Promise<Uint8Array> {
  const plaintext = new Blob(['a file']).stream()
  return new Uint8Array(await new Response(await coffre.encryptStream(plaintext, { key })).arrayBuffer())
}

async function partsOf(file: Uint8Array): Promise<Uint8Array> {
  const source = {
    size: file.length,
    readAt: async (offset: number, length: number) => file.subarray(offset, offset + length),
  }
  return Buffer.concat(await Array.fromAsync(readRangeParts(source, { offset: 0 })))
}

function ask(row: RouteRow, target: Target, token: string): Promise<Answer> {
  const [method = '', pattern = ''] = row.route.split(' ')
  const id = { '{name}': row.about === 'policy' ? target.policy : `${target.name}-aes`, '{id}': target.token }
  const path = pattern
    .replace('{user}', 'nobody')
    .replace('{series}', 'nightly')
    .replace('{sequence}', '1')
    .replace('{key}', 'contract:12345678901234')
    .replace('{type}/{pdl}', 'consumption:daily/12345678901234')
    .replace(/\{(name|id)\}/, (found) => id[found === '{id}' ? '{id}' : '{name}'])
  const body = method === 'GET' || method === 'DELETE' ? {} : { body: row.body?.(target) ?? {} }
  const query = (row.query ?? '')
    .replace('{key}', `${target.name}-aes`)
    .replace('{size}', String(target.file.length))
  const type = row.type === undefined ? {} : { headers: { 'content-type': row.type } }
  return send(`/api/v1${path}${query}`, { method, token, ...body, ...type })
}

/** Without what names the target and the request. */
function comparable(answer: Answer, target: Target): string {
  const { requestId: _, ...body } = answer.body
  const text = JSON.stringify([answer.status, answer.type, answer.headers.get('content-length') ?? '', body])
  return text.replaceAll(target.name, 'T').replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, 'ID')
}

type Expected = 'refused' | 'absent' | 'done'

function expect(row: RouteRow, asker: Asker, owner: Tenant): Expected {
  const { set, tenant } = asker
  if (row.needs === 'anybody' || row.needs === 'itself') return 'done'
  if (!hasPermission(row.needs, asker)) return 'refused'
  const isOwn = owner === tenant
  if (row.about === 'nothing') return 'done'
  if (row.about === 'cache') return set === 'no policy' ? 'done' : 'refused'
  if (row.about === 'new-key' || row.about === 'new-token') return set === 'not covering' ? 'refused' : 'done'
  if (row.about === 'policy') return isOwn ? 'done' : 'absent'
  const isCovered = set !== 'not covering'
  return isOwn && isCovered ? 'done' : 'absent'
}

function hasPermission(needs: Permission, { role, set, tenant }: Asker): boolean {
  // An administrator is no user.
  if (needs === 'user.self') return role === 'user'
  const may = MAY[role]
  if (may !== 'everything' && !may.includes(needs)) return false
  if (DEFAULT_TENANT_ONLY.includes(needs) && tenant !== 'default') return false
  return set === 'no policy' || !UNCONFINED_ONLY.includes(needs)
}

async function check(row: RouteRow, asker: Asker): Promise<void> {
  const isAbout = ['key', 'token', 'policy'].includes(row.about)
  const absent = isAbout ? comparable(await ask(row, nobodys, asker.token), nobodys) : undefined
  for (const owner of TENANTS) {
    const target = targets[owner]
    const answer = await ask(row, target, asker.token)
    const what = `${row.route} by ${asker.title} about ${owner}: ${answer.status} ${JSON.stringify(answer.body)}`
    const expected = expect(row, asker, owner)
    if (expected === 'absent') assert.equal(comparable(answer, target), absent, what)
    if (expected === 'refused')
      assert.deepEqual([answer.status, answer.body['code']], [403, 'FORBIDDEN'], what)
    if (expected !== 'done') continue
    assert.ok(![401, 403].includes(answer.status) && answer.status < 500, what)
    if (isAbout) assert.notEqual(comparable(answer, target), absent, what)
  }
}

async function checkItself(row: RouteRow, asker: Asker): Promise<void> {
  const token = await makeToken(asker.tenant, asker.role, asker.set)
  const answer = await ask(row, targets.default, token)
  if (asker.role === 'user' && row.route === 'POST /tokens/renew') {
    assert.deepEqual([answer.status, answer.body['code']], [403, 'FORBIDDEN'])
    return
  }
  assert.ok(answer.status < 300, `${row.route} by ${asker.title}: ${JSON.stringify(answer.body)}`)
}

describe('every route', () => {
  test('has a row in the table, and every row a route', async () => {
    const { body } = await send('/openapi.json')
    const described = Object.entries(body['paths'] as Record<string, object>).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path.replace('/api/v1', '')}`),
    )
    const routes = ROUTE_TABLE.map(({ route }) => route)
    assert.deepEqual(routes.toSorted(), described.filter((each) => !each.startsWith('HEAD')).toSorted())
  })

  for (const row of ROUTE_TABLE) {
    test(`${row.route} answers each role, tenant and policy as the table says`, async () => {
      if (row.needs !== 'anybody') {
        const nobody = await ask(row, targets.default, '')
        assert.deepEqual([nobody.status, nobody.body['code']], [401, 'UNAUTHENTICATED'])
      }
      if (row.needs === 'operator.change') {
        // One after another: a sealed server answers nobody else.
        for (const asker of askers) {
          await check(row, asker)
          if (row.route === 'POST /seal') await admin.operator.unseal()
        }
        return
      }
      await Promise.all(
        askers.map((asker) => (row.needs === 'itself' ? checkItself(row, asker) : check(row, asker))),
      )
    })
  }
})

describe('lists', () => {
  test('hold what a caller may see and nothing else', async () => {
    for (const asker of askers.filter(({ role }) => role !== 'user')) {
      const { keys } = connectCoffre(url, asker.token)
      const names = (await keys.list())
        .map(({ name }) => name)
        .filter((name) => !['new-aes', 'cache'].includes(name))
      const expected = ['aes', 'agree', 'mac', 'sign'].map((kind) => `${targets[asker.tenant].name}-${kind}`)
      assert.deepEqual(names, asker.set === 'not covering' ? [] : expected, asker.title)
    }
  })

  test('of tokens, policies and audit records are of one tenant, and an auditor of default sees all records', async () => {
    const auditorOf = async (tenant: Tenant) =>
      connectCoffre(url, await makeToken(tenant, 'auditor', 'no policy'))
    const acme = await auditorOf('acme')
    assert.ok((await acme.tokens.list()).every(({ tenant }) => tenant === 'acme'))
    assert.ok((await acme.policies.list()).every(({ name }) => name !== targets.default.policy))
    const records = await acme.audit.list({ limit: 1_000 })
    assert.ok(records.length > 50)
    assert.ok(records.every(({ body }) => body.includes('"tenant":"acme"')))
    const newest = await acme.audit.list({ last: 3 })
    assert.equal(newest.length, 3)
    assert.deepEqual(newest, await acme.audit.list({ from: newest[0]?.index ?? 0 }))
    const all = await (await auditorOf('default')).audit.list({ limit: 1_000 })
    assert.deepEqual(
      new Set(all.map(({ body }) => (JSON.parse(body) as { tenant: string }).tenant)),
      new Set<string>([...TENANTS, 'coffre-system']),
    )
  })

  test('go on over keys that are hidden between those that are not', async () => {
    for (let index = 10; index < 40; index += 1)
      await admin.keys.create({ name: `list-${index}`, tags: { odd: String(index % 2) } })
    await admin.policies.create('odd', {
      rules: [{ keys: ['list-*'], tags: { odd: '1' }, operations: ['key.read'] }],
    })
    const { token } = await admin.tokens.create({ name: 'odd', role: 'app', policies: ['odd'] })
    const coffre = connectCoffre(url, token)
    const first = await coffre.keys.list({ limit: 10 })
    assert.deepEqual(
      first.map(({ name }) => name),
      Array.from({ length: 10 }, (_, at) => `list-${11 + 2 * at}`),
    )
    const rest = await coffre.keys.list({ after: first.at(-1)?.name ?? '', limit: 10 })
    assert.deepEqual(
      rest.map(({ name }) => name),
      ['list-31', 'list-33', 'list-35', 'list-37', 'list-39'],
    )
  })
})
