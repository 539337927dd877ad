import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, describe, test } from 'node:test'
import { LONG_FILES } from '../long-files.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const folder = mkdtempSync(join(tmpdir(), 'coffre-runner-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const HEAD = "import { describe, test } from 'node:test'\n"

interface Case {
  readonly title: string
  readonly source: string
  readonly last: string
  readonly shows?: RegExp
  readonly env?: Record<string, string>
}

const CASES: readonly Case[] = [
  {
    title: 'counts leaves, not suites or parents',
    source:
      "describe('s', () => { test('a', () => {}); test('b', async (t) => { await t.test('c', () => {}); await t.test('d', () => {}) }) })",
    last: '3 passed, 0 failed, 0 skipped',
  },
  {
    title: 'counts a failing leaf once and shows where it is',
    source: "describe('s', () => {\n test('a', () => { throw new Error('broken here') }) })",
    last: '0 passed, 1 failed, 0 skipped',
    shows: /✗ a\n.*case\.test\.ts:3\n.*broken here/,
  },
  {
    title: 'counts a parent whose own body fails after its subtests passed',
    source: "test('a', async (t) => { await t.test('b', () => {}); throw new Error('late') })",
    last: '1 passed, 1 failed, 0 skipped',
  },
  {
    title: 'fails a file without tests',
    source: '',
    last: '0 passed, 1 failed, 0 skipped',
    shows: /found no tests/,
  },
  {
    title: 'fails a suite without tests',
    source: "describe('s', () => {})",
    last: '0 passed, 1 failed, 0 skipped',
    shows: /the suite found no tests/,
  },
  {
    title: 'fails a file that does not load',
    source: "import './absent.ts'",
    last: '0 passed, 1 failed, 0 skipped',
    shows: /crashed.*\n.*printed by the file(.|\n)*absent\.ts/,
  },
  {
    title: 'fails a file that ends early',
    source: "test('a', () => {}); setImmediate(() => process.exit(3))",
    last: '1 passed, 1 failed, 0 skipped',
  },
  {
    title: 'fails a file that hangs',
    source: "test('a', () => new Promise(() => setInterval(() => {}, 1000)))",
    env: { COFFRE_TEST_FILE_SECONDS: '1' },
    last: '0 passed, 1 failed, 0 skipped',
    shows: /hung/,
  },
  {
    title: 'lists skips under their reason',
    source: "test('a', { skip: 'this system has no modes' }, () => {})",
    last: '0 passed, 0 failed, 1 skipped',
    shows: /Skipped:\n {2}this system has no modes\n.*: a\n/,
  },
  {
    title: 'fails a skip without a reason',
    source: "test('a', (t) => t.skip())",
    last: '0 passed, 1 failed, 0 skipped',
  },
  {
    title: 'passes over missing software',
    source: "describe('s', { skip: 'python3-cryptography is not installed' }, () => {})",
    last: '0 passed, 0 failed, 1 skipped',
  },
  {
    title: 'fails for missing software where everything is required',
    source: "describe('s', { skip: 'python3-cryptography is not installed' }, () => {})",
    env: { COFFRE_REQUIRE_ALL: '1' },
    last: '0 passed, 1 failed, 0 skipped',
    shows: /everything is required/,
  },
  {
    title: 'shows diagnostics and lines of vectors',
    source:
      "test('a', (t) => { t.diagnostic('seen 5'); console.log('vectors x.json: run 3'); console.log('quiet') })",
    last: '1 passed, 0 failed, 0 skipped',
    shows: /^(?!(.|\n)*quiet)(.|\n)*vectors x\.json: run 3\n *seen 5/,
  },
]

describe('the test runner', () => {
  for (const [index, { title, source, last, shows, env }] of CASES.entries()) {
    test(title, () => {
      const root = join(folder, String(index))
      mkdirSync(root)
      writeFileSync(join(root, 'case.test.ts'), HEAD + source)
      const ended = run(['--root', root], env)
      assert.equal(ended.stdout.trimEnd().split('\n').at(-1), last, ended.stdout)
      assert.equal(ended.status, / 0 failed/.test(last) ? 0 : 1)
      if (shows !== undefined) assert.match(ended.stdout, shows)
    })
  }

  test('fails where no file matches', () => {
    const ended = run(['no-file-has-this-name'], {})
    assert.equal(ended.status, 1)
    assert.match(ended.stdout, /\n0 passed, 1 failed, 0 skipped\n$/)
  })
})

function run(
  args: readonly string[],
  env: Record<string, string> = {},
): { status: number | null; stdout: string } {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(CI|COFFRE_.*|NODE_TEST_.*|FORCE_COLOR)$/.test(name),
  )
  const command = [join(ROOT, 'test/run.ts'), ...args]
  return spawnSync(process.execPath, command, {
    cwd: ROOT,
    env: { ...Object.fromEntries(inherited), ...env },
    encoding: 'utf8',
    timeout: 60_000,
  })
}

test('every long file is there, and left to --long', () => {
  for (const file of LONG_FILES) assert.ok(existsSync(join(ROOT, 'test', file)), file)
  assert.ok(new Set(LONG_FILES).size === LONG_FILES.length)
  const root = mkdtempSync(join(folder, 'root-'))
  mkdirSync(join(root, 'fuzz'))
  writeFileSync(join(root, 'fuzz/fuzz.test.ts'), `${HEAD}test('long', () => {})`)
  writeFileSync(join(root, 'short.test.ts'), `${HEAD}test('a', () => {}); test('b', () => {})`)
  const lastOf = (...args: readonly string[]) =>
    run(['--root', root, ...args])
      .stdout.trimEnd()
      .split('\n')
      .at(-1)
  assert.equal(lastOf(), '2 passed, 0 failed, 0 skipped')
  assert.equal(lastOf('--long'), '1 passed, 0 failed, 0 skipped')
  assert.equal(lastOf('fuzz/'), '1 passed, 0 failed, 0 skipped')
})
