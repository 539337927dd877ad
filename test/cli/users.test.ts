import assert from 'node:assert/strict'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { CoffreLine, startServer } from './coffre-process.ts'

describe('coffre user', () => {
  test('makes, lists, shows and erases users in the data folder', async (t) => {
    const cli = new CoffreLine(t)
    await cli.ok('init')
    const made = await cli.json('user create --client-id shop')
    assert.match(String(made['clientSecret']), /^coffre_cs_/)
    assert.equal((await cli.run(['user', 'create', '--client-id', 'shop'])).code, 2)
    const shown = await cli.json('user show shop')
    assert.deepEqual([shown['id'], shown['clientSecret']], [made['id'], undefined])
    await cli.ok('user create')
    const more = await cli.ok('user list --limit 1')
    assert.match(more.error, /--after usr_/)
    const rotated = await cli.ok(`user rotate-secret shop --out ${cli.path('secret')}`)
    assert.equal(rotated.out, '')
    assert.equal(statSync(cli.path('secret')).mode & 0o777, 0o600)
    assert.notEqual(readFileSync(cli.path('secret'), 'utf8').trim(), made['clientSecret'])
    assert.equal((await cli.json('user delete shop --dry-run'))['dryRun'], true)
    await cli.ok('user show shop')
    assert.equal((await cli.run(['user', 'delete', 'shop'])).code, 2)
    await cli.ok('user delete shop -y')
    assert.equal((await cli.run(['user', 'show', 'shop'])).code, 4)
  })

  test('logs in with a client id and a secret from a file, a chosen one too', async (t) => {
    const cli = new CoffreLine(t)
    const server = await startServer(t, cli)
    const admin = { COFFRE_TOKEN_FILE: join(cli.dataDir, 'first-token') }
    cli.environment['COFFRE_ADDR'] = server.url
    writeFileSync(cli.path('chosen'), 'a secret from elsewhere\n')
    const create = `user create --client-id shop --client-secret-file ${cli.path('chosen')}`
    const { out } = await cli.ok(create, { environment: admin })
    assert.equal(out, '')
    const login = ['login', '--method', 'client', '--client-id', 'shop', '--client-secret-file', '-']
    assert.equal((await cli.run(login, { input: 'a wrong secret from elsewhere' })).code, 4)
    const done = await cli.run([...login, '--json'], { input: 'a secret from elsewhere\n' })
    assert.equal(done.code, 0, done.error)
    assert.ok(!done.out.includes('secret from elsewhere'))
    const identity = await cli.json('token whoami')
    assert.equal(identity['role'], 'user')
    assert.match(String(identity['user']), /^usr_/)
    assert.equal((await cli.run(['key', 'list'])).code, 4)
  })
})
