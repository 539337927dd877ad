import assert from 'node:assert/strict'
import { generateKeyPairSync, sign } from 'node:crypto'
import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { Authority, withoutOpenssl } from '../http/certificates.ts'
import { CoffreLine, startServer } from './coffre-process.ts'

const { publicKey, privateKey } = generateKeyPairSync('ed25519')

function jwtOf(claims: object): string {
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const exp = Math.floor(Date.now() / 1_000) + 60
  const input = `${encode({ alg: 'EdDSA' })}.${encode({ iss: 'ci', aud: 'coffre', exp, ...claims })}`
  return `${input}.${sign(null, Buffer.from(input), privateKey).toString('base64url')}`
}

describe('coffre login', () => {
  test('keeps a token for the next commands in a file of 0600, and logout revokes and removes it', async (t) => {
    const cli = new CoffreLine(t)
    const server = await startServer(t, cli)
    const admin = { COFFRE_TOKEN_FILE: join(cli.dataDir, 'first-token') }
    cli.environment['COFFRE_ADDR'] = server.url
    writeFileSync(cli.path('jwks'), JSON.stringify({ keys: [publicKey.export({ format: 'jwk' })] }))
    const create = `login-role create build --method jwt --role app --bound repository=shop --bound repository=api --issuer ci --audience coffre --jwks-file ${cli.path('jwks')} --ttl-seconds 120`
    assert.equal((await cli.run(`${create} --dry-run`.split(' '), { environment: admin })).code, 0)
    assert.deepEqual((await cli.json('login-role list', { environment: admin }))['loginRoles'], [])
    const role = await cli.json(create, { environment: admin })
    assert.deepEqual(role['boundClaims'], { repository: ['shop', 'api'] })
    assert.match((await cli.ok('login-role show build', { environment: admin })).out, /audience: coffre/)

    const login = ['login', '--method', 'jwt', '--role', 'build', '--jwt-file', '-']
    assert.equal((await cli.run(login, { input: jwtOf({ repository: 'other' }) })).code, 4)
    const planned = await cli.run([...login, '--dry-run', '--json'], { input: jwtOf({}) })
    assert.deepEqual(JSON.parse(planned.out), {
      dryRun: true,
      command: 'login',
      request: { method: 'jwt', role: 'build' },
    })
    assert.ok(!existsSync(join(cli.folder, '.config')))
    const done = await cli.run([...login, '--json'], { input: jwtOf({ repository: 'api' }) })
    assert.equal(done.code, 0, done.error)
    const file = join(cli.folder, '.config/coffre/token')
    assert.equal(statSync(file).mode & 0o777, 0o600)
    const { token } = JSON.parse(readFileSync(file, 'utf8')) as { token: string }
    assert.ok(!done.out.includes(token) && !done.error.includes(token))

    await cli.ok('key list')
    assert.equal((await cli.run(['key', 'create', 'k'])).code, 4)
    assert.equal((await cli.json('key create k', { environment: admin }))['name'], 'k')
    const elsewhere = await cli.run(['key', 'list'], {
      environment: { COFFRE_ADDR: server.url.replace('127.0.0.1', 'localhost') },
    })
    assert.equal(elsewhere.code, 4)
    assert.match(elsewhere.error, /UNAUTHENTICATED/)
    chmodSync(file, 0o644)
    assert.equal((await cli.run(['key', 'list'])).code, 78)
    chmodSync(file, 0o600)

    await cli.ok('logout')
    assert.ok(!existsSync(file))
    assert.equal((await cli.run(['key', 'list'])).code, 4)
    assert.equal((await cli.run(['key', 'list'], { environment: { COFFRE_TOKEN: token } })).code, 4)
    await cli.ok('login-role delete build', { environment: admin })
  })

  test('with a certificate needs no secret but its key', { skip: withoutOpenssl }, async (t) => {
    const cli = new CoffreLine(t)
    const authority = new Authority(cli.folder)
    authority.issue('server')
    const extensions = ['subjectAltName=DNS:shop.example', 'extendedKeyUsage=clientAuth']
    authority.issue('client', { extensions })
    const ca = authority.certificateFile
    const server = await startServer(t, cli, [
      '--tls-cert',
      'server.crt',
      '--tls-key',
      'server.key',
      '--tls-client-ca',
      ca,
    ])
    Object.assign(cli.environment, { COFFRE_ADDR: server.url, COFFRE_CACERT: ca })
    const admin = { COFFRE_TOKEN_FILE: join(cli.dataDir, 'first-token') }
    await cli.ok('login-role create shop --method certificate --role app --bound dns=shop.example', {
      environment: admin,
    })
    assert.equal((await cli.run(['login', '--method', 'certificate', '--role', 'shop'])).code, 4)
    await cli.ok(
      `login --method certificate --role shop --client-cert ${cli.path('client.crt')} --client-key ${cli.path('client.key')}`,
    )
    await cli.ok('key list')
  })
})
