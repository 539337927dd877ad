import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { checkTree, RULES } from './rules.ts'

interface Planted {
  readonly rule: string
  readonly title: string
  readonly path: string
  readonly text: string
  readonly why: RegExp
}

const longBody = (lines: number): string => `{\n${'  work()\n'.repeat(lines - 2)}}\n`

/** One small tree per way to break a rule. */
const PLANTED: readonly Planted[] = [
  {
    rule: 'layer table',
    title: 'a store that imports crypto',
    path: 'src/store/sql/rows.ts',
    text: "import { seal } from '../../crypto/ciphertext.ts'\n",
    why: /store may not import crypto: it may import model, keyring/,
  },
  {
    rule: 'layer table',
    title: 'a type from a higher layer',
    path: 'src/keyring/keyring.ts',
    text: "import type { Caller } from '../service/caller.ts'\n",
    why: /keyring may not import service/,
  },
  {
    rule: 'layer table',
    title: 'a re-export over several lines',
    path: 'src/model/words.ts',
    text: "export {\n  a, // from 'x'\n  b,\n} from '../crypto/mac.ts'\n",
    why: /model may not import crypto: it may import nothing/,
  },
  {
    rule: 'layer table',
    title: 'a dynamic import of app.ts',
    path: 'src/http/server.ts',
    text: "const app = await import('../app.ts')\n",
    why: /http may not import app\.ts/,
  },
  {
    rule: 'layer table',
    title: 'a store that runs code of the keyring',
    path: 'src/store/store.ts',
    text: "import { nextState } from '../keyring/lifecycle.ts'\n",
    why: /store imports only types of keyring/,
  },
  {
    rule: 'layer table',
    title: 'a folder without a row',
    path: 'src/glue/glue.ts',
    text: "import { x } from '../model/ids.ts'\n",
    why: /glue has no row/,
  },
  {
    rule: 'layer table',
    title: 'settings that know the service',
    path: 'src/config.ts',
    text: "import { x } from './service/caller.ts'\n",
    why: /config\.ts may not import service/,
  },
  {
    rule: 'guarded files',
    title: 'a service that picks a store',
    path: 'src/service/keys/create.ts',
    text: "import { openSqlite } from '../../store/sqlite/open.ts'\n",
    why: /only app-\*\.ts pick a store/,
  },
  {
    rule: 'guarded names',
    title: 'raw key bytes in the service',
    path: 'src/service/keys/leak.ts',
    text: "import { rawBytes } from '../../crypto/key-material.ts'\n",
    why: /rawBytes: raw key bytes pass only/,
  },
  {
    rule: 'guarded names',
    title: 'key material made in the keyring',
    path: 'src/keyring/forge.ts',
    text: 'const made = new KeyMaterial (bytes)\n',
    why: /new KeyMaterial \(: raw key bytes pass only/,
  },
  {
    rule: 'outside modules',
    title: 'a file read in crypto',
    path: 'src/crypto/aead.ts',
    text: "import { readFile } from 'node:fs/promises'\n",
    why: /crypto does no I\/O/,
  },
  {
    rule: 'outside modules',
    title: 'a package in model',
    path: 'src/model/ids.ts',
    text: "import { z } from 'zod'\n",
    why: /model holds words/,
  },
  {
    rule: 'outside modules',
    title: 'a primitive called in the service',
    path: 'src/service/data/hash.ts',
    text: "import { createHash } from 'node:crypto'\n",
    why: /primitives are called only in crypto\//,
  },
  {
    rule: 'outside modules',
    title: 'SQL in the service',
    path: 'src/service/keys/find.ts',
    text: "import { sql } from 'kysely'\n",
    why: /only store\/ knows SQL/,
  },
  {
    rule: 'outside modules',
    title: 'HTTP in the audit log',
    path: 'src/audit/send.ts',
    text: "import fastify from 'fastify'\n",
    why: /only http\/ knows HTTP/,
  },
  {
    rule: 'forbidden globals',
    title: 'Math.random',
    path: 'src/service/pick.ts',
    text: 'const x = Math.random()\n',
    why: /randomness comes from/,
  },
  {
    rule: 'forbidden globals',
    title: 'a clock in the keyring',
    path: 'src/keyring/due.ts',
    text: 'const now = Date.now()\n',
    why: /time is an argument/,
  },
  {
    rule: 'literal imports',
    title: 'a computed import',
    path: 'src/http/load.ts',
    text: "const name = '../store/sqlite/open.ts'\nawait import(name)\n",
    why: /names its module as a literal/,
  },
  {
    rule: 'folder names',
    title: 'a folder named utils',
    path: 'src/service/utils/text.ts',
    text: '',
    why: /says what kind it is/,
  },
  {
    rule: 'file names',
    title: 'a file named for a manager',
    path: 'src/service/key-manager.ts',
    text: '',
    why: /"manager" says nothing/,
  },
  {
    rule: 'file names',
    title: 'a camelCase file',
    path: 'test/unit/keyRing.test.ts',
    text: '',
    why: /kebab-case/,
  },
  {
    rule: 'declared names',
    title: 'a class named DTO',
    path: 'src/http/key.ts',
    text: 'class KeyDto {}\n',
    why: /KeyDto: "dto" is a banned word/,
  },
  {
    rule: 'declared names',
    title: 'handle as a verb',
    path: 'src/http/key.ts',
    text: 'function handleRequest() {}\n',
    why: /"handle" is a banned word/,
  },
  {
    rule: 'no barrels',
    title: 'an index below src',
    path: 'src/crypto/index.ts',
    text: '',
    why: /import the file/,
  },
  {
    rule: 'file size',
    title: 'a file of 501 lines',
    path: 'test/unit/long.test.ts',
    text: '//\n'.repeat(501),
    why: /501 lines, at most 500/,
  },
  {
    rule: 'function size',
    title: 'a function of 81 lines',
    path: 'src/service/long.ts',
    text: `export function work(): void ${longBody(81)}`,
    why: /81 lines, at most 80/,
  },
  {
    rule: 'no open ends',
    title: 'a note to come back',
    path: 'src/service/later.ts',
    text: ['// TO', 'DO: finish\n'].join(''),
    why: /open an issue/,
  },
  {
    rule: 'no machine paths',
    title: 'a path of one machine',
    path: 'docs/start.md',
    text: ['cd /ho', 'me/ada\n'].join(''),
    why: /a path of one machine/,
  },
  {
    rule: 'skips have reasons',
    title: 'a test skipped by a flag',
    path: 'test/unit/a.test.ts',
    text: "test('a', { skip: true }, () => {})\n",
    why: /write \{ skip: 'the reason' \}/,
  },
  {
    rule: 'skips have reasons',
    title: 'a suite skipped by its name',
    path: 'test/unit/a.test.ts',
    text: "describe.skip('a', () => {})\n",
    why: /describe\.skip\(/,
  },
  {
    rule: 'skips have reasons',
    title: 'a test that leaves without a word',
    path: 'test/unit/a.test.ts',
    text: "test('a', (t) => { t.skip() })\n",
    why: /\.skip\(\)/,
  },
]

describe('a planted violation', () => {
  for (const { rule, title, path, text, why } of PLANTED) {
    test(`is found by "${rule}": ${title}`, () => {
      const found = checkTree(new Map([[path, text]]))
      assert.equal(found.length, 1, JSON.stringify(found))
      assert.equal(found[0]?.rule, rule)
      assert.match(found[0]?.why ?? '', why)
      assert.ok(found[0]?.at.startsWith(path) || path.startsWith(`${found[0]?.at}/`))
    })
  }

  test('exists for every rule', () => {
    assert.ok(Object.keys(RULES).length > 0)
    const planted = new Set(PLANTED.map(({ rule }) => rule))
    assert.deepEqual(
      Object.keys(RULES).filter((rule) => !planted.has(rule)),
      [],
    )
  })
})

describe('what is allowed', () => {
  const ALLOWED: readonly [title: string, path: string, text: string][] = [
    [
      'app-store.ts picks a store',
      'src/app-store.ts',
      "import { openSqlite } from './store/sqlite/open.ts'\n",
    ],
    ['cli opens the app', 'src/cli/main.ts', "import { openCoffre } from '../app.ts'\n"],
    [
      'a store takes types of the keyring',
      'src/store/store.ts',
      "import type { A } from '../keyring/usage.ts'\n",
    ],
    ['the seal takes raw bytes', 'src/seal/vault.ts', 'const bytes = rawBytes(root)\n'],
    ['a comment may speak of any name', 'src/service/a.ts', '// rawBytes and Math.random stay in crypto/.\n'],
    ['a text may hold an import', 'src/http/a.ts', 'const text = "import x from \'../crypto/mac.ts\'"\n'],
    ['a function of 80 lines', 'src/service/a.ts', `function work(): void ${longBody(80)}`],
    [
      'a table of 200 lines',
      'src/model/a.ts',
      `export const TABLE = ${longBody(200).replaceAll('()', ': 1,')}`,
    ],
    ['a class of 200 lines', 'src/model/a.ts', `export class A<B extends C> ${longBody(200)}`],
    [
      'a skip with a reason',
      'test/unit/a.test.ts',
      "test('a', { skip: 'Windows has no modes' }, () => {})\n",
    ],
  ]
  for (const [title, path, text] of ALLOWED) {
    test(`passes: ${title}`, () => assert.deepEqual(checkTree(new Map([[path, text]])), []))
  }
})
