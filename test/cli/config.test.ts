import assert from 'node:assert/strict'
import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, test } from 'node:test'
import { settingDefaults } from '../../src/config.ts'
import { OTHER_ROWS, serverRows } from '../../src/cli/setting/setting-rows.ts'
import { CoffreLine } from './coffre-process.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const ROWS = [...serverRows(settingDefaults()), ...OTHER_ROWS]
/** Read, and no setting: of the shell and the terminal, or of what Coffre starts. */
const NO_SETTINGS = new Set([
  'PATH',
  'HOME',
  'CI',
  'TERM',
  'VISUAL',
  'EDITOR',
  'npm_lifecycle_event',
  'XDG_CONFIG_HOME',
  'XDG_RUNTIME_DIR',
  'XDG_STATE_HOME',
])
const CANARY = 'canary-4b1d7e'

interface Setting {
  readonly setting: string
  readonly source: string
  readonly from?: string
  readonly secret: boolean
  readonly value?: string
  readonly problem?: string
}

async function show(cli: CoffreLine, environment: Record<string, string> = {}, ...args: string[]) {
  const { code, out, error } = await cli.run(['config', 'show', '--json', ...args], { environment })
  assert.equal(error, '')
  const { settings, place } = JSON.parse(out) as { settings: Setting[]; place: string }
  const of = (name: string) => settings.find(({ setting }) => setting === name) ?? assert.fail(name)
  return { code, out, settings, place, of }
}

describe('coffre config show', () => {
  test('has every variable that the program reads, and so has its page', () => {
    const known = new Set([...NO_SETTINGS, ...ROWS.map(({ variable }) => variable)])
    const sources = globSync('src/**/*.ts', { cwd: ROOT }).filter((path) => !path.includes('message'))
    assert.ok(sources.length > 100)
    const found = sources.flatMap((path) => {
      const text = readFileSync(join(ROOT, path), 'utf8')
      const named = text.matchAll(
        /environment\['(?<name>\w+)'\]|process\.env\['(?<other>\w+)'\]|'(?<own>COFFRE_[A-Z_0-9]+)'/g,
      )
      return [...named].map(({ groups }) => groups?.['name'] ?? groups?.['other'] ?? groups?.['own'] ?? '')
    })
    assert.ok(found.length > 50)
    const unknown = new Set(
      found.filter((name) => !known.has(name.replace(/_FILE$/, '')) && !known.has(name)),
    )
    assert.deepEqual([...unknown], [])
    const page = readFileSync(join(ROOT, 'docs/en/settings.md'), 'utf8')
    assert.deepEqual(
      ROWS.filter(({ variable }) => !page.includes(`\`${variable}\``)),
      [],
    )
  })

  test('says where each comes from: option, variable, file, .env, login, default', async (t) => {
    const cli = new CoffreLine(t)
    writeFileSync(cli.path('key'), 'x\n')
    const bare = await show(cli)
    assert.deepEqual(
      [bare.code, bare.of('COFFRE_PORT').source, bare.of('COFFRE_PORT').value],
      [0, 'default', '8250'],
    )
    assert.deepEqual(bare.of('COFFRE_ADDR'), { setting: 'COFFRE_ADDR', secret: false, source: 'none' })
    const given = { COFFRE_PORT: '1', COFFRE_PASSPHRASE_FILE: cli.path('key'), SECRET_KEY: CANARY }
    const found = await show(cli, given, '--port', '2')
    assert.deepEqual([found.of('COFFRE_PORT').value, found.of('COFFRE_PORT').from], ['2', '--port'])
    assert.equal(found.of('COFFRE_PASSPHRASE').from, `COFFRE_PASSPHRASE_FILE=${cli.path('key')}`)
    assert.deepEqual([found.of('SECRET_KEY').source, found.of('SECRET_KEY').secret], ['environment', true])
    mkdirSync(cli.path('config/coffre'), { recursive: true })
    const saved = { addr: 'http://127.0.0.1:1/', token: CANARY }
    writeFileSync(cli.path('config/coffre/token'), JSON.stringify(saved), { mode: 0o600 })
    const login = { XDG_CONFIG_HOME: cli.path('config'), COFFRE_ADDR: 'http://127.0.0.1:1' }
    const server = await show(cli, login)
    assert.deepEqual([server.of('COFFRE_TOKEN').source, server.out.includes(CANARY)], ['login', false])
    assert.deepEqual([bare.place, server.place], ['folder', 'server'])
  })

  test('finds FERNET_SECRET_KEY in .env, in any case', async (t) => {
    const cli = new CoffreLine(t)
    writeFileSync(cli.path('.env'), `fernet_secret_key=${CANARY}\n`)
    const before = process.cwd()
    process.chdir(cli.folder)
    t.after(() => process.chdir(before))
    const { of, out } = await show(cli)
    assert.equal(of('FERNET_SECRET_KEY').source, 'env-file')
    assert.ok(!out.includes(CANARY))
  })

  test('shows no part of any secret, however it is given', async (t) => {
    const cli = new CoffreLine(t)
    const secrets = ROWS.filter(({ kind }) => kind === 'secret' || kind === 'hidden').map(
      ({ variable }) => variable,
    )
    assert.ok(secrets.length > 15)
    const addresses = ROWS.filter(({ kind }) => kind === 'address').map(({ variable }) => variable)
    const environment = Object.fromEntries([
      ...secrets.map((name) => [name, `${CANARY}-${name}`]),
      ...addresses.map((name) => [name, `https://user:${CANARY}@host/?key=${CANARY}`]),
    ])
    const shown = await show(cli, environment)
    for (const name of [...secrets, ...addresses]) {
      assert.deepEqual([shown.of(name).secret, shown.of(name).value], [true, undefined], name)
    }
    assert.ok(!shown.out.includes(CANARY))
    // Put where the file's name belongs.
    const files = Object.fromEntries(secrets.map((name) => [`${name}_FILE`, `${CANARY}-${name}`]))
    const misplaced = await show(cli, files, '--token-file', CANARY)
    assert.deepEqual([misplaced.code, misplaced.out.includes(CANARY)], [78, false])
    const text = await cli.run(['config', 'show', '--token-file', CANARY], {
      environment: { ...environment, ...files },
    })
    assert.deepEqual([text.code, text.out.includes(CANARY), text.error], [78, false, ''])
  })

  test('says what would be refused, and why', async (t) => {
    const cli = new CoffreLine(t)
    const wrong = { COFFRE_PORT: 'x', CACHE_TTL_SECONDS: '0', COFFRE_TOKEN: 'a', COFFRE_TOKEN_FILE: 'b' }
    const { code, of } = await show(cli, wrong, '--tls-min', '1.3')
    assert.equal(code, 78)
    assert.match(of('COFFRE_PORT').problem ?? '', /number/)
    assert.match(of('CACHE_TTL_SECONDS').problem ?? '', /whole seconds/)
    assert.match(of('COFFRE_TOKEN').problem ?? '', /only one of it and COFFRE_TOKEN_FILE/)
    assert.deepEqual([of('COFFRE_TLS_MIN').value, of('COFFRE_TLS_MIN').problem], ['1.3', undefined])
  })
})
