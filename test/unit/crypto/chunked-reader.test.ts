import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { sealChunked } from '../../../src/crypto/chunked.ts'
import { type ByteSource, openChunkedReader } from '../../../src/crypto/chunked-reader.ts'
import { randomBytes, randomKeyMaterial } from '../../../src/crypto/random.ts'
import { hasCode } from '../../../src/model/errors.ts'

const CHUNK = 16_384
const SEALED = CHUNK + 16
const key = randomKeyMaterial(32)
const context = Buffer.from('file 3')
const message = randomBytes(40 * CHUNK + 5_000)
const sealed = sealChunked(key, message, context)

const failed = (error: unknown): boolean => hasCode(error, 'DECRYPTION_FAILED')
const invalid = (error: unknown): boolean => hasCode(error, 'INVALID_REQUEST')
const pick = (below: number): number => Buffer.from(randomBytes(4)).readUInt32BE() % below

function sourceOf(bytes: Uint8Array): ByteSource & { readonly reads: [number, number][] } {
  const reads: [number, number][] = []
  const read = (offset: number, length: number): Promise<Uint8Array> => {
    reads.push([offset, length])
    return Promise.resolve(bytes.subarray(offset, offset + length))
  }
  return { size: bytes.length, read, reads }
}

function changedAt(position: number): Uint8Array {
  const changed = Uint8Array.from(sealed)
  changed[position]! ^= 1
  return changed
}

describe('random access to a chunked message', () => {
  test('any range equals the same slice of the message', async () => {
    const reader = await openChunkedReader(key, context, sourceOf(sealed))
    assert.equal(reader.length(), message.length)
    const edges = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 16 * CHUNK, message.length - 1, message.length]
    const ranges = edges.flatMap((offset) => edges.map((length) => [offset, length] as const))
    for (let count = 0; count < 200; count += 1) {
      ranges.push([pick(message.length), pick(count % 2 === 0 ? 300 : message.length)])
    }
    for (const [offset, length] of ranges) {
      const expected = message.subarray(offset, offset + length)
      assert.deepEqual(await reader.read(offset, length), Uint8Array.from(expected), `${offset} + ${length}`)
    }
  })

  test('a read fetches only the chunks that it needs', async () => {
    const source = sourceOf(sealed)
    const reader = await openChunkedReader(key, context, source)
    source.reads.length = 0
    await reader.read(5 * CHUNK + 10, 20)
    await reader.read(7 * CHUNK - 1, 2)
    await reader.read(message.length, 10)
    assert.deepEqual(source.reads, [
      [56 + 5 * SEALED, SEALED],
      [56 + 6 * SEALED, 2 * SEALED],
    ])
  })

  test('nothing is told of a message whose header or final chunk is not authentic', async () => {
    const appended = Buffer.concat([sealed, new Uint8Array(16)])
    const wholeChunk = Buffer.concat([sealed.subarray(0, 56 + SEALED), sealed.subarray(56, 56 + SEALED)])
    const bad = [changedAt(0), changedAt(30), changedAt(sealed.length - 1), appended, wholeChunk]
    bad.push(sealed.subarray(0, 56 + 3 * SEALED), sealed.subarray(0, 56), sealed.subarray(0, 20))
    bad.push(sealed.subarray(0, sealed.length - 1), new Uint8Array(0))
    for (const bytes of bad) await assert.rejects(openChunkedReader(key, context, sourceOf(bytes)), failed)
    await assert.rejects(openChunkedReader(key, new Uint8Array(0), sourceOf(sealed)), failed)
    await assert.rejects(openChunkedReader(randomKeyMaterial(16), context, sourceOf(sealed)), failed)
  })

  test('a bad chunk fails the reads that touch it and no others', async () => {
    const reader = await openChunkedReader(key, context, sourceOf(changedAt(56 + 3 * SEALED + 7)))
    for (let round = 0; round < 2; round += 1) {
      await assert.rejects(reader.read(3 * CHUNK, 1), failed)
      await assert.rejects(reader.read(0, message.length), failed)
      const after = await reader.read(4 * CHUNK, 50)
      assert.deepEqual(after, Uint8Array.from(message.subarray(4 * CHUNK, 4 * CHUNK + 50)))
    }
  })

  test('chunks that changed places fail, though the final chunk is authentic', async () => {
    const swapped = Uint8Array.from(sealed)
    swapped.set(sealed.subarray(56, 56 + SEALED), 56 + SEALED)
    swapped.set(sealed.subarray(56 + SEALED, 56 + 2 * SEALED), 56)
    const reader = await openChunkedReader(key, context, sourceOf(swapped))
    await assert.rejects(reader.read(0, 1), failed)
    await assert.rejects(reader.read(CHUNK, 1), failed)
  })

  test('a source that gives fewer or more bytes than asked is refused', async () => {
    for (const change of [-1, 1]) {
      const source: ByteSource = {
        size: sealed.length,
        read: (offset, length) => Promise.resolve(sealed.subarray(offset, offset + length + change)),
      }
      await assert.rejects(openChunkedReader(key, context, source), failed)
    }
  })

  test('an error of the source passes through', async () => {
    const broken = new Error('disk')
    const source: ByteSource = { size: sealed.length, read: () => Promise.reject(broken) }
    await assert.rejects(openChunkedReader(key, context, source), broken)
  })

  test('positions that are no whole numbers are refused', async () => {
    const reader = await openChunkedReader(key, context, sourceOf(sealed))
    for (const bad of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
      await assert.rejects(reader.read(bad, 1), invalid)
      await assert.rejects(reader.read(0, bad), invalid)
    }
  })
})
