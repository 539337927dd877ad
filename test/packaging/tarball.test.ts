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

/** The block of the guide with that import, and what it says it prints. */
function guideSnippet(from: string): { readonly code: string; readonly output: string } {
  const guide = readFileSync(join(ROOT, 'docs/en/sessions.md'), 'utf8')
  for (const [, code = '', output = ''] of guide.matchAll(/```ts\n(.*?)```\n\n```text\n(.*?)```/gs)) {
    if (code.includes(`from '${from}'`)) return { code, output }
  }
  return assert.fail(`docs/en/sessions.md has no block with an import from '${from}'`)
}

const EXPRESS_APP = `
import { once } from 'node:events'
import express from 'express'
import { coffreSessions } from 'coffre/express'
import { SecretSessionKeys, Sessions } from 'coffre/sessions'

const keys = new SecretSessionKeys({ current: 'a secret of 32 bytes or more, from a file' })
const origin = 'https://app.example'
const app = express()
app.use(coffreSessions({ sessions: new Sessions({ keys, issuer: origin, audience: 'app' }), origin }))
app.post('/login', async ({ session }, response) => {
  await session.open('u-42')
  response.json({})
})
app.get('/me', ({ session }, response) => response.json({ user: session.current?.user ?? null }))
const server = app.listen(0, '127.0.0.1')
await once(server, 'listening')
const url = 'http://127.0.0.1:' + server.address().port
const login = await fetch(url + '/login', { method: 'POST', headers: { origin } })
const cookie = login.headers.getSetCookie().map((text) => text.split(';')[0]).join('; ')
console.log(await (await fetch(url + '/me', { headers: { cookie } })).text())
console.log(await (await fetch(url + '/me', { method: 'POST', headers: { cookie, origin } })).text())
server.close()
server.closeAllConnections()
`

/** What the declarations promise; each line with an error expected is one that must not compile. */
const TYPED_APP = `
import { createServer } from 'node:http'
import fastify from 'fastify'
import { coffreSessions as express, type WebSession, type WithSession } from 'coffre/express'
import { coffreSessions } from 'coffre/fastify'
import { CoffreSessionKeys, SecretSessionKeys, Sessions } from 'coffre/sessions'

const keys = new SecretSessionKeys({ current: 'x'.repeat(32) })
const sessions = new Sessions({ keys, issuer: 'https://app.example', audience: 'app' })
const options = { sessions, origin: 'https://app.example' }
const app = fastify()
await app.register(coffreSessions, options)
app.get('/me', async ({ session }) => session.current?.user.toUpperCase())
const middleware = express(options)
createServer((request, response) => void middleware(request, response, () => {}))
export const ofExpress = (request: Express.Request): WebSession => request.session
export const ofPlain = (request: WithSession): WebSession => request.session
// @ts-expect-error a user is a text
app.get('/user', async ({ session }) => session.open(42))
// @ts-expect-error an origin is needed
await app.register(coffreSessions, { sessions })
// @ts-expect-error a key is named
new CoffreSessionKeys({})
`
const TYPED_CONFIG = {
  compilerOptions: {
    target: 'es2024',
    module: 'nodenext',
    strict: true,
    noEmit: true,
    types: ['node'],
    skipLibCheck: true,
  },
  files: ['typed.ts'],
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

  /** As if it were installed: without the network, and with what it needs. */
  const lend = (name: string): void => {
    const place = join(home, 'node_modules', name)
    mkdirSync(dirname(place), { recursive: true })
    if (!existsSync(place)) symlinkSync(join(ROOT, 'node_modules', name), place)
  }

  test('runs the Fastify application of the guide', (t) => {
    if (needsInstall(t)) return
    const { code, output } = guideSnippet('coffre/fastify')
    writeFileSync(join(home, 'fastify-app.ts'), code)
    assert.equal(runWell(home, process.execPath, ['fastify-app.ts']), output)
  })

  test('serves an Express application, and does not bring Express to others', (t) => {
    if (needsInstall(t)) return
    assert.ok(!existsSync(join(home, 'node_modules/express')))
    lend('express')
    writeFileSync(join(home, 'express-app.js'), EXPRESS_APP)
    const [me, refused = ''] = runWell(home, process.execPath, ['express-app.js']).split('\n')
    assert.equal(me, '{"user":"u-42"}')
    assert.equal(JSON.parse(refused).code, 'CSRF_REFUSED')
  })

  test('types sessions, Fastify and Express for an application', (t) => {
    if (needsInstall(t)) return
    lend('@types/node')
    writeFileSync(join(home, 'typed.ts'), TYPED_APP)
    writeFileSync(join(home, 'tsconfig.json'), JSON.stringify(TYPED_CONFIG))
    runWell(home, join(ROOT, 'node_modules/.bin/tsc'), ['-p', '.'])
  })

  test('gives Fernet and sessions alone, without any dependency installed', () => {
    const alone = join(folder, 'alone')
    mkdirSync(join(alone, 'node_modules/coffre'), { recursive: true })
    runWell(alone, 'tar', ['-xzf', tarball, '--strip-components=1', '-C', 'node_modules/coffre'])
    const loads = [
      ['coffre/fernet', 'Fernet'],
      ['coffre/sessions', 'Sessions'],
      ['coffre/fastify', 'coffreSessions'],
      ['coffre/express', 'coffreSessions'],
    ] as const
    for (const [from, name] of loads) {
      const script = `console.log(typeof (await import('${from}')).${name})`
      const printed = runWell(alone, process.execPath, ['--input-type=module', '-e', script])
      assert.equal(printed.trim(), 'function', from)
    }
  })
})
