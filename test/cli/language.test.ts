import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { CoffreLine } from './coffre-process.ts'

describe('the language of the texts', { concurrency: 2 }, () => {
  const choices: [Record<string, string>, string[], RegExp][] = [
    [{ LANG: 'fr_FR.UTF-8' }, [], /erreur\u00a0: Il n’y a pas encore de Coffre ici\./],
    [{ LANG: 'de_AT.UTF-8' }, [], /Fehler: Hier gibt es noch kein Coffre\./],
    [{ LANG: 'fr_FR.UTF-8', LC_ALL: 'de_DE.UTF-8' }, [], /Fehler:/],
    [{ LC_ALL: 'de_DE.UTF-8', COFFRE_LANG: 'fr' }, [], /erreur/],
    [{ COFFRE_LANG: 'fr' }, ['--lang', 'de'], /Fehler:/],
    [{ LANG: 'fr_FR.UTF-8' }, ['--lang=en'], /error: There is no Coffre/],
    [{ LANG: 'C' }, [], /error:/],
    [{ LANG: 'ja_JP.UTF-8' }, [], /error:/],
  ]
  for (const [environment, args, expected] of choices) {
    test(`is chosen by ${JSON.stringify(environment)} ${args.join(' ')}`, async (t) => {
      const cli = new CoffreLine(t)
      assert.match((await cli.run(['key', 'list', ...args], { environment })).error, expected)
    })
  }

  test('reaches help, results, refusals and states', async (t) => {
    const cli = new CoffreLine(t)
    cli.environment['COFFRE_LANG'] = 'fr'
    assert.match((await cli.ok('key create --help')).out, /^Utilisation\u00a0: coffre key create/)
    assert.match((await cli.ok('init')).error, /^Coffre créé dans/)
    assert.match((await cli.ok('key create factures')).error, /^Clé factures créée/)
    assert.match((await cli.ok('key show factures')).out, /Niveau de sécurité[\s\S]*ÉTAT/)
    assert.match((await cli.run(['key', 'rotat'])).error, /Vouliez-vous dire rotate/)
    cli.environment['COFFRE_LANG'] = 'de'
    assert.match((await cli.ok('key rotate factures')).error, /Version 2 ist aktuell/)
    assert.match((await cli.ok('status')).out, /Zustand +entsiegelt/)
  })

  test('never changes JSON', async (t) => {
    const cli = new CoffreLine(t)
    await cli.ok('init')
    const english = await cli.ok('status --json --lang en')
    const french = await cli.json('status --lang fr')
    assert.deepEqual(Object.keys(french), Object.keys(JSON.parse(english.out)))
  })
})
