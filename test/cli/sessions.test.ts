import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { describe, test } from 'node:test'
import { CoffreLine } from './coffre-process.ts'

describe('coffre session', () => {
  test('makes, judges and revokes sessions; tokens come by standard input', async (t) => {
    const cli = new CoffreLine(t)
    await cli.ok('init')
    await cli.ok('key create web --algorithm ed25519')
    const make = (user: string) => cli.json(`session create web --audience shop --user ${user}`)
    const verify = async (made: Record<string, unknown>) => {
      const line = ['session', 'verify', 'web', '--audience', 'shop', '--json']
      const { code, out } = await cli.run(line, { input: `${String(made['token'])}\n` })
      return { code, answer: JSON.parse(out) as { valid: boolean; session?: { user: string } } }
    }
    const [one, two] = [await make('marie'), await make('marie')]
    const other = await make('pierre')
    const judged = await verify(one)
    assert.deepEqual([judged.code, judged.answer.session?.user], [0, 'marie'])
    await cli.ok(`session revoke web ${String(one['sessionId'])}`)
    assert.deepEqual(await verify(one), { code: 1, answer: { valid: false } })
    assert.equal((await verify(two)).code, 0)
    await cli.ok('session revoke web --user marie')
    assert.equal((await verify(two)).code, 1)
    assert.equal((await cli.json('session revoke-all web --dry-run'))['dryRun'], true)
    assert.equal((await verify(other)).code, 0)
    assert.equal((await cli.run(['session', 'revoke-all', 'web'])).code, 2, 'it asks first')
    await cli.ok('session revoke-all web -y')
    assert.equal((await verify(other)).code, 1)
    assert.equal((await cli.run(['session', 'revoke', 'web'])).code, 2)
  })

  test('refreshes a session, keeps data of the application, and tells what a token says', async (t) => {
    const cli = new CoffreLine(t)
    await cli.ok('init')
    await cli.ok('key create web --algorithm ed25519')
    const rules = 'web --audience shop'
    const data = { input: '{"theme":"dark"}\n' }
    const { out: token } = await cli.ok(`session create ${rules} --user marie --data-file -`, data)
    const { out: next } = await cli.ok(`session refresh ${rules}`, { input: token })
    assert.notEqual(next, token)
    const judged = await cli.run([...'session verify'.split(' '), ...rules.split(' '), '--json'], {
      input: next,
    })
    const { session } = JSON.parse(judged.out) as { session: { data: object; sessionId: string } }
    assert.deepEqual(session.data, { theme: 'dark' })
    const shown = await cli.ok('session inspect', { input: next })
    assert.match(shown.out, /Key\s+web\n/)
    assert.match(shown.out, new RegExp(`sub: marie\\n.*\\n?sid: ${session.sessionId}`, 's'))
    await cli.ok(`session revoke web ${session.sessionId}`)
    const over = await cli.run(['session', 'refresh', ...rules.split(' '), '--out', cli.path('new')], {
      input: next,
    })
    assert.deepEqual([over.code, over.out, existsSync(cli.path('new'))], [1, '', false])
    assert.equal((await cli.run(['session', 'inspect'], { input: 'no token' })).code, 2)
    const elsewhere = { COFFRE_DATA_DIR: cli.path('no-coffre') }
    const alone = await cli.run(['session', 'inspect', '--json'], { input: next, environment: elsewhere })
    const { key, keyId, version } = JSON.parse(alone.out) as Record<string, unknown>
    assert.deepEqual([alone.code, key, typeof keyId, version], [0, undefined, 'string', 1])
    assert.equal(existsSync(cli.path('no-coffre')), false)
    const named = ['session', 'inspect', '--data-dir', cli.path('no-coffre')]
    assert.equal((await cli.run(named, { input: next })).code, 5)
    const odd = ['session', 'create', ...rules.split(' '), '--user', 'marie', '--data-file', '-']
    for (const input of ['[]', '{', `{"a":"${'x'.repeat(2_048)}"}`]) {
      assert.equal((await cli.run(odd, { input })).code, 2, input.slice(0, 9))
    }
  })
})
