import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { request as httpRequest } from 'node:http'
import { readFileSync } from 'node:fs'
import { after, describe, test } from 'node:test'
import { serve } from '../../src/app.ts'
import { connectCoffre } from '../../src/client/connect-coffre.ts'
import type { ByteStream, RangeSource } from '../../src/model/streams.ts'
import { failsWith, makeFolder, openTemporary } from '../temporary.ts'
import { Authority, withoutOpenssl } from './certificates.ts'
import { startServer } from './running-server.ts'

const server = await startServer({ after })
const embedded = await openTemporary({ after })
for (const coffre of [server.admin, embedded]) await coffre.keys.create({ name: 'files' })
const context = { file: 'Ænea "1"' }

function streamOf(bytes: Uint8Array, pieceBytes = 50_000): ByteStream {
  const pieces = Array.from({ length: Math.ceil(bytes.length / pieceBytes) }, (_, index) =>
    bytes.subarray(index * pieceBytes, (index + 1) * pieceBytes),
  )
  return ReadableStream.from(pieces)
}

async function collect(stream: ByteStream): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(stream))
}

/** What came out before the end or the error, and the error. */
async function drain(open: () => Promise<ByteStream>): Promise<{ bytes: Buffer; error: unknown }> {
  const pieces: Uint8Array[] = []
  try {
    for await (const piece of await open()) pieces.push(piece)
    return { bytes: Buffer.concat(pieces), error: undefined }
  } catch (error) {
    return { bytes: Buffer.concat(pieces), error }
  }
}

function sourceOf(bytes: Uint8Array): RangeSource & { read: number } {
  return {
    size: bytes.length,
    read: 0,
    async readAt(offset, length) {
      this.read += length
      return bytes.subarray(offset, offset + length)
    },
  }
}

for (const [surface, coffre] of [
  ['the library', embedded],
  ['HTTP', server.admin],
] as const) {
  describe(`through ${surface}`, () => {
    for (const length of [0, 1, 16_384, 1_000_000]) {
      test(`${length} bytes come back whole`, async () => {
        const plaintext = randomBytes(length)
        const sealed = await collect(
          await coffre.encryptStream(streamOf(plaintext), { key: 'files', context }),
        )
        const opened = await collect(await coffre.decryptStream(streamOf(sealed, 777), { context }))
        assert.ok(opened.equals(plaintext))
      })
    }

    test('a wrong context gives nothing', async () => {
      const sealed = await collect(await coffre.encryptStream(streamOf(randomBytes(20)), { key: 'files' }))
      const { bytes, error } = await drain(() => coffre.decryptStream(streamOf(sealed), { context }))
      assert.equal(bytes.length, 0)
      failsWith('DECRYPTION_FAILED')(error)
    })

    test('an unknown key is an error before the first byte', async () => {
      await assert.rejects(
        coffre.encryptStream(streamOf(randomBytes(20)), { key: 'none' }),
        failsWith('KEY_NOT_FOUND'),
      )
    })

    test('a part is read from the chunks that hold it', async () => {
      const plaintext = randomBytes(300_000)
      const sealed = await collect(await coffre.encryptStream(streamOf(plaintext), { key: 'files', context }))
      const ranges = [
        [0, 1],
        [16_383, 2],
        [16_384, 16_384],
        [299_999, 1],
        [250_000, 500_000],
        [300_000, 5],
        [123, 0],
      ] as const
      for (const [offset, length] of ranges) {
        const source = sourceOf(sealed)
        const part = await collect(await coffre.decryptRange(source, { offset, length, context }))
        assert.ok(part.equals(plaintext.subarray(offset, offset + length)), `${offset}+${length}`)
        assert.ok(source.read < 4 * 16_400 + 300 || length > 16_384)
      }
      const rest = await coffre.decryptRange(sourceOf(sealed), { offset: 290_000, context })
      assert.ok((await collect(rest)).equals(plaintext.subarray(290_000)))
      await assert.rejects(
        coffre.decryptRange(sourceOf(sealed), { offset: 300_001, context }),
        failsWith('INVALID_REQUEST'),
      )
    })

    test('a part of a file that was cut is refused, wherever the part lies', async () => {
      const sealed = await collect(
        await coffre.encryptStream(streamOf(randomBytes(100_000)), { key: 'files' }),
      )
      for (const cut of [1, 17, 16_400, 50_000]) {
        const { bytes, error } = await drain(() =>
          coffre.decryptRange(sourceOf(sealed.subarray(0, -cut)), { offset: 0, length: 10 }),
        )
        assert.equal(bytes.length, 0)
        failsWith('DECRYPTION_FAILED')(error)
      }
    })

    test('both ends of a stream are recorded, and what it carried', async () => {
      const sealed = await collect(await coffre.encryptStream(streamOf(randomBytes(100)), { key: 'files' }))
      await collect(await coffre.decryptStream(streamOf(sealed)))
      const records = (await coffre.audit.list({ last: 2 })).map(({ body }) => JSON.parse(body))
      assert.deepEqual(
        records.map(({ action, outcome, detail }) => ({ action, outcome, detail })),
        [
          { action: 'data.decrypt-stream', outcome: 'ok', detail: { phase: 'start' } },
          {
            action: 'data.decrypt-stream',
            outcome: 'ok',
            detail: { phase: 'end', bytesIn: sealed.length, bytesOut: 100 },
          },
        ],
      )
      assert.equal(records[0].request, records[1].request)
      assert.equal(records[0].uses[0].key, 'files')
    })
  })
}

describe('a damaged file', () => {
  const plaintext = randomBytes(2 * 16_384 + 100)
  const digests = new Map<number, string>()
  const digestAt = (length: number) => {
    const known =
      digests.get(length) ?? createHash('sha256').update(plaintext.subarray(0, length)).digest('hex')
    digests.set(length, known)
    return known
  }
  const isPrefix = (bytes: Buffer) =>
    bytes.length <= plaintext.length &&
    createHash('sha256').update(bytes).digest('hex') === digestAt(bytes.length)

  test('that is cut at any byte gives a true beginning in whole chunks, and an error', async () => {
    const sealed = await collect(await embedded.encryptStream(streamOf(plaintext), { key: 'files' }))
    // Every cut near a border, and a sample of the others: each is a whole decryption.
    const borders = [0, 24, 28, 168, 192, 224, 224 + 16_400, 224 + 2 * 16_400, sealed.length]
    const near = borders.flatMap((at) => Array.from({ length: 41 }, (_, index) => at - 20 + index))
    const others = Array.from({ length: 130 }, (_, index) => index * 257)
    const cuts = new Set([...near, ...others].filter((at) => at >= 0 && at < sealed.length))
    assert.ok(cuts.size > 300)
    const check = async (cut: number) => {
      const { bytes, error } = await drain(() => embedded.decryptStream(streamOf(sealed.subarray(0, cut))))
      failsWith('DECRYPTION_FAILED')(error)
      assert.ok(bytes.length % 16_384 === 0 && isPrefix(bytes), `cut at ${cut}`)
    }
    // Together, so that they share the commits of their audit records.
    const all = [...cuts]
    while (all.length > 0) await Promise.all(all.splice(0, 60).map(check))
  })

  test('whose chunks are swapped, doubled, dropped or followed by others gives nothing of them', async () => {
    const sealed = await collect(await embedded.encryptStream(streamOf(plaintext), { key: 'files' }))
    const head = sealed.subarray(0, 224)
    const chunks = [0, 1, 2].map((index) => sealed.subarray(224 + index * 16_400, 224 + (index + 1) * 16_400))
    const [one, two, three] = chunks
    assert.ok(one !== undefined && two !== undefined && three !== undefined)
    const cases: [Uint8Array[], number][] = [
      [[two, one, three], 0],
      [[one, one, two, three], 16_384],
      [[one, three], 16_384],
      [[one, two, two, three], 2 * 16_384],
      [[one, two, three, three], 2 * 16_384],
      [[one, two, three, Buffer.alloc(1)], 2 * 16_384],
      [[three, one, two], 0],
      [[one, two], 2 * 16_384],
    ]
    for (const [order, genuine] of cases) {
      const { bytes, error } = await drain(() =>
        embedded.decryptStream(streamOf(Buffer.concat([head, ...order]))),
      )
      failsWith('DECRYPTION_FAILED')(error)
      assert.ok(bytes.length <= genuine && isPrefix(bytes))
    }
  })

  test('breaks off over HTTP, and the client says so', async () => {
    const long = randomBytes(3_000_000)
    const { admin } = server
    const sealed = await collect(await admin.encryptStream(streamOf(long), { key: 'files' }))
    const broken = Buffer.from(sealed)
    broken[broken.length - 1]! ^= 1
    const { bytes, error } = await drain(() => admin.decryptStream(streamOf(broken)))
    failsWith('STREAM_INCOMPLETE')(error)
    assert.ok(bytes.length < long.length && bytes.equals(long.subarray(0, bytes.length)))
    const [last] = await admin.audit.list({ last: 1 })
    assert.match(last?.body ?? '', /"outcome":"partial","code":"DECRYPTION_FAILED"/)
    // One that breaks before anything was given out is an ordinary error.
    const first = Buffer.from(sealed.subarray(0, 20_000))
    first[300]! ^= 1
    await assert.rejects(admin.decryptStream(streamOf(first)), failsWith('DECRYPTION_FAILED'))
  })
})

describe('a server', () => {
  test('takes only so many streams at once, and lets others in when one ends', async () => {
    const few = await startServer({ after }, { streams: { concurrent: 2 } })
    await few.admin.keys.create({ name: 'files' })
    const [one, two] = [
      await few.admin.encryptStream(stalled(), { key: 'files' }),
      await few.admin.encryptStream(stalled(), { key: 'files' }),
    ]
    await assert.rejects(few.admin.encryptStream(stalled(), { key: 'files' }), failsWith('TOO_MANY_STREAMS'))
    await one.cancel()
    await untilTrue(async () =>
      (await few.admin.audit.list({ last: 3 })).some(({ body }) => body.includes('"phase":"end"')),
    )
    const again = await few.admin.encryptStream(streamOf(randomBytes(10)), { key: 'files' })
    await collect(again)
    await two.cancel()
  })

  test('ends a stream that is longer than it was told to take', async () => {
    const small = await startServer({ after }, { streams: { maxBytes: 100_000 } })
    await small.admin.keys.create({ name: 'files' })
    const sealing = async () => small.admin.encryptStream(streamOf(randomBytes(200_000)), { key: 'files' })
    failsWith('STREAM_INCOMPLETE')((await drain(sealing)).error)
  })

  test('ends a stream on which nothing moves', async () => {
    const brisk = await startServer({ after }, { streams: { idleMilliseconds: 50 } })
    await brisk.admin.keys.create({ name: 'files' })
    const { error } = await drain(() => brisk.admin.encryptStream(stalled(), { key: 'files' }))
    failsWith('STREAM_INCOMPLETE')(error)
  })

  test('ends its streams when it is sealed', async () => {
    const short = await startServer({ after })
    await short.admin.keys.create({ name: 'files' })
    const stream = await short.admin.encryptStream(stalled(), { key: 'files' })
    const reading = drain(async () => stream)
    await short.admin.operator.seal()
    failsWith('STREAM_INCOMPLETE')((await reading).error)
  })

  test('refuses a stream of another type, a context that is none, and no token, in words', async () => {
    const ask = (headers: Record<string, string>, path = '/api/v1/encrypt-stream?key=files') =>
      server.send(path, { method: 'POST', token: server.adminToken, headers, body: 'x' })
    const octets = { 'content-type': 'application/octet-stream' }
    const cases = [
      [await ask({ 'content-type': 'application/json' }), 415, 'MEDIA_TYPE_UNSUPPORTED'],
      [await ask({ ...octets, 'coffre-context': '[]' }), 400, 'INVALID_REQUEST'],
      [await ask({ ...octets, 'coffre-context': '{"a":1}' }), 400, 'INVALID_REQUEST'],
      [await ask({ ...octets, 'coffre-context': `{"a":"${'x'.repeat(9_000)}"}` }), 413, 'LIMIT_EXCEEDED'],
      [await ask(octets, '/api/v1/encrypt-stream'), 400, 'INVALID_REQUEST'],
      [await ask(octets, '/api/v1/decrypt-stream'), 400, 'DECRYPTION_FAILED'],
      [await ask({ ...octets, authorization: 'Bearer x' }), 401, 'UNAUTHENTICATED'],
    ] as const
    for (const [answer, status, code] of cases) {
      assert.equal(answer.type, 'application/problem+json; charset=utf-8')
      assert.deepEqual([answer.status, answer.body['code']], [status, code])
    }
  })

  test('lets go of everything when the other side hangs up in the middle', async () => {
    const target = new URL(`${server.api}/encrypt-stream?key=files`)
    const sent = httpRequest(target, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${server.adminToken}`,
        'content-type': 'application/octet-stream',
        'x-request-id': 'hang-up-in-the-middle',
      },
    })
    sent.on('error', () => undefined)
    sent.on('response', (response) => {
      response.on('error', () => undefined)
      response.once('data', () => sent.destroy())
    })
    sent.write(randomBytes(100_000))
    await untilTrue(async () =>
      (await server.admin.audit.list({ last: 5 })).some(
        ({ body, requestId }) => requestId === 'hang-up-in-the-middle' && body.includes('"phase":"end"'),
      ),
    )
  })
})

test('a client keeps its time-out for the wait, not for the whole', async () => {
  const patient = connectCoffre(server.url, server.adminToken, { timeoutMilliseconds: 300 })
  async function* slow(): AsyncGenerator<Uint8Array> {
    for (let index = 0; index < 5; index += 1) {
      await new Promise((resolve) => setTimeout(resolve, 100))
      yield randomBytes(20_000)
    }
  }
  const sealed = await collect(await patient.encryptStream(ReadableStream.from(slow()), { key: 'files' }))
  assert.ok(sealed.length > 100_000)
})

/** One piece, and then nothing, for ever. */
function stalled(): ByteStream {
  return new ReadableStream({ start: (controller) => controller.enqueue(randomBytes(20_000)) })
}

async function untilTrue(check: () => Promise<boolean>): Promise<void> {
  while (!(await check())) await new Promise((resolve) => setImmediate(resolve))
}

test('streams pass through TLS in both directions', { skip: withoutOpenssl }, async () => {
  const folder = makeFolder({ after })
  const authority = new Authority(folder)
  const { certificateFile, keyFile } = authority.issue('server')
  const served = await serve({
    dataDir: makeFolder({ after }),
    createIfMissing: true,
    host: '127.0.0.1',
    port: 0,
    logLevel: 'silent',
    tls: { certificateFile, keyFile, minimumVersion: '1.2' },
  })
  after(() => served.close())
  const token = readFileSync(served.firstTokenFile, 'utf8').trim()
  const coffre = connectCoffre(served.url, token, { tls: { ca: authority.certificate } })
  await coffre.keys.create({ name: 'files' })
  const plaintext = randomBytes(2_000_000)
  const sealed = await collect(await coffre.encryptStream(streamOf(plaintext), { key: 'files' }))
  assert.ok((await collect(await coffre.decryptStream(streamOf(sealed)))).equals(plaintext))
  sealed[sealed.length - 1]! ^= 1
  failsWith('STREAM_INCOMPLETE')((await drain(() => coffre.decryptStream(streamOf(sealed)))).error)
  const stalledStream = await coffre.encryptStream(stalled(), { key: 'files' })
  await stalledStream.cancel()
  await coffre.close()
})
