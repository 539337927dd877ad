import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { readPage } from './page.ts'

const TRANSLATIONS: readonly (readonly [original: string, translation: string])[] = [
  ['README.md', 'README.fr.md'],
  ['README.md', 'README.de.md'],
  ['docs/en/getting-started.md', 'docs/fr/demarrer.md'],
  ['docs/en/secret-key.md', 'docs/fr/secret-key.md'],
  ['docs/en/api-keys.md', 'docs/fr/cles-api.md'],
  ['docs/en/sessions.md', 'docs/fr/sessions.md'],
  ['docs/runbook/restore-in-an-emergency.md', 'docs/fr/restaurer-en-urgence.md'],
  ['docs/en/recovery-sheet.md', 'docs/fr/feuille-de-secours.md'],
]

for (const [original, translation] of TRANSLATIONS) {
  describe(`${translation} keeps up with ${original}`, () => {
    const [from, to] = [readPage(original), readPage(translation)]

    test('in its headings', () => {
      assert.ok(from.headings.length > 1)
      const levels = (headings: typeof from.headings) => headings.map(({ level }) => level)
      assert.deepEqual(levels(to.headings), levels(from.headings))
    })

    test('in its blocks', () => {
      assert.ok(from.blocks.length > 1)
      const blocks = (page: typeof from) =>
        page.blocks.map(({ language, directive, code }) => ({ language, directive, code }))
      assert.deepEqual(blocks(to), blocks(from))
    })

    test('in its tables and lists', () => {
      const rows = (page: typeof from) =>
        page.prose.split('\n').filter((line) => /^(\||- |\d+\. )/.test(line)).length
      assert.equal(rows(to), rows(from))
    })
  })
}
