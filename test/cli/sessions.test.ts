import assert from 'node:assert/strict'
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
})
