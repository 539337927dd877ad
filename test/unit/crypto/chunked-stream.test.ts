import assert from 'node:assert/strict'
import { Duplex, Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { describe, test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { openChunked, sealChunked } from '../../../src/crypto/chunked.ts'
import { CHUNKED_AES_256_GCM } from '../../../src/crypto/chunked-message.ts'
import { ChunkOpener, ChunkSealer } from '../../../src/crypto/chunked-pieces.ts'
import {
  decryptNodeStream,
  decryptStream,
  encryptNodeStream,
  encryptStream,
} from '../../../src/crypto/chunked-stream.ts'
import { randomBytes, randomKeyMaterial } from '../../../src/crypto/random.ts'
import { hasCode } from '../../../src/model/errors.ts'

const MIB = 1024 * 1024
const CHUNK = 16_384
const SEALED = CHUNK + 16
const key = randomKeyMaterial(32)
const context = Buffer.from('backup 9')
const message = randomBytes(3 * CHUNK + 777)
const sealed = sealChunked(key, message, context)

const failed = (error: unknown): boolean => hasCode(error, 'DECRYPTION_FAILED')
const invalid = (error: unknown): boolean => hasCode(error, 'INVALID_REQUEST')

type BytePair = TransformStream<Uint8Array, Uint8Array>

const KINDS = [
  {
    name: 'Web Streams',
    encrypt: (input: Iterable<Uint8Array>) => throughWeb(encryptStream(key, context), input),
    decrypt: (input: Iterable<Uint8Array>) => throughWeb(decryptStream(key, context), input),
  },
  {
    name: 'Node streams',
    encrypt: (input: Iterable<Uint8Array>) => throughNode(encryptNodeStream(key, context), input),
    decrypt: (input: Iterable<Uint8Array>) => throughNode(decryptNodeStream(key, context), input),
  },
] as const

for (const { name, encrypt, decrypt } of KINDS) {
  describe(`chunked encryption as ${name}`, () => {
    test('pieces of any size give a ciphertext that opens whole', async () => {
      for (const pieceBytes of [1, 13, 4_093, CHUNK, CHUNK + 1, 65_536, 10 * MIB]) {
        const { bytes, error } = await encrypt(piecesOf(message, pieceBytes))
        assert.equal(error, undefined)
        assert.deepEqual(openChunked(key, bytes, context), message, `pieces of ${pieceBytes}`)
      }
    })

    test('a ciphertext in pieces of any size is decrypted', async () => {
      for (const pieceBytes of [1, 13, 4_093, SEALED, SEALED + 1, 65_536, 10 * MIB]) {
        const { bytes, error } = await decrypt(piecesOf(sealed, pieceBytes))
        assert.equal(error, undefined)
        assert.deepEqual(bytes, message, `pieces of ${pieceBytes}`)
      }
    })

    test('an empty message, a message of full chunks and empty pieces are served', async () => {
      for (const length of [0, CHUNK, 2 * CHUNK]) {
        const plaintext = randomBytes(length)
        const there = await encrypt([new Uint8Array(0), plaintext, new Uint8Array(0)])
        const back = await decrypt([new Uint8Array(0), there.bytes, new Uint8Array(0)])
        assert.deepEqual(back, { bytes: plaintext, error: undefined })
      }
      assert.equal((await encrypt([])).bytes.length, 56 + 16)
    })

    test('a cut ciphertext fails, and what came out before is the beginning of the message', async () => {
      const cuts = [0, 1, 55, 56, 57, 71, 72, 73]
      for (const edge of [56 + SEALED, 56 + 2 * SEALED, 56 + 3 * SEALED]) {
        for (let cut = edge - 18; cut <= edge + 18; cut += 1) cuts.push(cut)
      }
      for (const cut of [...cuts, sealed.length - 1]) {
        const { bytes, error } = await decrypt(piecesOf(sealed.subarray(0, cut), 5_003))
        assert.ok(failed(error), `cut at ${cut}`)
        assert.equal(bytes.length % CHUNK, 0)
        assert.deepEqual(bytes, Uint8Array.from(message.subarray(0, bytes.length)))
      }
    })

    test('nothing of a bad chunk comes out, whatever the pieces', async () => {
      const changed = Uint8Array.from(sealed)
      changed[56 + SEALED + 5]! ^= 0x10
      for (const pieceBytes of [997, SEALED, 65_536, MIB]) {
        const { bytes, error } = await decrypt(piecesOf(changed, pieceBytes))
        assert.ok(failed(error))
        assert.ok(bytes.length <= CHUNK)
        assert.deepEqual(bytes, Uint8Array.from(message.subarray(0, bytes.length)))
      }
    })

    test('trailing bytes after the final chunk fail', async () => {
      for (const extra of [1, 16, SEALED, 2 * SEALED]) {
        const { error } = await decrypt(piecesOf(Buffer.concat([sealed, new Uint8Array(extra)]), 8_191))
        assert.ok(failed(error))
      }
    })
  })
}

describe('a chunked stream', () => {
  test('refuses a key of another length at once', () => {
    const short = randomKeyMaterial(16)
    assert.throws(
      () => encryptStream(short, context),
      (error) => hasCode(error, 'KEY_REFUSED'),
    )
    assert.throws(
      () => encryptNodeStream(short, context),
      (error) => hasCode(error, 'KEY_REFUSED'),
    )
    assert.throws(() => decryptStream(short, context), failed)
    assert.throws(() => decryptNodeStream(short, context), failed)
  })

  test('stays failed on both sides after an error', async () => {
    const { readable, writable } = decryptStream(key, new Uint8Array(0))
    const [reader, writer] = [readable.getReader(), writable.getWriter()]
    const writing = writer.write(sealed)
    await assert.rejects(reader.read(), failed)
    await assert.rejects(writing, failed)
    for (let round = 0; round < 2; round += 1) {
      await assert.rejects(reader.read(), failed)
      await assert.rejects(writer.write(sealed), failed)
    }
    await assert.rejects(writer.close(), (error) => error instanceof Error)
    await assert.rejects(reader.closed, failed)
    await assert.rejects(writer.closed, failed)
  })

  test('stays failed beneath the stream, too', () => {
    const opener = new ChunkOpener({ aead: CHUNKED_AES_256_GCM, key, context })
    assert.equal([...opener.update(sealed.subarray(0, 56))].length, 0)
    assert.throws(() => [...opener.update(new Uint8Array(SEALED))], failed)
    const goodRest = sealed.subarray(56)
    assert.throws(() => [...opener.update(goodRest)], failed, 'not even the right bytes mend it')
    assert.throws(() => opener.finish(), failed)
    const ended = new ChunkSealer({ aead: CHUNKED_AES_256_GCM, key, context })
    ended.finish()
    assert.throws(() => ended.finish(), /unreachable/)
    assert.throws(() => [...ended.update(message)], /unreachable/)
  })

  test('refuses pieces that are no bytes', async () => {
    const { readable, writable } = encryptStream(key, context)
    // @ts-expect-error a string is not bytes
    const writing = writable.getWriter().write('text')
    await assert.rejects(readable.getReader().read(), invalid)
    await assert.rejects(writing, invalid)
  })

  test('ends its writing side when the reader cancels, even while a write waits', async () => {
    const { readable, writable } = encryptStream(key, context)
    const writer = writable.getWriter()
    const writing = writer.write(randomBytes(MIB))
    const reader = readable.getReader()
    await reader.read()
    const reason = new Error('enough')
    await reader.cancel(reason)
    await assert.rejects(writing, reason)
    await assert.rejects(writer.write(message), reason)
    await assert.rejects(writer.closed, reason)
  })

  test('ends its reading side when the writer aborts, even while a write waits', async () => {
    const { readable, writable } = encryptStream(key, context)
    const writer = writable.getWriter()
    const writing = writer.write(randomBytes(MIB))
    const reader = readable.getReader()
    await reader.read()
    const reason = new Error('gone')
    const aborting = writer.abort(reason)
    await assert.rejects(writing, reason)
    await aborting
    await assert.rejects(reader.read(), reason)
    await assert.rejects(writer.closed, reason)
  })

  test('a destroyed Node stream closes, even while a write waits', async () => {
    const stream = encryptNodeStream(key, context)
    const closed = new Promise((resolve) => stream.once('close', resolve))
    const errors: unknown[] = []
    stream.on('error', (error) => errors.push(error))
    stream.write(randomBytes(MIB))
    await new Promise((resolve) => stream.once('readable', resolve))
    const reason = new Error('stop')
    stream.destroy(reason)
    await closed
    assert.deepEqual(errors, [reason])
  })

  test('serves Readable, pipeThrough and pipeline together', async () => {
    const encrypted = Readable.toWeb(Readable.from([Buffer.from(message)])) as ReadableStream<Uint8Array>
    const parts: Uint8Array[] = []
    await pipeline(
      Duplex.from(encrypted.pipeThrough(encryptStream(key, context))),
      decryptNodeStream(key, context),
      async (source: AsyncIterable<Uint8Array>) => {
        for await (const part of source) parts.push(part)
      },
    )
    assert.deepEqual(joined(parts), message)
  })
})

describe('the memory of a chunked stream', () => {
  test('one large piece is worked on only as fast as it is read', async () => {
    const { readable, writable } = encryptStream(key, context)
    const writer = writable.getWriter()
    let isWritten = false
    const writing = writer.write(new Uint8Array(10 * MIB)).finally(() => {
      isWritten = true
    })
    const reader = readable.getReader()
    let readBytes = 0
    while (readBytes < 10 * MIB) {
      assert.equal(isWritten, false, 'the piece is still in use')
      const { value } = await reader.read()
      assert.ok(value!.length <= 4 * SEALED, 'at most four chunks at a time')
      readBytes += value!.length
    }
    const closing = writer.close()
    assert.equal((await reader.read()).value!.length, 16)
    assert.equal((await reader.read()).done, true)
    await Promise.all([writing, closing])
  })

  test('256 MiB through both directions hold less than 4 MiB at any time', async () => {
    const total = 256 * MIB
    const piece = randomBytes(MIB)
    function* generate(): Generator<Uint8Array> {
      for (let sent = 0; sent < total; sent += piece.length) yield piece
    }
    const before = heldBytes()
    let [received, peak, nextSample] = [0, 0, 0]
    const source = ReadableStream.from(generate())
    const through = source.pipeThrough(encryptStream(key, context)).pipeThrough(decryptStream(key, context))
    for await (const part of through) {
      received += part.length
      if (received < nextSample) continue
      nextSample = received + 16 * MIB
      peak = Math.max(peak, heldBytes() - before)
    }
    assert.equal(received, total)
    assert.ok(peak < 4 * MIB, `${Math.ceil(peak / MIB)} MiB`)
  })
})

/** Memory that is still reachable: garbage is collected first, so that its timing does not matter. */
function heldBytes(): number {
  // Array buffers are swept in the background; the second collection waits for the first one's sweep.
  collectGarbage()
  collectGarbage()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

interface Outcome {
  readonly bytes: Uint8Array
  readonly error: unknown
}

async function throughWeb(pair: BytePair, input: Iterable<Uint8Array>): Promise<Outcome> {
  const parts: Uint8Array[] = []
  try {
    for await (const part of ReadableStream.from(input).pipeThrough(pair)) parts.push(part)
    return { bytes: joined(parts), error: undefined }
  } catch (error) {
    return { bytes: joined(parts), error }
  }
}

async function throughNode(stream: Duplex, input: Iterable<Uint8Array>): Promise<Outcome> {
  const parts: Uint8Array[] = []
  try {
    await pipeline(Readable.from(input, { objectMode: false }), stream, async (source) => {
      for await (const part of source) parts.push(part)
    })
    return { bytes: joined(parts), error: undefined }
  } catch (error) {
    return { bytes: joined(parts), error }
  }
}

function* piecesOf(bytes: Uint8Array, pieceBytes: number): Generator<Uint8Array> {
  for (let offset = 0; offset < bytes.length; offset += pieceBytes) {
    yield Buffer.from(bytes.subarray(offset, offset + pieceBytes))
  }
}

setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')

const joined = (parts: readonly Uint8Array[]): Uint8Array => Uint8Array.from(Buffer.concat(parts))
