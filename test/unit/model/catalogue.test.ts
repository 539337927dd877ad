import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { loadCatalogue } from '../../../src/cli/language.ts'
import { ERROR_CODES } from '../../../src/model/errors.ts'
import { type Catalogue, formatMessage, LANGUAGES } from '../../../src/model/message/catalogue.ts'
import { en } from '../../../src/model/message/en.ts'

/** Words that are the same in the other language, or a name. */
const SAME = /^(.{0,12}|Arguments.:|Options.:|.*\{.*\}.*)$/
/** What people search for, word for word in every language. */
const FIXED = 'SECRET_KEY non configurée'

function placeholders(text: string): readonly string[] {
  return (text.match(/\{[a-zA-Z]+\}/g) ?? []).toSorted()
}

function code(text: string): readonly string[] {
  return (text.match(/`[^`]+`|--[a-z-]+|COFFRE_[A-Z_]+/g) ?? []).toSorted()
}

describe('the message catalogue', () => {
  const entries = Object.entries(en)

  for (const language of LANGUAGES) {
    test(`in ${language} has every text, with the placeholders of the English one`, async () => {
      const catalogue = await loadCatalogue(language)
      const texts = new Map(Object.entries(catalogue.messages))
      assert.ok(entries.length > 200)
      assert.deepEqual([...texts.keys()].toSorted(), Object.keys(en).toSorted())
      for (const [key, english] of entries) {
        const text = texts.get(key) ?? ''
        assert.notEqual(text.trim(), '', key)
        assert.deepEqual(placeholders(text), placeholders(english), key)
        // Options, variables and commands are typed as they are, in every language.
        assert.deepEqual(code(text), code(english), key)
      }
    })

    test(`in ${language} has both texts of every error`, async () => {
      const { errors } = await loadCatalogue(language)
      for (const each of ERROR_CODES)
        assert.ok(errors[each].sentence !== '' && errors[each].next !== '', each)
    })
  }

  for (const language of ['fr', 'de'] as const) {
    test(`in ${language} is a translation`, async () => {
      const catalogue = await loadCatalogue(language)
      const english = await loadCatalogue('en')
      const untranslated = longTexts(catalogue).filter((text) => longTexts(english).includes(text))
      assert.deepEqual(untranslated, [])
    })
  }

  test('in French puts a no-break space before two-part punctuation', async () => {
    const { messages, errors } = await loadCatalogue('fr')
    const texts = [
      ...Object.values(messages),
      ...Object.values(errors).flatMap((each) => Object.values(each)),
    ]
    assert.deepEqual(
      texts.filter((text) => / [:;?!]/.test(text)),
      [],
    )
  })

  test('fills placeholders with values as they are, once', async () => {
    const english = await loadCatalogue('en')
    const filled = formatMessage(english, 'done.created', { key: '{purpose}', algorithm: 'a', purpose: 'p' })
    assert.equal(filled, 'Created {purpose} (a, p).')
  })
})

function longTexts(catalogue: Catalogue): readonly string[] {
  const errors = Object.values(catalogue.errors).flatMap((each: object) => Object.values(each) as string[])
  const texts = [...Object.values(catalogue.messages).filter((text) => !SAME.test(text)), ...errors]
  return texts.filter((text) => text !== FIXED)
}
