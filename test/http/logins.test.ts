import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { generateKeyPairSync, sign } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import type { ServeOptions } from '../../src/app.ts'
import { serve } from '../../src/app.ts'
import { connectCoffre } from '../../src/client/connect-coffre.ts'
import type { Coffre } from '../../src/model/coffre.ts'
import type { CreateLoginRoleRequest } from '../../src/model/login-role.ts'
import { Secret } from '../../src/model/secret.ts'
import { failsWith, makeFolder, openTemporary } from '../temporary.ts'
import { Authority, type Issued, withoutOpenssl } from './certificates.ts'
import { startServer } from './running-server.ts'

const { publicKey, privateKey } = generateKeyPairSync('ed25519')
const JWKS = JSON.stringify({ keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'one' }] })

function jwtOf(claims: object): string {
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const exp = Math.floor(Date.now() / 1_000) + 60
  const input = `${encode({ alg: 'EdDSA', kid: 'one' })}.${encode({ iss: 'https://ci.example', aud: 'coffre', exp, ...claims })}`
  return `${input}.${sign(null, Buffer.from(input), privateKey).toString('base64url')}`
}

const BUILD: CreateLoginRoleRequest = {
  name: 'build',
  method: 'jwt',
  issuer: 'https://ci.example',
  audience: 'coffre',
  jwks: JWKS,
  boundClaims: { repository: ['shop', 'api'], '/environment/name': ['production'] },
  role: 'app',
  policies: ['builds'],
  ttlSeconds: 300,
  maxUses: 3,
}
const GOOD = { sub: 'run 7', repository: 'shop', environment: { name: 'production' } }

async function withRole(t: TestContext, changes: Partial<CreateLoginRoleRequest> = {}) {
  const server = await startServer(t)
  await server.admin.policies.create('builds', {
    rules: [{ keys: ['shop-*'], operations: ['data.*', 'key.read'] }],
  })
  await server.admin.logins.createRole({ ...BUILD, ...changes })
  return { ...server, anybody: connectCoffre(server.url) }
}

describe('a login with a JWT', () => {
  test('gives a short-lived token of the role, with its policies and uses, that says whose it is', async (t) => {
    const { url, admin, anybody } = await withRole(t)
    await admin.keys.create({ name: 'shop-orders' })
    await admin.keys.create({ name: 'people' })
    const made = await anybody.logins.withJwt({ jwt: jwtOf(GOOD), role: 'build' })
    assert.deepEqual(
      [made.name, made.description, made.role, made.policies, made.maxUses, made.tenant],
      ['login build', 'run 7', 'app', ['builds'], 3, 'default'],
    )
    assert.equal(Date.parse(made.expiresAt ?? '') - Date.parse(made.createdAt), 300_000)
    const coffre = connectCoffre(url, made.token)
    await coffre.encrypt({ key: 'shop-orders', plaintext: 'x' })
    await assert.rejects(coffre.encrypt({ key: 'people', plaintext: 'x' }), failsWith('KEY_NOT_FOUND'))
    await coffre.encrypt({ key: 'shop-orders', plaintext: 'x' })
    await assert.rejects(coffre.encrypt({ key: 'shop-orders', plaintext: 'x' }), failsWith('UNAUTHENTICATED'))
    const record = (await admin.audit.list({ last: 20 })).find(({ body }) => body.includes('"login":"build"'))
    assert.equal(record?.action, 'token.create')
    assert.match(record?.body ?? '', /"method":"jwt"/)
  })

  test('fails in one way, whatever is wrong, and leaves a record that repeats nothing of a stranger', async (t) => {
    const { admin, anybody, send } = await withRole(t)
    const refused = [
      { jwt: jwtOf({ ...GOOD, repository: 'other' }), role: 'build' },
      { jwt: jwtOf({ ...GOOD, environment: { name: 'test' } }), role: 'build' },
      { jwt: jwtOf({ ...GOOD, environment: 'production' }), role: 'build' },
      { jwt: jwtOf({ ...GOOD, repository: { shop: true } }), role: 'build' },
      { jwt: jwtOf({ ...GOOD, aud: 'other' }), role: 'build' },
      { jwt: jwtOf({ ...GOOD, iss: 'https://evil.example' }), role: 'build' },
      { jwt: jwtOf({ ...GOOD, exp: 1 }), role: 'build' },
      { jwt: jwtOf(GOOD), role: 'canary-role' },
      { jwt: jwtOf(GOOD), role: 'Canary Role' },
      { jwt: jwtOf(GOOD), role: 'build', tenant: 'canary-tenant' },
      { jwt: jwtOf(GOOD), role: 'build', tenant: '../canary' },
      { jwt: 'canary', role: 'build' },
    ]
    const answers = new Set<string>()
    for (const body of refused) {
      await assert.rejects(anybody.logins.withJwt(body), failsWith('UNAUTHENTICATED'))
      const { status, body: problem } = await send('/api/v1/login/jwt', { method: 'POST', body })
      answers.add(JSON.stringify([status, { ...problem, requestId: '' }]))
    }
    assert.equal(answers.size, 1)
    await assert.rejects(anybody.logins.withCertificate({ role: 'build' }), failsWith('UNAUTHENTICATED'))
    const records = (await admin.audit.list({ last: 100 })).filter(
      ({ action }) => action === 'access.unauthenticated',
    )
    assert.equal(records.length, 1)
    assert.ok(records.every(({ body }) => !/canary/i.test(body)))
  })

  test('that fails again and again is refused for a while, from that place', async (t) => {
    const { anybody } = await withRole(t)
    const codes = new Set<unknown>()
    while (!codes.has('RATE_LIMITED')) {
      await anybody.logins
        .withJwt({ jwt: 'x', role: 'build' })
        .catch((error: { code?: unknown }) => codes.add(error.code))
    }
    assert.deepEqual([...codes], ['UNAUTHENTICATED', 'RATE_LIMITED'])
  })

  test('fetches the keys of an issuer whose host the operator allows, and of no other private one', async (t) => {
    const issuer = createServer((_request, response) => response.end(JWKS))
    await new Promise<void>((done) => issuer.listen(0, '127.0.0.1', done))
    t.after(() => issuer.close())
    const jwksUrl = `http://127.0.0.1:${(issuer.address() as AddressInfo).port}/keys`
    const { jwks: _inline, policies: _none, ...rest } = BUILD
    const closed = await openTemporary(t)
    await assert.rejects(closed.logins.createRole({ ...rest, jwksUrl }), failsWith('CONFIG_REFUSED'))
    const open = await openTemporary(t, { issuers: { allowedHosts: ['127.0.0.1'] } })
    await open.logins.createRole({ ...rest, jwksUrl })
    assert.equal((await open.logins.withJwt({ jwt: jwtOf(GOOD), role: 'build' })).role, 'app')
  })

  test('takes no body of more than a JWT', async (t) => {
    const { send } = await withRole(t)
    const body = { role: 'build', jwt: 'x'.repeat(20_000) }
    const { status } = await send('/api/v1/login/jwt', { method: 'POST', body })
    assert.equal(status, 413)
  })
})

describe('a login role', () => {
  test('is created, shown, listed and deleted by administrators, with a record of each change', async (t) => {
    const { admin, appToken, url } = await withRole(t)
    const shown = await admin.logins.getRole('build')
    const { createdAt, ...described } = shown
    assert.ok(Date.parse(createdAt) > 0)
    assert.deepEqual(described, BUILD)
    assert.deepEqual(await admin.logins.listRoles(), [shown])
    await assert.rejects(admin.logins.createRole(BUILD), failsWith('LOGIN_ROLE_EXISTS'))
    const app = connectCoffre(url, appToken)
    for (const work of [
      () => app.logins.listRoles(),
      () => app.logins.createRole({ ...BUILD, name: 'x' }),
      () => app.logins.deleteRole('build'),
    ]) {
      await assert.rejects(work, failsWith('FORBIDDEN'))
    }
    await admin.logins.deleteRole('build')
    await assert.rejects(admin.logins.getRole('build'), failsWith('LOGIN_ROLE_NOT_FOUND'))
    await assert.rejects(admin.logins.deleteRole('build'), failsWith('LOGIN_ROLE_NOT_FOUND'))
    const actions = (await admin.audit.list({ last: 100 })).map(({ action }) => action)
    for (const action of ['login-role.create', 'login-role.delete'])
      assert.ok(actions.includes(action), action)
  })

  const refused: Readonly<Record<string, Partial<Record<keyof CreateLoginRoleRequest, unknown>>>> = {
    'without an audience': { audience: undefined },
    'without an issuer': { issuer: undefined },
    'without bound claims': { boundClaims: {} },
    'with a claim of no value': { boundClaims: { sub: [] } },
    'with alg none': { algorithms: ['none'] },
    'with HS256': { algorithms: ['HS256'] },
    'with no algorithm': { algorithms: [] },
    'with keys by URL and inline': { jwksUrl: 'https://issuer.example/keys' },
    'without keys': { jwks: undefined },
    'with keys that are none': { jwks: '{"keys":[]}' },
    'that lives longer than a day': { ttlSeconds: 86_401 },
    'that lives shorter than a minute': { ttlSeconds: 59 },
    'with an unknown role': { role: 'root' },
    'with an unknown method': { method: 'password' },
    'with a name of a path': { name: '../x' },
    'for certificates with an issuer': { method: 'certificate' },
  }
  test('is refused where it would let in more than it says', async (t) => {
    const coffre = await openTemporary(t)
    for (const [name, change] of Object.entries(refused)) {
      const request = { ...BUILD, policies: [], ...change } as CreateLoginRoleRequest
      await assert.rejects(coffre.logins.createRole(request), failsWith('INVALID_REQUEST'), name)
    }
    await assert.rejects(coffre.logins.createRole(BUILD), failsWith('POLICY_NOT_FOUND'))
    await assert.rejects(
      coffre.logins.createRole({
        ...BUILD,
        policies: [],
        method: 'certificate',
        boundClaims: { issuer: ['x'] },
      }),
      failsWith('INVALID_REQUEST'),
    )
  })
})

const CLIENT = {
  extensions: ['subjectAltName=DNS:shop.example,URI:spiffe://example/shop', 'extendedKeyUsage=clientAuth'],
}

/** One URI with a comma in it, which a careless reader takes for two names. */
const HIDDEN = {
  extensions: [
    'subjectAltName=@names',
    'extendedKeyUsage=clientAuth',
    '[names]',
    'URI.1=http://x/, DNS:shop.example',
  ],
}

interface Scene {
  readonly url: string
  readonly authority: Authority
  readonly folder: string
  readonly admin: Coffre
  readonly login: (
    client: Issued | undefined,
    role?: string,
  ) => Promise<{ token: Secret; description: string }>
}

async function startMutual(
  t: TestContext,
  more: (folder: string, authority: Authority) => object = () => ({}),
): Promise<Scene> {
  const folder = makeFolder(t)
  const authority = new Authority(folder)
  const pair = authority.issue('server')
  const tls = { ...pair, clientCaFile: authority.certificateFile, ...more(folder, authority) }
  const options: ServeOptions = {
    createIfMissing: true,
    host: '127.0.0.1',
    port: 0,
    logLevel: 'silent',
    tls,
    dataDir: makeFolder(t),
  }
  const server = await serve(options)
  t.after(() => server.close())
  const token = readFileSync(server.firstTokenFile, 'utf8').trim()
  const admin = connectCoffre(server.url, token, { tls: { ca: authority.certificate } })
  t.after(() => admin.close())
  await admin.logins.createRole({
    name: 'shop',
    method: 'certificate',
    boundClaims: { dns: ['shop.example'] },
    role: 'app',
  })
  const login = async (client: Issued | undefined, role = 'shop') => {
    const own =
      client === undefined
        ? {}
        : {
            certificate: readFileSync(client.certificateFile, 'latin1'),
            key: new Secret(readFileSync(client.keyFile, 'latin1')),
          }
    const coffre = connectCoffre(server.url, undefined, { tls: { ca: authority.certificate, ...own } })
    try {
      return await coffre.logins.withCertificate({ role })
    } finally {
      await coffre.close()
    }
  }
  return { url: server.url, authority, folder, admin, login }
}

describe('a login with a client certificate', { skip: withoutOpenssl }, () => {
  test('gives a token to the holder of a certificate with the bound name', async (t) => {
    const { authority, login, url } = await startMutual(t)
    const { token, description } = await login(authority.issue('shop', CLIENT))
    assert.equal(description, 'shop')
    const coffre = connectCoffre(url, token, { tls: { ca: authority.certificate } })
    t.after(() => coffre.close())
    assert.deepEqual(await coffre.keys.list(), [])
  })

  test('is refused without a certificate, and with one that is another’s, over, for servers, or a CA’s', async (t) => {
    const { authority, folder, login } = await startMutual(t)
    const stranger = new Authority(folder, 'stranger')
    const client = (lines: readonly string[]) => ({ extensions: [...lines, 'extendedKeyUsage=clientAuth'] })
    const refused: Readonly<Record<string, Issued | undefined>> = {
      none: undefined,
      'of another CA': stranger.issue('imposter', CLIENT),
      over: authority.issue('over', { ...CLIENT, from: '20200101000000Z', to: '20200201000000Z' }),
      'not valid yet': authority.issue('early', {
        ...CLIENT,
        from: '20990101000000Z',
        to: '20990201000000Z',
      }),
      'for servers': authority.issue('for-servers', {
        extensions: ['subjectAltName=DNS:shop.example', 'extendedKeyUsage=serverAuth'],
      }),
      'for no purpose': authority.issue('for-nothing', { extensions: ['subjectAltName=DNS:shop.example'] }),
      'a CA’s': authority.issue(
        'ca',
        client(['subjectAltName=DNS:shop.example', 'basicConstraints=critical,CA:TRUE']),
      ),
      'of another name': authority.issue('other', client(['subjectAltName=DNS:other.example'])),
      'whose other name says it': authority.issue('uri', client(['subjectAltName=URI:shop.example'])),
      'whose common name says it': authority.issue('cn', {
        ...client(['subjectAltName=DNS:other.example']),
        subject: '/CN=shop.example',
      }),
      'whose name hides another in it (CVE-2021-44532)': authority.issue('hidden', HIDDEN),
    }
    for (const [name, issued] of Object.entries(refused)) {
      await assert.rejects(login(issued), failsWith('UNAUTHENTICATED'), name)
    }
    await assert.rejects(login(authority.issue('good', CLIENT), 'none'), failsWith('UNAUTHENTICATED'))
  })

  test('binds any name of a certificate, its serial and its fingerprint', async (t) => {
    const { authority, admin, login } = await startMutual(t)
    const issued = authority.issue('shop', { ...CLIENT, subject: '/O=Example, Ltd./OU=Shop/CN=shop 7' })
    const ask = (option: string) =>
      execFileSync('openssl', ['x509', '-in', issued.certificateFile, '-noout', `-${option}`, '-sha256'], {
        encoding: 'utf8',
      })
        .trim()
        .replace(/^.*=/, '')
        .replaceAll(':', '')
        .toLowerCase()
    const claims = {
      cn: 'shop 7',
      o: 'Example, Ltd.',
      ou: 'Shop',
      uri: 'spiffe://example/shop',
      serial: ask('serial'),
      fingerprint: ask('fingerprint'),
    }
    for (const [name, value] of Object.entries(claims)) {
      await admin.logins.createRole({
        name: `by-${name}`,
        method: 'certificate',
        boundClaims: { [name]: [value] },
        role: 'app',
      })
      assert.equal((await login(issued, `by-${name}`)).description, 'shop 7', name)
    }
  })

  test('ends for a certificate that the CA’s revocation list names, without a restart', async (t) => {
    const { authority, folder, login } = await startMutual(t, (path, ca) => {
      const clientCrlFile = join(path, 'revoked.pem')
      ca.revoke([], clientCrlFile)
      return { clientCrlFile }
    })
    const [lost, kept] = [authority.issue('lost', CLIENT), authority.issue('kept', CLIENT)]
    await login(lost)
    authority.revoke([lost], join(folder, 'revoked.pem'))
    let isRefused = false
    while (!isRefused) {
      isRefused = await login(lost).then(
        () => false,
        () => true,
      )
    }
    await login(kept)
  })

  test('is not offered where the server asks for no certificate', async (t) => {
    const { authority, login } = await startMutual(t, () => ({ clientCaFile: undefined }))
    await assert.rejects(login(authority.issue('shop', CLIENT)), failsWith('UNAUTHENTICATED'))
  })
})
