import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { test } from 'node:test'
import { connectCoffre } from '../../src/client/connect-coffre.ts'
import { makeFolder } from '../temporary.ts'

const CHILD = fileURLToPath(new URL('./logging-server.ts', import.meta.url))
const CANARY = 'canary-5e8d2f'

test('at the lowest level the log holds no token, plaintext, context, path or query', async (t) => {
  const folder = makeFolder(t)
  const child = spawn(process.execPath, [CHILD, folder], { stdio: ['pipe', 'pipe', 'pipe'] })
  let log = ''
  child.stderr.on('data', (piece: Buffer) => (log += piece.toString()))
  const ended = new Promise((resolve) => child.on('close', resolve))
  t.after(() => child.kill())
  const url = await new Promise<string>((resolve) =>
    child.stdout.once('data', (piece: Buffer) => resolve(piece.toString().trim())),
  )
  const token = readFileSync(join(folder, 'first-token'), 'utf8').trim()
  const coffre = connectCoffre(url, token)
  await coffre.keys.create({ name: CANARY, description: CANARY })
  const request = { key: CANARY, plaintext: CANARY, context: { [CANARY]: CANARY } }
  const { ciphertext } = await coffre.encrypt(request)
  await assert.rejects(coffre.decrypt({ ciphertext }))
  const made = await coffre.tokens.create({ name: CANARY, role: 'app' })
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'x-canary': CANARY }
  for (const path of [
    `/${CANARY}`,
    `/api/v1/keys/${CANARY.repeat(30)}`,
    `/api/v1/keys/%zz${CANARY}?${CANARY}`,
  ]) {
    await fetch(url + path, { headers })
  }
  await fetch(`${url}/api/v1/encrypt`, { method: 'POST', headers, body: `{"${CANARY}":` })
  await fetch(`${url}/api/v1/unseal`, { method: 'POST', headers, body: `{"passphrase":"${CANARY}"}` })
  child.stdin.end()
  await ended
  const lines = log.trim().split('\n')
  assert.ok(lines.filter((line) => line.includes('"msg":"request"')).length >= 7, log)
  const secrets = [CANARY, token, made.token.reveal(), ciphertext, Buffer.from(CANARY).toString('base64')]
  for (const secret of secrets) assert.ok(!log.includes(secret), log)
})
