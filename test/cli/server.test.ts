import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { DEFAULT_ADDRESS } from '../../src/cli/place.ts'
import { DEFAULT_PORT } from '../../src/config.ts'
import { CoffreProcess, MAIN, startServer } from './coffre-process.ts'

describe('a Coffre behind a server', () => {
  test('serves the same commands to whoever holds a token', async (t) => {
    const cli = new CoffreProcess(t)
    const server = await startServer(t, cli)
    cli.environment['COFFRE_ADDR'] = server.url
    assert.equal((await cli.ok('status')).error, '')
    const anonymous = await cli.run(['key', 'list'])
    assert.equal(anonymous.code, 4)
    assert.match(anonymous.error, /UNAUTHENTICATED[\s\S]*request id: [A-Za-z0-9_-]{8,}/)
    cli.environment['COFFRE_TOKEN_FILE'] = join(cli.dataDir, 'first-token')
    assert.equal((await cli.json('key create invoices --tag a=b'))['name'], 'invoices')
    const { out } = await cli.ok('encrypt invoices --context row=7', { input: 'value' })
    assert.equal((await cli.json('key rotate invoices'))['currentVersion'], 2)
    assert.equal((await cli.json('rewrap --context row=7', { input: out }))['version'], 2)
    assert.equal((await cli.ok('decrypt --context row=7', { input: out })).out, 'value')
    assert.equal((await cli.json('inspect', { input: out }))['key'], 'invoices')
    const { keys } = (await cli.json('key list --limit 1')) as { keys: { currentVersion: number }[] }
    assert.equal(keys[0]?.currentVersion, 2)
    await cli.ok('key create signer --algorithm ed25519')
    const { signature } = await cli.json('sign signer', { input: 'message' })
    const valid = await cli.run(['verify', 'signer', '--signature', String(signature)], { input: 'message' })
    assert.equal(valid.code, 0)
    await cli.ok('key create webhook --algorithm hmac-sha256')
    const { mac } = await cli.json('mac create webhook', { input: 'message' })
    const wrong = await cli.run(['mac', 'verify', 'webhook', '--mac', String(mac)], { input: 'x' })
    assert.equal(wrong.code, 3)
    assert.equal(Buffer.from(String((await cli.json('random --bytes 3'))['bytes']), 'base64').length, 3)
    assert.equal((await cli.json('data-key generate invoices'))['key'], 'invoices')
    assert.equal((await cli.json('audit log verify'))['valid'], true)
  })

  test('gives an app token its keys and no administration', async (t) => {
    const cli = new CoffreProcess(t)
    const server = await startServer(t, cli)
    const admin = { COFFRE_ADDR: server.url, COFFRE_TOKEN_FILE: join(cli.dataDir, 'first-token') }
    await cli.ok('key create invoices', { environment: admin })
    const created = await cli.json('token create shop --role app', { environment: admin })
    const app = { COFFRE_ADDR: server.url, COFFRE_TOKEN: String(created['token']) }
    await cli.ok('encrypt invoices', { environment: app, input: 'x' })
    const refused = await cli.run(['key', 'rotate', 'invoices'], { environment: app })
    assert.equal(refused.code, 4)
    assert.match(refused.error, /FORBIDDEN/)
    assert.ok(!refused.error.includes(app.COFFRE_TOKEN))
    await cli.ok(`token revoke ${String(created['id'])}`, { environment: admin })
    assert.equal((await cli.run(['encrypt', 'invoices'], { environment: app, input: 'x' })).code, 4)
  })

  test('is sealed and unsealed from the command line', async (t) => {
    const cli = new CoffreProcess(t)
    writeFileSync(join(cli.folder, 'phrase'), 'correct horse battery staple\n')
    const sealing = ['--seal', 'passphrase', '--passphrase-file', 'phrase']
    const first = await startServer(t, cli, sealing)
    const token = join(cli.dataDir, 'first-token')
    cli.environment['COFFRE_TOKEN_FILE'] = token
    await cli.ok(`key create invoices --addr ${first.url}`)
    assert.equal((await cli.json(`seal --dry-run --addr ${first.url}`))['dryRun'], true)
    await cli.ok(`seal --addr ${first.url}`)
    assert.equal((await cli.run(['status', '--addr', first.url])).code, 2)
    const sealed = await cli.run(['encrypt', 'invoices', '--addr', first.url], { input: 'x' })
    assert.equal(sealed.code, 5)
    assert.match(sealed.error, /\[SEALED\]/)
    assert.equal(await first.stop(), 0)
    const second = await startServer(t, cli)
    assert.equal((await cli.run(['status', '--addr', second.url])).code, 2)
    assert.equal((await cli.run(['unseal', '--addr', second.url])).code, 4)
    await cli.ok(`unseal --addr ${second.url} --passphrase-file phrase`)
    await cli.ok(`encrypt invoices --addr ${second.url}`, { input: 'x' })
  })

  test('keeps its data folder to itself and says how to reach it', async (t) => {
    const cli = new CoffreProcess(t)
    await startServer(t, cli)
    const held = await cli.run(['key', 'list'])
    assert.equal(held.code, 5)
    assert.match(held.error, /STORE_IN_USE/)
    assert.ok(held.error.includes(`export COFFRE_ADDR=${DEFAULT_ADDRESS}`))
    assert.match(held.error, /export COFFRE_TOKEN_FILE=coffre-data\/first-token/)
  })

  test('finds everything again after a stop', async (t) => {
    const cli = new CoffreProcess(t)
    const first = await startServer(t, cli)
    const environment = { COFFRE_TOKEN_FILE: join(cli.dataDir, 'first-token') }
    await cli.ok(`key create invoices --addr ${first.url}`, { environment })
    const { out } = await cli.ok(`encrypt invoices --addr ${first.url}`, { environment, input: 'kept' })
    assert.equal(await first.stop(), 0)
    assert.equal((await cli.ok('decrypt', { input: out })).out, 'kept')
  })
})

test('the first token is shown only when it is asked for', async (t) => {
  const { first: quiet } = await readStart(t, [])
  assert.doesNotMatch(quiet, /coffre_[a-z0-9]{10}_/)
  const { first: asked, cli } = await readStart(t, ['--show-token'])
  const token = readFileSync(join(cli.dataDir, 'first-token'), 'utf8').trim()
  assert.equal(JSON.parse(asked).firstToken, token)
})

/** What a server says as it starts. */
async function readStart(t: TestContext, options: readonly string[]) {
  const cli = new CoffreProcess(t)
  const args = [MAIN, 'serve', '--json', '--port', '0', ...options]
  const child = spawn(process.execPath, args, { cwd: cli.folder, env: cli.baseEnvironment() })
  const closed = once(child, 'close')
  const [piece] = (await once(child.stdout, 'data')) as [Buffer]
  child.kill('SIGTERM')
  await closed
  return { first: piece.toString(), cli }
}

describe('the address of a server', () => {
  test('is by default where serve listens by default', () => {
    assert.equal(DEFAULT_ADDRESS, `http://127.0.0.1:${DEFAULT_PORT}`)
  })

  test('without a server is unavailable, and a bad one is a configuration error', async (t) => {
    const cli = new CoffreProcess(t)
    const silent = await cli.run(['key', 'list', '--addr', 'http://127.0.0.1:1', '--json'])
    assert.equal(silent.code, 5)
    assert.equal(JSON.parse(silent.error).error.code, 'SERVER_UNREACHABLE')
    assert.equal((await cli.run(['status', '--addr', 'http://127.0.0.1:1'])).code, 1)
    const insecure = await cli.run(['key', 'list', '--addr', 'http://keys.example'])
    assert.equal(insecure.code, 78)
    const port = await cli.run(['serve', '--port', '70000'])
    assert.equal(port.code, 78)
    assert.match(port.error, /COFFRE_PORT/)
    assert.deepEqual(cli.snapshot(), {})
  })

  test('as an option wins over the variable, and both places at once are refused', async (t) => {
    const cli = new CoffreProcess(t)
    await cli.ok('init')
    cli.environment['COFFRE_ADDR'] = 'http://127.0.0.1:1'
    await cli.ok('key list --data-dir coffre-data')
    const both = await cli.run(['key', 'list', '--data-dir', 'coffre-data', '--addr', 'http://127.0.0.1:1'])
    assert.equal(both.code, 2)
    assert.ok(readFileSync(join(cli.dataDir, 'first-token')).length > 0)
  })
})
