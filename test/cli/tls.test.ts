import assert from 'node:assert/strict'
import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { readSettings } from '../../src/config.ts'
import { CoffreError } from '../../src/model/errors.ts'
import { Authority, withoutOpenssl } from '../http/certificates.ts'
import { CoffreProcess, startServer } from './coffre-process.ts'

const PAIR = { COFFRE_TLS_CERT: 'a.crt', COFFRE_TLS_KEY: 'a.key' }

function refusal(environment: Readonly<Record<string, string>>): Readonly<Record<string, unknown>> {
  try {
    readSettings(environment)
  } catch (error) {
    assert.ok(error instanceof CoffreError)
    assert.equal(error.code, 'CONFIG_REFUSED')
    return error.facts
  }
  throw new Error('the settings were accepted')
}

describe('the settings of TLS', () => {
  test('allow an address beyond this machine, which plain http does not', () => {
    assert.ok('COFFRE_HOST' in refusal({ COFFRE_HOST: '0.0.0.0' }))
    assert.equal(readSettings({ COFFRE_HOST: '0.0.0.0', ...PAIR }).tls?.minimumVersion, '1.2')
    assert.equal(readSettings({ COFFRE_HOST: '0.0.0.0', COFFRE_ALLOW_REMOTE: '1' }).tls, undefined)
  })

  test('belong together, and know two versions', () => {
    assert.ok('COFFRE_TLS_KEY' in refusal({ COFFRE_TLS_CERT: 'a.crt' }))
    assert.ok('COFFRE_TLS_CERT' in refusal({ COFFRE_TLS_KEY: 'a.key' }))
    assert.ok('COFFRE_TLS_CERT' in refusal({ COFFRE_TLS_CLIENT_CA: 'ca.crt' }))
    assert.ok('COFFRE_TLS_MIN' in refusal({ ...PAIR, COFFRE_TLS_MIN: '1.1' }))
    assert.equal(readSettings({ ...PAIR, COFFRE_TLS_MIN: '1.3' }).tls?.minimumVersion, '1.3')
  })
})

describe('the command line over https', { skip: withoutOpenssl }, () => {
  test('serves with --tls-cert and --tls-key, and trusts the CA of COFFRE_CACERT or --ca-cert', async (t) => {
    const cli = new CoffreProcess(t)
    const authority = new Authority(cli.folder)
    authority.issue('server')
    const server = await startServer(t, cli, ['--tls-cert', 'server.crt', '--tls-key', 'server.key'])
    assert.match(server.url, /^https:/)
    cli.environment['COFFRE_ADDR'] = server.url
    cli.environment['COFFRE_TOKEN_FILE'] = join(cli.dataDir, 'first-token')
    const stranger = await cli.run(['key', 'list'])
    assert.equal(stranger.code, 5)
    assert.match(stranger.error, /SERVER_UNREACHABLE[\s\S]*setting: COFFRE_CACERT/)
    assert.equal((await cli.json(`key create k --ca-cert ${authority.certificateFile}`))['name'], 'k')
    cli.environment['COFFRE_CACERT'] = authority.certificateFile
    const { out } = await cli.ok('encrypt k', { input: 'value' })
    assert.equal((await cli.ok('decrypt', { input: out })).out, 'value')
  })

  test('does not serve with a key that others read, and says how to mend it', async (t) => {
    const cli = new CoffreProcess(t)
    chmodSync(new Authority(cli.folder).issue('server').keyFile, 0o644)
    const { code, error } = await cli.run([
      'serve',
      '--port',
      '0',
      '--tls-cert',
      'server.crt',
      '--tls-key',
      'server.key',
    ])
    assert.equal(code, 78)
    assert.match(error, /COFFRE_TLS_KEY: mode 0600: chmod 600 server\.key/)
  })

  test('sends no certificate without its key, and no key that others read', async (t) => {
    const cli = new CoffreProcess(t)
    const { certificateFile, keyFile } = new Authority(cli.folder).issue('client')
    const line = ['key', 'list', '--addr', 'https://127.0.0.1:1', '--client-cert', certificateFile]
    const half = await cli.run(line)
    assert.deepEqual([half.code, /COFFRE_CLIENT_KEY/.test(half.error)], [78, true])
    chmodSync(keyFile, 0o640)
    const open = await cli.run([...line, '--client-key', keyFile])
    assert.deepEqual([open.code, /chmod 600/.test(open.error)], [78, true])
  })
})
