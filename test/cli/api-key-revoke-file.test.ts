import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { describe, test, type TestContext } from 'node:test'
import { coreOf, openCoffre } from '../../src/app.ts'
import { readFernetRing } from '../../src/app-fernet.ts'
import { Fernet } from '../../src/crypto/fernet.ts'
import { parseKeyName, SYSTEM_TENANT } from '../../src/model/ids.ts'
import { systemCaller } from '../../src/service/caller.ts'
import { makeFolder } from '../temporary.ts'
import { CoffreProcess } from './coffre-process.ts'

const KEY = 'mistral-test-key-0123456789abcdefABCDEF'
const REVOKE = ['apikey', 'revoke-all', '--yes', '--json']

/** Ada has a key under FERNET_SECRET_KEY of `.env`. */
async function withKey(t: TestContext) {
  const cli = new CoffreProcess(t)
  const old = Fernet.generateKey()
  const environment = { FERNET_SECRET_KEY: old }
  writeFileSync(cli.path('.env'), `# mine\nFERNET_SECRET_KEY=${old}\n`, { mode: 0o600 })
  const open = () =>
    openCoffre({ dataDir: cli.dataDir, createIfMissing: true, environment, lostFernetKeys: 'allow' })
  const store = async () => {
    const coffre = await open()
    await coffre.apiKeys.set({ user: 'ada', apiKey: KEY })
    await coffre.close()
  }
  const status = async () => {
    const coffre = await open()
    const { status } = await coffre.apiKeys.get('ada')
    await coffre.close()
    return status
  }
  const coffre = await open()
  await coffre.users.create({ clientId: 'ada' })
  await coffre.close()
  await store()
  return { cli, old, store, status, env: () => readFileSync(cli.path('.env'), 'utf8') }
}

describe('coffre apikey revoke-all --resume', () => {
  test('replaces the key that a killed run left, and keeps what users stored since', async (t) => {
    const { cli, old, env, store, status } = await withKey(t)
    // As a run leaves it that dies between the rows and the file.
    assert.equal((await cli.run([...REVOKE, '--keep-file'])).code, 0)
    assert.match(env(), new RegExp(old))
    await store()
    const start = await cli.run(['serve', '--port', '0'])
    assert.match(start.error, /revoke-all --resume/)
    const done = await cli.run(['apikey', 'revoke-all', '--resume', '--json'])
    assert.equal(done.code, 0, done.error)
    assert.doesNotMatch(env(), new RegExp(old))
    assert.equal(await status(), 'ok')
    const after = env()
    const again = await cli.run(['apikey', 'revoke-all', '--resume'])
    assert.equal(again.code, 2)
    assert.match(again.error, /INVALID_REQUEST[^]*resume/)
    assert.equal(env(), after)
    assert.equal(await status(), 'ok')
  })

  test('erases what the run had not erased yet', async (t) => {
    const coffre = await openCoffre({ dataDir: makeFolder(t), createIfMissing: true, environment: {} })
    t.after(() => coffre.close())
    const core = coreOf(coffre)
    assert.ok(core !== undefined)
    const { id } = await coffre.users.create()
    await coffre.apiKeys.set({ user: id, apiKey: KEY })
    await coffre.apiKeys.rotateWrapping()
    const versions = async () => {
      const key = await core.store.findKey(SYSTEM_TENANT, parseKeyName('api-keys'))
      return key?.versions.map(({ state }) => state.name)
    }
    const moved = await versions()
    await core.keys.rotate(systemCaller('api-keys', SYSTEM_TENANT), parseKeyName('api-keys'))
    await coffre.apiKeys.revokeAll({ resume: {} })
    // The key that is there is under the version before.
    assert.deepEqual(await versions(), [...(moved ?? []).slice(0, -1), 'deactivated', 'active'])
    assert.equal((await coffre.apiKeys.get(id)).status, 'ok')
    await coffre.apiKeys.set({ user: id, apiKey: KEY })
    await coffre.apiKeys.revokeAll({ resume: {} })
    assert.deepEqual((await versions())?.at(-2), 'destroyed')
    assert.equal((await coffre.apiKeys.get(id)).status, 'ok')
  })
})

describe('a key in the file of FERNET_SECRET_KEY_FILE', () => {
  test('is replaced there, whether the environment or .env names the file', async (t) => {
    const { cli, old, store, status } = await withKey(t)
    mkdirSync(cli.path('secrets'))
    const file = cli.path('secrets/fernet')
    for (const [content, environment] of [
      ['OTHER=1\n', { FERNET_SECRET_KEY_FILE: file }],
      ['FERNET_SECRET_KEY_FILE=secrets/fernet\n', {}],
    ] as const) {
      await store()
      writeFileSync(file, `${old}\n`, { mode: 0o600 })
      writeFileSync(cli.path('.env'), content)
      const done = await cli.run(REVOKE, { environment })
      assert.equal(done.code, 0, done.error)
      assert.match(done.out, /secrets\/fernet/)
      const fresh = readFileSync(file, 'utf8')
      assert.notEqual(fresh.trim(), old)
      assert.equal(Buffer.from(fresh.trim(), 'base64url').length, 32)
      assert.equal(statSync(file).mode & 0o777, 0o600)
      assert.equal(readFileSync(cli.path('.env'), 'utf8'), content)
      assert.deepEqual(readdirSync(cli.path('secrets')).sort(), ['.coffre', 'fernet'])
      assert.equal(await status(), 'none')
      assert.ok(readFernetRing({ environment, folder: cli.folder }) !== undefined)
    }
  })

  test('that is mounted and cannot be replaced keeps everything, until --keep-file leaves it to its owner', async (t) => {
    const { cli, old, status } = await withKey(t)
    writeFileSync(cli.path('real'), old, { mode: 0o600 })
    symlinkSync(cli.path('real'), cli.path('mounted'))
    writeFileSync(cli.path('.env'), 'FERNET_SECRET_KEY_FILE=mounted\n')
    for (const args of [REVOKE, ['apikey', 'revoke-all', '--dry-run']]) {
      const refused = await cli.run(args)
      assert.match(refused.error, /SECRET_FILE_REFUSED/)
      assert.match(refused.error, /--keep-file/)
    }
    assert.equal(await status(), 'ok')
    const done = await cli.run(['apikey', 'revoke-all', '--yes', '--keep-file'])
    assert.equal(done.code, 0, done.error)
    assert.match(done.error, /coffre fernet keygen/)
    assert.equal(readFileSync(cli.path('real'), 'utf8'), old)
    assert.equal(await status(), 'none')
  })

  test('a --dotenv without it is named', async (t) => {
    const { cli } = await withKey(t)
    writeFileSync(cli.path('other.env'), 'A=1\n')
    for (const name of ['other.env', 'none.env']) {
      const refused = await cli.run([...REVOKE, '--dotenv', name])
      assert.deepEqual([refused.code, refused.error.includes(name)], [78, true])
    }
  })
})
