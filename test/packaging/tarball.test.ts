import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join, resolve } from 'node:path'
import { after, before, describe, type TestContext, test } from 'node:test'

const ROOT = resolve(import.meta.dirname, '../..')
const PACKAGE_PARTS = [
  'package.json',
  'tsconfig.json',
  'tsconfig.build.json',
  'LICENSE',
  'README.md',
  'README.fr.md',
  'README.de.md',
  'bin',
  'src',
  'tools',
]
const NETWORK_FAULT = /ENOTCACHED|ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ENETUNREACH/

/** Packing happens in a copy, so that no other test sees `dist/` come and go. */
const folder = mkdtempSync(join(tmpdir(), 'coffre-tarball-'))
after(() => rmSync(folder, { recursive: true, force: true }))

interface Ended {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

function runIn(cwd: string, command: string, args: readonly string[]): Ended {
  const path = [dirname(process.execPath), process.env['PATH']].join(delimiter)
  const inherited = Object.entries(process.env).filter(([name]) => !/^(npm_|COFFRE_|NODE_TEST)/i.test(name))
  const env = { ...Object.fromEntries(inherited), PATH: path }
  return spawnSync(command, args, { cwd, env, encoding: 'utf8', timeout: 240_000 })
}

function runWell(cwd: string, command: string, args: readonly string[]): string {
  const { status, stdout, stderr } = runIn(cwd, command, args)
  assert.equal(status, 0, `${command} ${args.join(' ')}\n${stdout}\n${stderr}`)
  return stdout
}

function packCopy(): string {
  const copy = join(folder, 'source')
  mkdirSync(copy)
  for (const part of PACKAGE_PARTS) {
    if (existsSync(join(ROOT, part))) cpSync(join(ROOT, part), join(copy, part), { recursive: true })
  }
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'))
  runWell(copy, 'npm', ['pack', '--pack-destination', folder])
  const [name] = readdirSync(folder).filter((file) => file.endsWith('.tgz'))
  assert.ok(name !== undefined, 'npm pack made no tarball')
  return join(folder, name)
}

/** The first TypeScript block of the README that imports the library. */
function readmeSnippet(): string {
  const blocks = [
    ...readFileSync(join(ROOT, 'README.md'), 'utf8').matchAll(/```(?:ts|js|typescript)\n(.*?)```/gs),
  ]
  const snippet = blocks.map((block) => block[1] ?? '').find((text) => text.includes("from 'coffre'"))
  assert.ok(snippet !== undefined, "README.md has no block with an import from 'coffre'")
  return snippet
}

describe('the packed package', () => {
  let tarball = ''
  let unavailable: string | undefined
  const home = join(folder, 'home')

  before(() => {
    tarball = packCopy()
    mkdirSync(home)
    writeFileSync(join(home, 'package.json'), '{ "name": "home", "private": true, "type": "module" }')
    const quiet = ['--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts']
    const installed = runIn(home, 'npm', ['install', ...quiet, tarball])
    if (NETWORK_FAULT.test(installed.stderr)) unavailable = 'the package registry is not available'
    else assert.equal(installed.status, 0, installed.stderr)
  })

  const needsInstall = (context: TestContext): boolean => {
    if (unavailable !== undefined) context.skip(unavailable)
    return unavailable !== undefined
  }

  test('holds what is needed and nothing else', () => {
    const files = runWell(folder, 'tar', ['-tzf', tarball]).trim().split('\n')
    for (const needed of [
      'bin/coffre.js',
      'dist/index.js',
      'dist/index.d.ts',
      'dist/cli/main.js',
      'LICENSE',
      'README.md',
    ]) {
      assert.ok(files.includes(`package/${needed}`), needed)
    }
    const strange = files.filter(
      (file) => !/^package\/(bin|dist|LICENSE|README(\.\w+)?\.md|package\.json)/.test(file),
    )
    assert.deepEqual(strange, [])
  })

  test('prints its version from an empty folder', (t) => {
    if (needsInstall(t)) return
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
    assert.match(
      runWell(home, join(home, 'node_modules/.bin/coffre'), ['--version']),
      new RegExp(`\\b${version}\\b`),
    )
  })

  test('runs the library example of the README', (t) => {
    if (needsInstall(t)) return
    writeFileSync(join(home, 'snippet.ts'), readmeSnippet())
    runWell(home, process.execPath, ['snippet.ts'])
  })

  test('gives Fernet alone, without any dependency installed', () => {
    const alone = join(folder, 'alone')
    mkdirSync(join(alone, 'node_modules/coffre'), { recursive: true })
    runWell(alone, 'tar', ['-xzf', tarball, '--strip-components=1', '-C', 'node_modules/coffre'])
    const script = "const { Fernet } = await import('coffre/fernet'); console.log(typeof Fernet)"
    assert.equal(runWell(alone, process.execPath, ['--input-type=module', '-e', script]).trim(), 'function')
  })
})
