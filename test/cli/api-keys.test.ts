import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { openCoffre } from '../../src/app.ts'
import { Fernet } from '../../src/crypto/fernet.ts'
import { CoffreLine, CoffreProcess } from './coffre-process.ts'

const KEY = 'mistral-test-key-0123456789abcdefABCDEF'

describe('coffre apikey', () => {
  test('stores, shows and erases a key of a user whom an administrator names, and never prints it', async (t) => {
    const cli = new CoffreLine(t)
    await cli.ok('init')
    await cli.ok(`user create --client-id ada --out ${cli.path('ada')}`)
    writeFileSync(cli.path('key'), `${KEY}\n`)
    const outputs = [
      await cli.ok(`apikey set --user ada --provider openai --key-file ${cli.path('key')}`),
      await cli.ok('apikey show --user ada'),
      await cli.ok('apikey list --json'),
    ]
    for (const { out, error } of outputs) assert.ok(!`${out}${error}`.includes(KEY))
    const shown = await cli.json('apikey show --user ada')
    assert.deepEqual([shown['status'], shown['lastFour'], shown['provider']], ['ok', 'CDEF', 'openai'])
    // Other bytes than text would become one and the same character.
    const binary = Uint8Array.of(0xff, 0xfe, 0x61)
    const noText = await cli.run(['apikey', 'set', '--user', 'ada', '--key-file', '-'], { input: binary })
    assert.deepEqual([noText.code, /UTF-8/.test(noText.error)], [2, true])
    writeFileSync(cli.path('passphrase'), binary)
    const sealed = ['init', '--seal', 'passphrase', '--passphrase-file', cli.path('passphrase')]
    const other = await cli.run([...sealed, '--data-dir', cli.path('other')])
    assert.deepEqual([other.code, /--passphrase-file.*UTF-8/.test(other.error)], [2, true])
    const refused = await cli.run(['apikey', 'set', '--user', 'ada', '--key-file', '-'], { input: '  \n' })
    assert.equal(refused.code, 2)
    assert.match(refused.error, /API_KEY_REFUSED/)
    const nobody = await cli.run(['apikey', 'show'])
    assert.deepEqual([nobody.code, nobody.error.includes('--user')], [2, true])
    assert.equal((await cli.run(['apikey', 'revoke-all'])).code, 2)
    assert.deepEqual(await cli.json('apikey revoke-all --yes'), { revoked: 1 })
    assert.equal((await cli.run(['apikey', 'test', '--user', 'ada'])).code, 4)
  })

  test('a FERNET_SECRET_KEY that is none is refused with 78 and the command that makes one', async (t) => {
    const cli = new CoffreLine(t)
    const key = (await cli.ok('fernet keygen')).out.trim()
    assert.equal(Buffer.from(key, 'base64url').length, 32)
    assert.notEqual((await cli.ok('fernet keygen')).out.trim(), key)
    // In a process of its own: the setting is read from its environment.
    const process_ = new CoffreProcess(t)
    for (const line of [['init'], ['serve', '--port', '0']]) {
      const refused = await process_.run(line, { environment: { FERNET_SECRET_KEY: 'abc' } })
      assert.equal(refused.code, 78)
      assert.match(refused.error, /FERNET_SECRET_KEY.*coffre fernet keygen/)
    }
  })

  test('with another FERNET_SECRET_KEY than the keys that are there, a command stores none and says what to restore', async (t) => {
    const cli = new CoffreProcess(t)
    const environment = { FERNET_SECRET_KEY: Fernet.generateKey() }
    const coffre = await openCoffre({ dataDir: cli.dataDir, createIfMissing: true, environment })
    await coffre.users.create({ clientId: 'ada' })
    await coffre.apiKeys.set({ user: 'ada', apiKey: KEY })
    await coffre.close()
    writeFileSync(cli.path('key'), 'another')
    const refused = await cli.run(['apikey', 'set', '--user', 'ada', '--key-file', 'key'])
    assert.equal(refused.code, 78)
    assert.match(refused.error, /FERNET_SECRET_KEY.*put it back/)
    const shown = await cli.run(['apikey', 'list', '--json'])
    assert.match(shown.out, /"unreadable"/)
    const stored = await cli.run(['apikey', 'set', '--user', 'ada', '--key-file', 'key'], { environment })
    assert.equal(stored.code, 0, stored.error)
  })
})
