import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { hasCode } from '../../../../src/model/errors.ts'
import { dropDotenv, readDotenv, setDotenv } from '../../../../src/service/secret-files/file/dotenv-text.ts'
import { exportStatement, quoteDotenv, quoteToml } from '../../../../src/service/secret-files/file/quote.ts'
import { dropToml, readToml, setToml } from '../../../../src/service/secret-files/file/toml-text.ts'

const ENV = { name: 'SECRET_KEY', value: 'NEW', comment: 'made' }
const TOML = { ...ENV, value: '"NEW"' }

describe('an env file keeps every byte but the value', () => {
  const cases: [string, string, string][] = [
    ['quoted', "A=1\nSECRET_KEY='old # x' # why\nB=2\n", 'A=1\nSECRET_KEY=NEW # why\nB=2\n'],
    ['bare, with # inside', 'SECRET_KEY=a#b # why\n', 'SECRET_KEY=NEW # why\n'],
    ['of the guide', 'SECRET_KEY=}%V7%ot&,]u-$uCtz$QI}1_(7tV]T!>v\n', 'SECRET_KEY=NEW\n'],
    ['empty, before a comment', 'SECRET_KEY=# why\n', 'SECRET_KEY=NEW # why\n'],
    ['exported, with spaces', '  export SECRET_KEY = old\n', '  export SECRET_KEY = NEW\n'],
    ['with CRLF', '# c\r\nSECRET_KEY=old\r\nB=2\r\n', '# c\r\nSECRET_KEY=NEW\r\nB=2\r\n'],
    ['after a byte order mark', '\ufeffSECRET_KEY=old\n', '\ufeffSECRET_KEY=NEW\n'],
    ['over lines', 'SECRET_KEY="a\nb"\nB=2', 'SECRET_KEY=NEW\nB=2'],
    [
      'beside its name in another value',
      'A="\nSECRET_KEY=no\n"\nSECRET_KEY=old',
      'A="\nSECRET_KEY=no\n"\nSECRET_KEY=NEW',
    ],
    [
      'beside longer names',
      'SECRET_KEY_2=x\nMY_SECRET_KEY=y\nSECRET_KEY=z\n',
      'SECRET_KEY_2=x\nMY_SECRET_KEY=y\nSECRET_KEY=NEW\n',
    ],
    ['that is missing', 'A=1', 'A=1\n# made\nSECRET_KEY=NEW\n'],
    ['that is missing, with CRLF', 'A=1\r\n', 'A=1\r\n# made\r\nSECRET_KEY=NEW\r\n'],
    ['of no file', '', '# made\nSECRET_KEY=NEW\n'],
    ['after a comment of its name', '#SECRET_KEY=old\n', '#SECRET_KEY=old\n# made\nSECRET_KEY=NEW\n'],
  ]
  for (const [name, before, after] of cases) {
    test(`a value ${name}`, () => assert.equal(setDotenv(before, ENV), after))
  }

  test('and a name that stands twice is refused', () => {
    assert.throws(
      () => setDotenv('SECRET_KEY=a\nSECRET_KEY=b\n', ENV),
      (error) => hasCode(error, 'SECRET_FILE_REFUSED'),
    )
  })

  test('and what was added goes without a trace', () => {
    for (const text of ['', 'A=1\n', 'A=1\r\n', '# only a comment\n']) {
      assert.equal(dropDotenv(setDotenv(text, ENV), 'SECRET_KEY', 'made'), text)
    }
  })

  test('whatever the other lines are', () => {
    const line = fc.oneof(
      fc
        .tuple(fc.stringMatching(/^[A-Z]{1,5}$/), fc.stringMatching(/^[ -~]{0,12}$/))
        .map(([name, value]) => `${name}=${value}`),
      fc.stringMatching(/^# [ -~]{0,12}$/),
      fc.constant(''),
    )
    fc.assert(
      fc.property(fc.array(line, { maxLength: 8 }), fc.constantFrom('\n', '\r\n'), (lines, eol) => {
        const text = lines.map((each) => each + eol).join('')
        // A quote that opens here may close in what is added; key-files.ts compares the others and refuses.
        fc.pre(!/['"`]/.test(text))
        const edited = setDotenv(text, ENV)
        const { SECRET_KEY, ...others } = readDotenv(edited)
        assert.equal(SECRET_KEY, 'NEW')
        assert.deepEqual(others, readDotenv(text))
        assert.ok(edited.startsWith(text))
      }),
    )
  })
})

describe('a TOML file keeps every byte but the value', () => {
  const cases: [string, string, string][] = [
    [
      'before tables',
      'A = 1\nSECRET_KEY = "old" # why\n\n[db]\nSECRET_KEY = "other"\n',
      'A = 1\nSECRET_KEY = "NEW" # why\n\n[db]\nSECRET_KEY = "other"\n',
    ],
    ['literal', "SECRET_KEY='old # x'\n", 'SECRET_KEY="NEW"\n'],
    ['under a quoted name', '"SECRET_KEY" = "old"\n', '"SECRET_KEY" = "NEW"\n'],
    ['over lines', 'SECRET_KEY = """a\n[x]\n"""\nB = 2\n', 'SECRET_KEY = "NEW"\nB = 2\n'],
    [
      'beside arrays over lines',
      'A = [ # c ]\n  "SECRET_KEY = 1",\n]\nSECRET_KEY = "old"\n',
      'A = [ # c ]\n  "SECRET_KEY = 1",\n]\nSECRET_KEY = "NEW"\n',
    ],
    [
      'that is missing before a table',
      '# head\n[db]\nx = 1\n',
      '# made\nSECRET_KEY = "NEW"\n\n# head\n[db]\nx = 1\n',
    ],
    [
      'that is missing after others',
      'A = 1\n\n[db]\nx = 1\n',
      'A = 1\n# made\nSECRET_KEY = "NEW"\n\n[db]\nx = 1\n',
    ],
    ['that is missing, with CRLF', 'A = 1\r\n', 'A = 1\r\n# made\r\nSECRET_KEY = "NEW"\r\n'],
    ['of no file', '', '# made\nSECRET_KEY = "NEW"\n'],
  ]
  for (const [name, before, after] of cases) {
    test(`a value ${name}`, () => {
      assert.equal(setToml(before, TOML), after)
      assert.equal(readToml(after)['SECRET_KEY'], 'NEW')
    })
  }

  test('and what is no TOML is refused', () => {
    for (const text of ['A = ', '[', 'A = "x', 'just text']) {
      assert.throws(
        () => setToml(text, TOML),
        (error) => hasCode(error, 'SECRET_FILE_REFUSED'),
        text,
      )
    }
  })

  test('and what was added goes without a trace', () => {
    for (const text of ['', 'A = 1\n', 'A = 1\n[b]\nc = 2\n']) {
      assert.equal(dropToml(setToml(text, TOML), 'SECRET_KEY', 'made'), text)
    }
  })
})

describe('a value is quoted', () => {
  test('in an env file only as all readers take it', () => {
    assert.equal(quoteDotenv('a-b_c.d+e=f:g,h@i'), 'a-b_c.d+e=f:g,h@i')
    assert.equal(quoteDotenv('a b'), "'a b'")
    assert.equal(quoteDotenv('a#$`"\\b'), "'a#$`\"\\b'")
    assert.equal(quoteDotenv("it's"), '"it\'s"')
    assert.equal(quoteDotenv('\'$`"'), undefined)
    assert.equal(quoteDotenv('a\nb'), undefined)
  })

  test('in TOML whatever it holds', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (value) => {
        assert.equal(readToml(`a = ${quoteToml(value)}\n`)['a'], value)
      }),
    )
  })

  test('for a shell by its own rule', () => {
    assert.equal(exportStatement('bash', 'K', "a'b"), `export K='a'\\''b'`)
    assert.equal(exportStatement('fish', 'K', "a'b\\"), `set -gx K 'a\\'b\\\\'`)
    assert.equal(exportStatement('pwsh', 'K', "a'b\u2019"), "$env:K = 'a''b\u2019\u2019'")
  })
})
