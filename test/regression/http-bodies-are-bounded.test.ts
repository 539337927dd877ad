import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { after, describe, test } from 'node:test'
import { readFile } from 'node:fs/promises'
import { serve } from '../../src/app.ts'
import { makeFolder } from '../temporary.ts'

const server = await serve({
  dataDir: makeFolder({ after }),
  host: '127.0.0.1',
  port: 0,
  logLevel: 'silent',
  createIfMissing: true,
})
after(() => server.close())
const token = (await readFile(server.firstTokenFile, 'utf8')).trim()

interface Answer {
  readonly status: number
  readonly code: unknown
  readonly facts: unknown
  readonly characters: number
}

async function post(path: string, body: string | Uint8Array<ArrayBuffer>, bearer?: string): Promise<Answer> {
  const headers = {
    'content-type': 'application/json',
    ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
  }
  const answer = await fetch(server.url + path, { method: 'POST', headers, body })
  const text = await answer.text()
  const { code, facts } = JSON.parse(text) as { readonly code?: unknown; readonly facts?: unknown }
  return { status: answer.status, code, facts, characters: text.length }
}

describe('a stranger', () => {
  test('is told that there is nothing at an address before the body is parsed', async () => {
    for (const path of ['/nothing', '/api/v1/nothing']) {
      // A body that is no JSON would be INVALID_REQUEST if anybody had looked at it.
      const { status, code } = await post(path, '{'.repeat(1_000))
      assert.deepEqual({ status, code }, { status: 404, code: 'NOT_FOUND' })
    }
  })

  test('who announces a long body is refused without anybody reading it', async () => {
    const { hostname, port } = new URL(server.url)
    const socket = connect(Number(port), hostname)
    const length = 16 * 1024 * 1024
    const head = `POST /api/v1/encrypt HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${length}`
    socket.write(`${head}\r\n\r\n{`)
    const pieces: Buffer[] = []
    // Ends by itself: the server closes, although most of the body has not come.
    for await (const piece of socket) pieces.push(piece as Buffer)
    const answer = Buffer.concat(pieces).toString()
    assert.match(answer, /^HTTP\/1\.1 401 [\s\S]*connection: close/i)
  })

  test('sends no more to unseal than a passphrase needs', async () => {
    const { status, code } = await post('/api/v1/unseal', JSON.stringify({ passphrase: 'x'.repeat(10_000) }))
    assert.deepEqual({ status, code }, { status: 413, code: 'LIMIT_EXCEEDED' })
  })
})

describe('a body', () => {
  test('of more values than the largest batch has is refused before anything is built', async () => {
    const item = `{"key":"k","plaintext":"","context":{${Array.from({ length: 90 }, (_, at) => `"${at}":""`).join()}}}`
    const many = `{"items":[${`${item},`.repeat(1_000)}${item}]}`
    const { code, facts } = await post('/api/v1/encrypt/batch', many, token)
    assert.deepEqual({ code, facts }, { code: 'LIMIT_EXCEEDED', facts: { at: 'body', values: 80_000 } })
  })

  test('of a thousand items with two full contexts each is read', async () => {
    const context = Object.fromEntries(Array.from({ length: 32 }, (_, index) => [`n${index}`, 'v']))
    const item = { ciphertext: 'x', key: 'k', toKey: 'k', context, toContext: context }
    const items = Array.from({ length: 1_000 }, () => item)
    const { status } = await post('/api/v1/rewrap/batch', JSON.stringify({ items }), token)
    assert.equal(status, 200)
  })

  test('of one value may have its greatest size, and twice that only in a batch', async () => {
    const plaintext = Buffer.alloc(1024 * 1024).toString('base64')
    const two = [{ bytes: 1 }, { blob: 'x'.repeat(2 * plaintext.length) }]
    assert.equal(
      (await post('/api/v1/inspect', JSON.stringify({ blobBase64: plaintext }), token)).status,
      200,
    )
    const single = await post('/api/v1/random', JSON.stringify(two[1]), token)
    assert.deepEqual([single.status, single.code], [413, 'LIMIT_EXCEEDED'])
    const batch = await post('/api/v1/random/batch', JSON.stringify({ items: two }), token)
    assert.deepEqual([batch.status, batch.code], [400, 'INVALID_REQUEST'])
  })

  test('where no value belongs is small', async () => {
    const { status, code } = await post('/api/v1/keys', JSON.stringify({ name: 'x'.repeat(300_000) }), token)
    assert.deepEqual({ status, code }, { status: 413, code: 'LIMIT_EXCEEDED' })
  })

  test('that is not UTF-8 is refused, because two contexts would be one', async () => {
    const bytes = Buffer.from('{"key":"k","plaintext":"","context":{"a":"\xff"}}', 'latin1')
    const { code, facts } = await post('/api/v1/encrypt', Uint8Array.from(bytes), token)
    assert.deepEqual({ code, facts }, { code: 'INVALID_REQUEST', facts: { at: 'body', expected: 'UTF-8' } })
  })

  test('with members of a strange name gets an answer that does not repeat them', async () => {
    const strange = Object.fromEntries(
      Array.from({ length: 100 }, (_, index) => [`strange${index}`.repeat(100), 1]),
    )
    const { code, characters } = await post('/api/v1/random', JSON.stringify(strange), token)
    assert.equal(code, 'INVALID_REQUEST')
    assert.ok(characters < 1_000, `${characters} characters`)
  })
})

test('a batch of random bytes gives 1 MiB together and no more', async () => {
  const items = Array.from({ length: 17 }, () => ({ bytes: 65_536 }))
  const answer = await fetch(`${server.url}/api/v1/random/batch`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ items }),
  })
  const outcome = (await answer.json()) as { readonly items: readonly { readonly ok: boolean }[] }
  assert.deepEqual(
    outcome.items.map(({ ok }) => ok),
    [...Array.from({ length: 16 }, () => true), false],
  )
})
