import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { describe, test } from 'node:test'
import { readSettings } from '../../src/config.ts'
import { makeFolder } from '../temporary.ts'
import { startServer } from './running-server.ts'

const chromium =
  spawnSync('chromium', ['--version']).status === 0 ? false : 'no chromium; apt-get install chromium'
const NAMED = /(?:src|href)="([^"]+)"/g
/** Names that look like addresses and that nothing fetches. */
const NAMESPACES = /^http:\/\/www\.w3\.org\//

describe('the page /docs', () => {
  test('comes with every file that it names from the server itself', async (t) => {
    const { url } = await startServer(t)
    const page = await fetch(`${url}/docs`)
    assert.equal(page.status, 200)
    const text = await page.text()
    const assets = [...text.matchAll(NAMED)].map(([, path = '']) => path)
    assert.ok(assets.length >= 5, text)
    for (const path of [...assets, '/docs/json']) {
      assert.match(path, /^\/docs\//)
      const asset = await fetch(url + path)
      assert.equal(asset.status, 200, path)
      assert.ok((await asset.text()).length > 0, path)
    }
    for (const path of ['/docs', ...assets.filter((each) => /initializer|\.css$/.test(each))]) {
      const code = (await (await fetch(url + path)).text()).replaceAll(/^\s*\/\/.*$/gm, '')
      const outside = [...code.matchAll(/https?:\/\/[\w./-]+/g)].flat()
      assert.deepEqual(
        outside.filter((address) => !NAMESPACES.test(address)),
        [],
        path,
      )
    }
    assert.match(
      await (await fetch(`${url}/docs/static/swagger-initializer.js`)).text(),
      /validatorUrl: null/,
    )
  })

  test('may load, run and send nothing that is not the server’s own', async (t) => {
    const { url } = await startServer(t)
    for (const path of ['/docs', '/docs/', '/docs/static/swagger-ui-bundle.js']) {
      const answer = await fetch(url + path)
      await answer.text() // an unread body keeps its connection, and so the server, open
      const policy = answer.headers.get('content-security-policy') ?? ''
      assert.match(policy, /default-src 'none'/)
      assert.match(policy, /script-src 'self';/)
      assert.match(policy, /frame-ancestors 'none'/)
      assert.doesNotMatch(policy, /unsafe|https?:|\*/)
    }
  })

  test('describes the API of this server', async (t) => {
    const { url } = await startServer(t)
    const [page, reference] = await Promise.all(
      ['/docs/json', '/openapi.json'].map(async (path) => (await fetch(url + path)).json()),
    )
    assert.deepEqual(page, reference)
  })

  test('is not there with COFFRE_DOCS=0', async (t) => {
    assert.equal(readSettings({}).docs, true)
    assert.equal(readSettings({ COFFRE_DOCS: '0' }).docs, false)
    const { url } = await startServer(t, { docs: false })
    for (const path of ['/docs', '/docs/', '/docs/json', '/docs/static/swagger-ui.css']) {
      const answer = await fetch(url + path)
      assert.equal(answer.status, 404)
      await answer.text()
    }
    assert.match(await (await fetch(`${url}/openapi.json`)).text(), /^\{"openapi"/)
  })

  test('shows every operation in a browser, whose console stays empty', { skip: chromium }, async (t) => {
    const { url } = await startServer(t)
    const { page, console } = await loadInBrowser(`${url}/docs/`, makeFolder(t))
    assert.match(page, /Coffre/)
    for (const summary of ['Create a key', 'Encrypt', 'Recompute the whole audit log']) {
      assert.ok(page.includes(summary), summary)
    }
    assert.deepEqual(console, [])
  })
})

/** The document as it stands once the page has loaded, and what it wrote to its console. */
function loadInBrowser(url: string, folder: string): Promise<{ page: string; console: string[] }> {
  const quiet = [
    '--no-first-run',
    '--disable-gpu',
    '--disable-dev-shm-usage',
    '--disable-background-networking',
    // Swagger UI makes only what is in the window once there are many operations.
    '--window-size=1280,30000',
  ]
  // Chromium's own sandbox needs rights that containers and root do not have; the page is our own.
  const options = ['--headless=new', '--no-sandbox', `--user-data-dir=${folder}`, ...quiet]
  const watched = ['--enable-logging=stderr', '--virtual-time-budget=10000', '--dump-dom', url]
  const child = spawn('chromium', [...options, ...watched], { stdio: ['ignore', 'pipe', 'pipe'] })
  const [out, error]: [Buffer[], Buffer[]] = [[], []]
  child.stdout.on('data', (piece: Buffer) => out.push(piece))
  child.stderr.on('data', (piece: Buffer) => error.push(piece))
  return new Promise((done) => {
    child.on('close', () => {
      const lines = Buffer.concat(error).toString().split('\n')
      done({
        page: Buffer.concat(out).toString(),
        console: lines.filter((line) => line.includes(':CONSOLE')),
      })
    })
  })
}
