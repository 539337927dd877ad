import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { connectCoffre } from '../../src/client/connect-coffre.ts'
import type { Coffre } from '../../src/model/coffre.ts'
import { makeFolder } from '../temporary.ts'
import { Canaries } from './canary.ts'
import { type JsonSchema, makeValue } from './schema-values.ts'
import { checkFiles, startTraced, stop } from './traced-server.ts'

/** Texts and their records, in batches of so many. */
const BATCH = 100
const BATCHES = 9
const IS_LINUX = process.platform === 'linux'

interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components?: { readonly schemas?: Readonly<Record<string, JsonSchema>> }
}

interface Operation {
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: JsonSchema }>> }
}

test('a thousand secrets through every endpoint leave no trace in logs, errors, metrics, files and processes', async (t) => {
  const canaries = new Canaries()
  const folder = makeFolder(t)
  const server = await startTraced(folder)
  t.after(() => server.child.kill('SIGKILL'))
  const token = readFileSync(join(folder, 'first-token'), 'utf8').trim()
  canaries.add(token)
  canaries.add(Buffer.from(readFileSync(join(folder, 'seal.key'), 'utf8').trim(), 'hex'))
  const coffre = connectCoffre(server.url, token)
  await useSecrets(coffre, canaries)
  const asked = await askEverything({ url: server.url, coffre, token, canaries })
  assert.ok(asked >= 30, `only ${asked} endpoints`)
  assert.equal((await coffre.operator.status()).sealed, true)
  await coffre.operator.unseal()
  assert.ok(canaries.size >= 1_000, `only ${canaries.size} secrets`)
  const metrics = await fetch(`${server.url}/metrics`, { headers: { authorization: `Bearer ${token}` } })
  canaries.requireNone('/metrics', await metrics.text())
  if (IS_LINUX) for (const name of ['cmdline', 'environ']) readProcess(server.child, name, canaries)
  const records = await coffre.audit.list({ last: 1_000 })
  canaries.requireNone('the audit log', JSON.stringify(records))
  await askWrong({ url: server.url, coffre, token, canaries })
  checkFiles(folder, canaries)
  await stop(server.child)
  checkFiles(folder, canaries)
  canaries.requireNone('the log', server.log())
  t.diagnostic(`cases: ${canaries.size} secrets, ${asked} endpoints`)
})

/** What succeeds: plaintexts, context values, messages, data keys, tokens. */
async function useSecrets(coffre: Coffre, canaries: Canaries): Promise<void> {
  await coffre.keys.create({ name: 'canary' })
  await coffre.keys.create({ name: 'canary-sign', algorithm: 'ed25519' })
  await coffre.keys.create({ name: 'canary-mac', algorithm: 'hmac-sha256' })
  for (let batch = 0; batch < BATCHES; batch += 1) {
    const requests = Array.from({ length: BATCH }, () => ({ key: 'canary', plaintext: canaries.make() }))
    const context = { secret: canaries.make() }
    const made = await coffre.batch(
      'encrypt',
      requests.map((request) => ({ ...request, context })),
    )
    const ciphertexts = made.map((item) => (item.ok ? item.value.ciphertext : ''))
    const moved = await coffre.batch(
      'rewrap',
      ciphertexts.map((ciphertext) => ({ ciphertext, context })),
    )
    assert.ok(moved.every(({ ok }) => ok))
    // Without their context: each fails, and its error is recorded.
    const refused = await coffre.batch(
      'decrypt',
      ciphertexts.map((ciphertext) => ({ ciphertext })),
    )
    canaries.requireNone('an error', JSON.stringify(refused))
    await coffre.batch('sign', [{ key: 'canary-sign', message: canaries.make() }])
    await coffre.batch('mac', [{ key: 'canary-mac', message: canaries.make() }])
    const { plaintext } = await coffre.generateDataKey({ key: 'canary' })
    if (plaintext !== undefined) canaries.add(plaintext)
    canaries.add((await coffre.tokens.create({ name: `t-${batch}`, role: 'app' })).token.reveal())
  }
}

interface Server {
  readonly url: string
  readonly coffre: Coffre
  readonly token: string
  readonly canaries: Canaries
}

/** Every operation of /openapi.json, with a secret in every field that is not shown on purpose. */
async function askEverything(server: Server): Promise<number> {
  const { url, coffre, canaries } = server
  const api = (await (await fetch(`${url}/openapi.json`)).json()) as OpenApi
  const schemas = api.components?.schemas ?? {}
  const choice = {
    canaries,
    resolve: (ref: string) => schemas[ref.split('/').at(-1) ?? ''] ?? {},
    key: 'canary',
  }
  let asked = 0
  for (const [path, methods] of sealLast(Object.entries(api.paths))) {
    for (const [method, { requestBody }] of Object.entries(methods)) {
      const schema = requestBody?.content['application/json']?.schema
      const filled = path.replaceAll(/\{[^}]+\}/g, () => encodeURIComponent(canaries.make()))
      const target = `${url}${filled}?after=${encodeURIComponent(canaries.make())}`
      const body = schema === undefined ? undefined : JSON.stringify(makeValue(schema, '', choice))
      // Of its own, because one of them revokes the token that asks.
      const bearer = (await coffre.tokens.create({ name: 'asks', role: 'admin' })).token.reveal()
      await askOne(`${method} ${path}`, { target, method, bearer, body, canaries })
      asked += 1
    }
  }
  return asked
}

/** It ends the others' use of keys. */
function sealLast<Methods>(paths: readonly [string, Methods][]): readonly [string, Methods][] {
  const seals = ([path]: [string, Methods]) => Number(path.endsWith('/seal'))
  return paths.toSorted((left, right) => seals(left) - seals(right))
}

/** Last, because an address with many wrong credentials is slowed down. */
async function askWrong({ url, token, canaries }: Server): Promise<void> {
  const encrypt = { target: `${url}/api/v1/encrypt`, method: 'post', canaries }
  await askOne('a broken body', { ...encrypt, bearer: token, body: `{"${canaries.make()}` })
  await askOne('a wrong token', { ...encrypt, bearer: canaries.make().replace('ü', ''), body: '{}' })
  const passphrase = JSON.stringify({ passphrase: canaries.make() })
  await askOne('a wrong passphrase', {
    ...encrypt,
    target: `${url}/api/v1/unseal`,
    bearer: '',
    body: passphrase,
  })
}

async function askOne(
  title: string,
  request: {
    readonly target: string
    readonly method: string
    readonly bearer: string
    readonly body: string | undefined
    readonly canaries: Canaries
  },
): Promise<void> {
  const { target, method, bearer, body, canaries } = request
  const answer = await fetch(target, {
    method: method.toUpperCase(),
    headers: {
      authorization: `Bearer ${bearer}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body }),
  })
  const text = await answer.text()
  // The answer itself may hold what was asked for; an error holds nothing of what was sent.
  if (answer.status >= 400) canaries.requireNone(`${answer.status} of ${title}`, text)
  canaries.requireNone(`the headers of ${title}`, JSON.stringify([...answer.headers]))
}

function readProcess({ pid }: ChildProcess, name: string, canaries: Canaries): void {
  canaries.requireNone(`/proc/…/${name}`, readFileSync(`/proc/${pid}/${name}`))
}
