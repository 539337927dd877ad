import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { CoffreProcess, MAIN } from './coffre-process.ts'

const WORKERS = 2
/** Connections are dealt out in turn, so these reach each worker more than once. */
const REQUESTS = WORKERS * 3

describe('coffre serve --workers', { skip: linuxOnly() }, () => {
  test('a key that one worker made serves in all, and what one suspends serves in none', async (t) => {
    const { cli, send } = await startGroup(t)
    assert.equal((await send('POST', '/api/v1/keys', { name: 'a' })).status, 201)
    const encrypt = () => send('POST', '/api/v1/encrypt', { key: 'a', plaintext: 'aGk=' })
    const made = await Promise.all(times(REQUESTS, encrypt))
    assert.deepEqual(
      made.map(({ status }) => status),
      times(REQUESTS, () => 200),
    )
    assert.equal((await send('POST', '/api/v1/keys/a/suspend', {})).status, 200)
    for (const { status } of await Promise.all(times(REQUESTS, encrypt))) assert.equal(status, 409)
    assert.equal((await cli.json('audit log verify'))['valid'], true)
  })

  test('a token that one worker revoked opens none', async (t) => {
    const { send } = await startGroup(t)
    const { body } = await send('POST', '/api/v1/tokens', { name: 'x', role: 'app' })
    const token = String(body['token'])
    const random = () => send('POST', '/api/v1/random', { bytes: 8 }, token)
    for (const { status } of await Promise.all(times(REQUESTS, random))) assert.equal(status, 200)
    assert.equal((await send('POST', `/api/v1/tokens/${String(body['id'])}/revoke`, {})).status, 204)
    for (const { status } of await Promise.all(times(REQUESTS, random))) assert.equal(status, 401)
  })

  test('sealing and unsealing hold for all workers, shares and passphrases too', async (t) => {
    const cli = new CoffreProcess(t)
    const phrase = 'correct horse battery staple'
    writeFileSync(join(cli.folder, 'phrase'), `${phrase}\n`)
    cli.environment['COFFRE_PASSPHRASE_FILE'] = join(cli.folder, 'phrase')
    await cli.ok('init --seal passphrase')
    const { send } = await startGroup(t, cli)
    const states = async () =>
      (await Promise.all(times(REQUESTS, () => send('GET', '/api/v1/status')))).map(
        ({ body }) => body['sealed'],
      )
    assert.deepEqual(
      await states(),
      times(REQUESTS, () => false),
    )
    assert.equal((await send('POST', '/api/v1/seal', {})).body['sealed'], true)
    const random = () => send('POST', '/api/v1/random', { bytes: 8 })
    for (const { status } of await Promise.all(times(REQUESTS, random))) assert.equal(status, 503)
    assert.equal((await send('POST', '/api/v1/unseal', { passphrase: `${phrase}!` })).status, 403)
    assert.equal((await send('POST', '/api/v1/unseal', { passphrase: phrase })).body['sealed'], false)
    for (const { status } of await Promise.all(times(REQUESTS, random))) assert.equal(status, 200)
  })

  test('shares that arrive at different workers come together', async (t) => {
    const { send } = await startGroup(t)
    const ceremony = '/api/v1/operator/ceremony'
    const seal = { provider: 'shamir', shares: 3, threshold: 2 }
    const { nonce } = (await send('POST', ceremony, { kind: 'rekey', seal })).body
    const shares = (await send('POST', `${ceremony}/collect`, { nonce })).body['shares'] as string[]
    for (const share of shares.slice(0, 2)) {
      assert.equal((await send('POST', `${ceremony}/give`, { nonce, share })).status, 200)
    }
    await send('POST', '/api/v1/seal', {})
    const first = await send('POST', '/api/v1/unseal', { share: shares[1] })
    assert.deepEqual([first.body['sealed'], first.body['sharesGiven']], [true, 1])
    assert.equal((await send('POST', '/api/v1/unseal', { share: shares[2] })).body['sealed'], false)
    const states = await Promise.all(times(REQUESTS, () => send('GET', '/api/v1/status')))
    for (const { body } of states) assert.equal(body['sealed'], false)
  })

  test('a worker that is killed is replaced, and the numbers of all are one', async (t) => {
    const { parent, send } = await startGroup(t)
    await send('POST', '/api/v1/keys', { name: 'a' })
    const before = workersOf(parent)
    assert.equal(before.length, WORKERS)
    process.kill(before[0] ?? 0, 'SIGKILL')
    await until(() => {
      const now = workersOf(parent)
      return now.length === WORKERS && !now.includes(before[0] ?? 0)
    })
    const encrypt = () => send('POST', '/api/v1/encrypt', { key: 'a', plaintext: 'aGk=' })
    await until(async () =>
      (await Promise.all(times(REQUESTS, encrypt))).every(({ status }) => status === 200),
    )
    const { text } = await send('GET', '/metrics')
    const counted = /coffre_data_items_total\{operation="encrypt",outcome="ok"\} (\d+)/.exec(text)?.[1]
    assert.ok(Number(counted) >= REQUESTS, `all workers are counted: ${counted}`)
  })

  test('workers end with their parent, however it ends, and a new one starts where it was', async (t) => {
    const { cli, parent } = await startGroup(t)
    const workers = workersOf(parent)
    process.kill(parent, 'SIGKILL')
    await until(() => workers.every((pid) => !existsSync(`/proc/${pid}`)))
    const again = await startGroup(t, cli)
    assert.equal((await again.send('GET', '/api/v1/status')).body['sealed'], false)
    assert.equal(await again.stop(), 0)
  })

  test('an address that is taken is refused once, with its name', async (t) => {
    const first = await startGroup(t)
    const cli = new CoffreProcess(t)
    const { port } = new URL(first.url)
    const { code, error } = await cli.run(['serve', '--workers', '2', '--port', port])
    assert.equal(code, 78)
    assert.match(error, /CONFIG_REFUSED[\s\S]*EADDRINUSE/)
  })
})

interface Answer {
  readonly status: number
  readonly text: string
  readonly body: Record<string, unknown>
}

async function startGroup(t: TestContext, cli = new CoffreProcess(t)) {
  const args = ['serve', '--json', '--port', '0', '--log-level', 'silent', '--workers', String(WORKERS)]
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd: cli.folder,
    env: cli.baseEnvironment(),
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const ended = once(child, 'exit')
  const stop = async () => {
    child.kill('SIGTERM')
    const [code] = await ended
    return code as number | null
  }
  t.after(stop)
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  const { url } = JSON.parse(line.toString()) as { url: string }
  const token = readFileSync(join(cli.dataDir, 'first-token'), 'utf8').trim()
  Object.assign(cli.environment, { COFFRE_ADDR: url, COFFRE_TOKEN: token })
  const send = async (method: string, path: string, body?: object, as = token): Promise<Answer> => {
    const response = await fetch(url + path, {
      method,
      headers: {
        authorization: `Bearer ${as}`,
        connection: 'close',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    const isJson = (response.headers.get('content-type') ?? '').includes('json')
    return { status: response.status, text, body: isJson && text !== '' ? JSON.parse(text) : {} }
  }
  return { cli, url, parent: child.pid ?? 0, send, stop }
}

function workersOf(parent: number): number[] {
  const children = readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8').trim()
  return children === '' ? [] : children.split(' ').map(Number)
}

function times<Value>(count: number, make: () => Value): Value[] {
  return Array.from({ length: count }, make)
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await setTimeout(20)
}

function linuxOnly(): string | false {
  return process.platform === 'linux' ? false : 'reads /proc'
}
