import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { test } from 'node:test'
import { connectCoffre } from '../../src/client/connect-coffre.ts'
import { openCoffre } from '../../src/app.ts'
import { Fernet } from '../../src/crypto/fernet.ts'
import { POSTGRES_15, startPostgres } from '../postgres-server.ts'
import { makeFolder } from '../temporary.ts'

const CHILD = fileURLToPath(new URL('../http/logging-server.ts', import.meta.url))
const KEY = 'sk-canary-7d1f0c-0123456789abcdef'

/** Every form in which it might lie somewhere. */
function formsOf(secret: string): readonly string[] {
  const bytes = Buffer.from(secret)
  return [secret, bytes.toString('base64'), bytes.toString('base64url'), bytes.toString('hex')]
}

function readFolder(folder: string): Buffer {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name))
  const contents = files.filter((file) => statSync(file).isFile()).map((file) => readFileSync(file))
  assert.ok(contents.length > 0)
  return Buffer.concat(contents)
}

test('a key of a provider is in no log at trace, no answer and no file, and its token in the database alone', async (t) => {
  const folder = makeFolder(t)
  const fernet = Fernet.generateKey()
  const environment = { ...process.env, FERNET_SECRET_KEY: fernet }
  const child = spawn(process.execPath, [CHILD, folder], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: environment,
  })
  let log = ''
  child.stderr.on('data', (piece: Buffer) => (log += piece.toString()))
  const ended = new Promise((resolve) => child.on('close', resolve))
  t.after(() => child.kill())
  const url = await new Promise<string>((resolve) =>
    child.stdout.once('data', (piece: Buffer) => resolve(piece.toString().trim())),
  )
  const admin = connectCoffre(url, readFileSync(join(folder, 'first-token'), 'utf8').trim())
  const { clientSecret } = await admin.users.create({ clientId: 'shop' })
  assert.ok(clientSecret !== undefined)
  const headers = { authorization: `Bearer ${clientSecret.reveal()}`, 'content-type': 'application/json' }
  const answers: string[] = []
  const ask = async (method: string, path: string, body?: string) => {
    const answer = await fetch(`${url}/api/v1/users/me${path}`, {
      method,
      headers,
      ...(body === undefined ? {} : { body }),
    })
    answers.push(JSON.stringify([...answer.headers]), await answer.text())
  }
  await ask('PATCH', '/api-key', JSON.stringify({ api_key: KEY, provider: 'custom' }))
  await ask('GET', '')
  // Every way to fail that has seen the key.
  await ask('PATCH', '/api-key', JSON.stringify({ api_key: `${KEY}\n` }))
  await ask('PATCH', '/api-key', JSON.stringify({ api_key: KEY.repeat(100) }))
  await ask('PATCH', '/api-key', JSON.stringify({ api_key: [KEY], provider: KEY }))
  await ask('PATCH', '/api-key', `{"api_key":"${KEY}`)
  await ask('PATCH', `/api-key?${KEY}`, JSON.stringify({ [KEY]: KEY }))
  await ask('POST', '/api-key/test', JSON.stringify({ api_key: KEY }))
  await ask('POST', '/api-key/test')
  const records = JSON.stringify(await admin.audit.list({ last: 100 }))
  child.stdin.end()
  await ended
  assert.ok(log.split('\n').filter((line) => line.includes('"msg":"request"')).length >= 8, log)
  assert.ok(answers.some((answer) => answer.includes('"has_api_key":true')))
  for (const [where, text] of [
    ['the log', log],
    ['an answer', answers.join('\n')],
    ['the audit log', records],
  ] as const) {
    for (const form of [...formsOf(KEY), ...formsOf(fernet), 'gAAAA']) {
      assert.ok(!text.includes(form), `${form} is in ${where}`)
    }
  }
  const files = readFolder(folder)
  assert.ok(files.includes('gAAAA'))
  for (const form of [...formsOf(KEY), ...formsOf(fernet)]) assert.ok(!files.includes(form), form)
})

test('nor is it in a dump by pg_dump, and once erased its token is not either', {
  skip: POSTGRES_15.skip,
}, async (t) => {
  // Its own pg_dump comes along.
  const server = await startPostgres(t, { release: POSTGRES_15 })
  const databaseUrl = await server.makeDatabase()
  const environment = { FERNET_SECRET_KEY: Fernet.generateKey() }
  const coffre = await openCoffre({ dataDir: makeFolder(t), databaseUrl, createIfMissing: true, environment })
  t.after(() => coffre.close())
  const { id } = await coffre.users.create()
  await coffre.apiKeys.set({ user: id, apiKey: KEY })
  const client = await server.connect(databaseUrl)
  t.after(() => client.end())
  const dump = async () => {
    const { rows } = await client.query(
      "select table_name from information_schema.tables where table_schema = 'public' order by 1",
    )
    const tables = rows.map(({ table_name: name }) => String(name))
    assert.ok(tables.includes('users'))
    const texts: string[] = []
    for (const name of tables) {
      texts.push(JSON.stringify((await client.query(`select t::text from "${name}" t`)).rows))
    }
    return texts.join('\n')
  }
  const before = await dump()
  const plain = server.dump(databaseUrl)
  assert.ok(plain.includes('gAAAA'))
  for (const form of formsOf(KEY)) assert.ok(!plain.includes(form))
  assert.ok(before.includes('gAAAA'))
  for (const form of formsOf(KEY)) assert.ok(!before.includes(form))
  await coffre.apiKeys.remove(id)
  assert.ok(!(await dump()).includes('gAAAA'))
  assert.ok(!server.dump(databaseUrl).includes('gAAAA'))
})

test('the FERNET_SECRET_KEY of a running server is gone from what its process says of itself', async (t) => {
  const script = `
    import { serve } from ${JSON.stringify(fileURLToPath(new URL('../../src/app.ts', import.meta.url)))}
    const server = await serve({ dataDir: process.argv[1], createIfMissing: true, host: '127.0.0.1', port: 0, logLevel: 'silent' })
    console.log(JSON.stringify(Object.keys(process.env).filter((name) => /fernet/i.test(name))))
    await server.close()
  `
  const ran = spawnSync(process.execPath, ['--input-type=module', '-e', script, makeFolder(t)], {
    encoding: 'utf8',
    env: { ...process.env, Fernet_Secret_Key: Fernet.generateKey() },
  })
  assert.equal(ran.status, 0, ran.stderr)
  assert.deepEqual(JSON.parse(ran.stdout), [])
})
