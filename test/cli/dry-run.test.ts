import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { commandRows } from '../../src/cli/commands.ts'
import { CoffreLine, startServer } from './coffre-process.ts'
import { join } from 'node:path'

const MUTATIONS = [
  'key create other',
  'key update invoices --owner billing',
  'key rotate invoices',
  'key prepare invoices',
  'key rollback invoices',
  'key suspend invoices',
  'key deactivate invoices',
  'key compromise invoices 1',
  'key floor invoices 2',
  'key schedule-destroy invoices',
  'token create shop --role app',
]

describe('--dry-run', () => {
  test('is an option of every command that changes something', () => {
    const changing = commandRows
      .filter((row) => (row.options ?? []).some((option) => option.flags === '--dry-run'))
      .map((row) => row.path.join(' '))
    const expected =
      'init,operator init,seal,unseal,operator unseal,operator rekey,operator rotate-root,' +
      'operator ceremony give,operator ceremony collect,operator ceremony cancel,' +
      'operator ceremony take-over,operator recovery-sheet,operator restore-seal-key,' +
      'key create,key update,key import,key rotate,key prepare,key rollback,key suspend,key resume,' +
      'key deactivate,key compromise,key floor,key destroy,key schedule-destroy,key cancel-destroy,' +
      'token create,token revoke,token renew,login,login-role create,login-role delete,user create,' +
      'user rotate-secret,user delete,cache set,cache delete,cache purge,cache rekey,cache migrate,cache erase,' +
      'apikey set,apikey remove,apikey rotate-wrapping,apikey revoke-all,' +
      'session revoke-all,policy create,policy update,policy delete,store migrate-to,audit checkpoint,audit key rotate,' +
      'audit accept-restore,secret-key generate,secret-key rotate,secret-key retire,secret-key recover,' +
      'secret encrypt,secret edit,scan,backup init,backup create,backup prune,backup rekey,backup drill,backup sweep,backup run,' +
      'backup restore,backup recover,backup recovery-key,backup encrypt-file,backup decrypt-file'
    assert.deepEqual(changing, expected.split(','))
  })

  test('of init writes no file', async (t) => {
    const cli = new CoffreLine(t)
    const planned = await cli.json('init --dry-run')
    assert.equal(planned['dryRun'], true)
    assert.deepEqual(cli.snapshot(), {})
    await cli.ok('init')
    assert.equal((await cli.run(['init', '--dry-run'])).code, 2)
  })

  test('changes no key and no token, and asks for no confirmation', async (t) => {
    const cli = new CoffreLine(t)
    const server = await startServer(t, cli)
    cli.environment['COFFRE_ADDR'] = server.url
    cli.environment['COFFRE_TOKEN_FILE'] = join(cli.dataDir, 'first-token')
    await cli.ok('key create invoices')
    await cli.ok('key rotate invoices')
    const state = async () => [
      await cli.json('key list'),
      await cli.json('token list'),
      (await cli.json('status'))['auditSize'],
    ]
    const before = await state()
    for (const line of MUTATIONS) {
      const planned = await cli.json(`${line} --dry-run`)
      assert.equal(planned['dryRun'], true, line)
    }
    assert.deepEqual(await state(), before)
  })

  test('tells the versions that would change, for people and for programs', async (t) => {
    const cli = new CoffreLine(t)
    await cli.ok('init')
    await cli.ok('key create invoices')
    const planned = await cli.json('key rotate invoices --dry-run')
    assert.deepEqual(planned['changes'], [
      { version: 1, before: 'active', after: 'deactivated' },
      { version: 2, after: 'active' },
    ])
    const shown = await cli.ok('key rotate invoices --dry-run')
    assert.match(shown.out, /version 1: active → deactivated\nversion 2: new, current/)
  })

  test('refuses what the change itself would refuse', async (t) => {
    const cli = new CoffreLine(t)
    await cli.ok('init')
    await cli.ok('key create invoices')
    const refused: [string, string][] = [
      ['key create invoices', 'KEY_EXISTS'],
      ['key rotate absent', 'KEY_NOT_FOUND'],
      ['key resume invoices', 'MOVE_REFUSED'],
      ['key rollback invoices', 'KEY_VERSION_NOT_FOUND'],
      ['key destroy invoices 1 -y', 'KEY_VERSION_NEEDED'],
      ['key floor invoices 2', 'KEY_VERSION_NOT_FOUND'],
      ['key cancel-destroy invoices', 'MOVE_REFUSED'],
      ['token revoke zzzzzzzzzz', 'TOKEN_NOT_FOUND'],
    ]
    for (const [line, code] of refused) {
      const planned = await cli.run([...line.split(' '), '--dry-run'])
      assert.match(planned.error, new RegExp(`\\[${code}\\]`), line)
      const real = await cli.run(line.split(' '))
      assert.match(real.error, new RegExp(`\\[${code}\\]`), line)
      assert.equal(planned.code, real.code)
    }
  })
})
