import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { connectCoffre } from '../../src/client/connect-coffre.ts'
import { failsWith, openTemporary } from '../temporary.ts'
import { startServer } from './running-server.ts'

const server = await startServer({ after })
const embedded = await openTemporary({ after })
for (const coffre of [server.admin, embedded]) {
  await coffre.keys.create({ name: 'rows' })
  await coffre.keys.create({ name: 'tags', algorithm: 'hmac-sha256' })
}

interface Answer {
  readonly ok: boolean
  readonly error?: { readonly code: string }
}

async function post(operation: string, body: string): Promise<{ status: number; lines: Answer[] }> {
  const response = await fetch(`${server.api}/${operation}/ndjson`, {
    method: 'POST',
    headers: { authorization: `Bearer ${server.adminToken}`, 'content-type': 'application/x-ndjson' },
    body,
  })
  const lines = (await response.text()).split('\n').filter((line) => line !== '')
  return { status: response.status, lines: lines.map((line) => JSON.parse(line)) }
}

describe('lines of JSON', () => {
  test('are answered in order, each for itself', async () => {
    const good = JSON.stringify({ key: 'rows', plaintext: 'aGVsbG8=' })
    const bad = [
      '{"key":"rows"}',
      'no json',
      '',
      '[1]',
      '{"key":"none","plaintext":""}',
      '{"key":"rows","plaintext":"?"}',
      `{"key":"rows","plaintext":"${'A'.repeat(3 * 1024 * 1024)}"}`,
      '{"key":"rows","plaintext":"","x":1}',
    ]
    const { status, lines } = await post('encrypt', [good, ...bad, good].join('\n'))
    assert.equal(status, 200)
    const codes = lines.map((line) => line.error?.code ?? 'ok')
    const invalid = 'INVALID_REQUEST'
    const expected = [invalid, invalid, invalid, invalid, 'KEY_NOT_FOUND', invalid, 'LIMIT_EXCEEDED', invalid]
    assert.deepEqual(codes, ['ok', ...expected, 'ok'])
  })

  test('of a sealed server are one problem, not many', async () => {
    const own = await startServer({ after })
    await own.admin.operator.seal()
    const answer = await own.send('/api/v1/random/ndjson', {
      method: 'POST',
      token: own.adminToken,
      headers: { 'content-type': 'application/x-ndjson' },
      body: '{}\n{}\n',
    })
    assert.deepEqual([answer.status, answer.body['code']], [503, 'SEALED'])
  })

  test('of random bytes go past the bound of one batch', async () => {
    const { lines } = await post('random', '{"bytes":65536}\n'.repeat(40))
    assert.ok(lines.length === 40 && lines.every((line) => line.ok))
  })
})

/** COFFRE_TEST_STREAM_ITEMS=200000 for the length at which what is kept would be tens of MiB. */
const ITEMS = Number(process.env['COFFRE_TEST_STREAM_ITEMS'] ?? 40_000)
/** Until here what is compiled and cached for good still grows. */
const WARM_ITEMS = ITEMS / 4
/** Less than half of what an answer takes when it is kept. */
const KEPT_BYTES_PER_ITEM = 128

for (const [surface, coffre, count] of [
  ['the library', embedded, ITEMS],
  ['HTTP', server.admin, ITEMS],
] as const) {
  describe(`a stream of items through ${surface}`, () => {
    test(`of ${count} stays in constant memory and in order`, async () => {
      function* items() {
        for (let index = 0; index < count; index += 1) yield { key: 'tags', message: `row ${index}` }
      }
      const first = await coffre.mac({ key: 'tags', message: 'row 0' })
      const last = await coffre.mac({ key: 'tags', message: `row ${count - 1}` })
      let answered = 0
      let highest = 0
      let before = 0
      for await (const item of coffre.batchStream('mac', items())) {
        assert.ok(item.ok)
        answered += 1
        if (answered === 1) assert.deepEqual(item.value.mac, first.mac)
        if (answered === count) assert.deepEqual(item.value.mac, last.mac)
        if (answered >= WARM_ITEMS && answered % (ITEMS / 8) === 0) {
          const used = heapAfterCollection()
          if (answered === WARM_ITEMS) before = used
          highest = Math.max(highest, used)
        }
      }
      assert.equal(answered, count)
      const more = highest - before
      assert.ok(more < (count - WARM_ITEMS) * KEPT_BYTES_PER_ITEM, `${more} bytes more`)
    })

    test('answers while its source waits for the answer', async () => {
      let heard = Promise.withResolvers<void>()
      async function* asking() {
        for (let index = 0; index < 5; index += 1) {
          yield { key: 'rows', plaintext: String(index) }
          await heard.promise
          heard = Promise.withResolvers()
        }
      }
      let answers = 0
      for await (const item of coffre.batchStream('encrypt', asking())) {
        assert.ok(item.ok)
        answers += 1
        heard.resolve()
      }
      assert.equal(answers, 5)
    })

    test('gives back what its source throws', async () => {
      async function* failing() {
        yield { key: 'rows', plaintext: 'x' }
        throw new RangeError('the caller’s own')
      }
      await assert.rejects(async () => {
        for await (const item of coffre.batchStream('encrypt', failing())) assert.ok(item.ok)
      }, RangeError)
    })
  })
}

test('a stream of items without a token is refused as a whole', async () => {
  const stranger = connectCoffre(server.url, 'nobody')
  await assert.rejects(
    async () => Array.fromAsync(stranger.batchStream('random', [{}])),
    failsWith('UNAUTHENTICATED'),
  )
})

setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')

function heapAfterCollection(): number {
  collectGarbage()
  return process.memoryUsage().heapUsed
}
