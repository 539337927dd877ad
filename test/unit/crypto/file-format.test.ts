import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { sealChunked } from '../../../src/crypto/chunked.ts'
import { CHUNKED_AES_256_GCM } from '../../../src/crypto/chunked-message.ts'
import { RangeOpener } from '../../../src/crypto/chunked-range.ts'
import { encodeHeader, type Construction } from '../../../src/crypto/ciphertext-header.ts'
import { decryptFileBody, decryptFileRange, encryptFileBody } from '../../../src/crypto/file-body.ts'
import { encodeFileHeader, type FileHeader, readFileHeader } from '../../../src/crypto/file-header.ts'
import { randomBytes, randomKeyMaterial, randomUuid } from '../../../src/crypto/random.ts'
import { planRange, type RangePlan } from '../../../src/model/file-layout.ts'
import { parseKeyId, parseVersionNumber } from '../../../src/model/ids.ts'
import { failsWith } from '../../temporary.ts'

const keyId = parseKeyId(randomUuid())

function dataKeyCiphertext(construction: Construction = 'message', changes: object = {}): Buffer {
  const header = encodeHeader({ construction, keyId, version: parseVersionNumber(7), ...changes })
  return Buffer.concat([header, Buffer.alloc(116, 1)])
}

function headerOf(ciphertext: Uint8Array): FileHeader {
  const header = encodeFileHeader(Buffer.from(ciphertext).toString('base64url'))
  assert.ok(header !== undefined)
  return header
}

describe('the header of a file', () => {
  test('is read as it was written, once all of it is there', () => {
    for (const construction of ['message', 'oaep'] as const) {
      const ciphertext = dataKeyCiphertext(construction)
      const { bytes, dataKeyCiphertext: text } = headerOf(ciphertext)
      assert.equal(bytes.length, 28 + 140)
      const whole = Buffer.concat([bytes, Buffer.from('the body')])
      const read = readFileHeader(whole)
      assert.ok(read !== undefined && 'bytes' in read)
      assert.deepEqual([Buffer.from(read.bytes), read.dataKeyCiphertext], [Buffer.from(bytes), text])
      assert.deepEqual(readFileHeader(bytes.subarray(0, 27)), { needs: 28 })
      assert.deepEqual(readFileHeader(bytes.subarray(0, 28)), { needs: 168 })
      assert.deepEqual(readFileHeader(bytes.subarray(0, 167)), { needs: 168 })
    }
  })
  test('is not made over what binds no context, or is no ciphertext of ours', () => {
    for (const construction of ['file', 'wrapped'] as const) {
      assert.equal(encodeFileHeader(dataKeyCiphertext(construction).toString('base64url')), undefined)
    }
    for (const text of ['', 'no base64url!', Buffer.alloc(140).toString('base64url')]) {
      assert.equal(encodeFileHeader(text), undefined)
    }
  })
  test('is none where the outside and the data key contradict each other', () => {
    const good = Buffer.from(headerOf(dataKeyCiphertext()).bytes)
    const spoil = (change: (bytes: Buffer) => void) => {
      const bytes = Buffer.from(good)
      change(bytes)
      return readFileHeader(bytes)
    }
    const changes: readonly ((bytes: Buffer) => void)[] = [
      (bytes) => (bytes[3] = 1),
      (bytes) => bytes.writeUInt32BE(8, 20),
      (bytes) => (bytes[4] = (bytes[4] ?? 0) ^ 1),
      (bytes) => (bytes[28 + 3] = 4),
      (bytes) => (bytes[28] = 0),
      (bytes) => bytes.writeUInt32BE(4_097, 24),
    ]
    for (const [at, change] of changes.entries()) assert.equal(spoil(change), undefined, `change ${at}`)
    assert.deepEqual(
      spoil((bytes) => bytes.writeUInt32BE(4_096, 24)),
      { needs: 28 + 4_096 },
    )
  })
})

async function through(
  stream: TransformStream<Uint8Array, Uint8Array>,
  bytes: Uint8Array,
  pieceBytes = 10_000,
): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  for (let at = 0; at < bytes.length; at += pieceBytes) pieces.push(bytes.subarray(at, at + pieceBytes))
  const output = ReadableStream.from(pieces).pipeThrough(stream)
  return Buffer.concat(await Array.fromAsync(output))
}

describe('the body of a file', () => {
  const header = headerOf(dataKeyCiphertext())
  test('comes back under its own header alone, and the data key is wiped at once', async () => {
    const [key, plain] = [randomBytes(32), randomBytes(40_000)]
    const given = Uint8Array.from(key)
    const stream = encryptFileBody(given, header)
    assert.deepEqual(given, new Uint8Array(32))
    const sealed = await through(stream, plain)
    assert.equal(sealed.length, 56 + 40_000 + 3 * 16)
    const back = Uint8Array.from(key)
    assert.deepEqual(await through(decryptFileBody(back, header), sealed), Buffer.from(plain))
    assert.deepEqual(back, new Uint8Array(32))
    const other = headerOf(dataKeyCiphertext('message', { version: parseVersionNumber(8) }))
    await assert.rejects(
      through(decryptFileBody(Uint8Array.from(key), other), sealed),
      failsWith('DECRYPTION_FAILED'),
    )
  })
})

const CHUNK = 16_384
const SEALED = CHUNK + 16
const key = randomKeyMaterial(32)
const context = Buffer.from('a header')

/** What a reader is sent of a body: the header, the final chunk and the chunks of the range. */
function partsOf(body: Uint8Array, plan: RangePlan): Uint8Array {
  const end = Math.min(56 + plan.end * SEALED, body.length)
  return Buffer.concat([
    body.subarray(0, 56),
    body.subarray(plan.lastOffset, plan.lastOffset + plan.lastBytes),
    body.subarray(56 + plan.first * SEALED, Math.max(end, 56 + plan.first * SEALED)),
  ])
}

function openRange(plan: RangePlan, parts: Uint8Array, pieceBytes: number): Buffer {
  const opener = new RangeOpener({ aead: CHUNKED_AES_256_GCM, key, context }, plan)
  const output: Uint8Array[] = []
  for (let at = 0; at < parts.length; at += pieceBytes) {
    for (const plain of opener.update(parts.subarray(at, at + pieceBytes))) output.push(plain)
  }
  output.push(opener.finish())
  return Buffer.concat(output)
}

describe('a part of a file', () => {
  test('is the part that was asked for, in pieces of any size', () => {
    for (const length of [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 3 * CHUNK + 5]) {
      const plain = randomBytes(length)
      const body = sealChunked(key, plain, context)
      for (const [offset, take] of [
        [0, 0],
        [0, 1],
        [0, length],
        [1, CHUNK],
        [CHUNK - 1, 2],
        [CHUNK, CHUNK],
        [length - 1, 9],
        [length, 9],
      ] as const) {
        if (offset < 0 || offset > length) continue
        const plan = planRange(body.length, { offset, length: take })
        const expected = Buffer.from(plain.subarray(offset, offset + take))
        for (const pieceBytes of [7_001, 1_000_000]) {
          assert.deepEqual(
            openRange(plan, partsOf(body, plan), pieceBytes),
            expected,
            `${offset} + ${take} of ${length}`,
          )
        }
      }
    }
  })
  test('that is cut, longer, or changed anywhere gives an error', () => {
    const body = sealChunked(key, randomBytes(3 * CHUNK + 5), context)
    const plan = planRange(body.length, { offset: CHUNK + 3, length: CHUNK })
    const parts = Buffer.from(partsOf(body, plan))
    const fails = failsWith('DECRYPTION_FAILED')
    for (const length of [0, 1, 56, 76, 77, parts.length - 1]) {
      assert.throws(() => openRange(plan, parts.subarray(0, length), 5_000), fails, `${length} bytes`)
    }
    assert.throws(() => openRange(plan, Buffer.concat([parts, Buffer.of(0)]), 5_000), fails)
    for (const at of [0, 30, 60, 100, parts.length - 1]) {
      const changed = Buffer.from(parts)
      changed[at] = (changed[at] ?? 0) ^ 1
      assert.throws(() => openRange(plan, changed, 5_000), fails, `byte ${at}`)
    }
  })
  test('of a body that was shortened is refused, because the final chunk is another', () => {
    const body = sealChunked(key, randomBytes(3 * CHUNK + 5), context)
    const shorter = body.subarray(0, 56 + 3 * SEALED - 1)
    const plan = planRange(shorter.length, { offset: 0, length: 10 })
    assert.throws(() => openRange(plan, partsOf(shorter, plan), 5_000), failsWith('DECRYPTION_FAILED'))
  })
  test('is opened as a stream under the header of its file', async () => {
    const header = headerOf(dataKeyCiphertext())
    const [dataKey, plain] = [randomBytes(32), randomBytes(2 * CHUNK)]
    const body = await through(encryptFileBody(Uint8Array.from(dataKey), header), plain)
    const plan = planRange(body.length, { offset: 100, length: CHUNK })
    const given = Uint8Array.from(dataKey)
    const opened = await through(decryptFileRange(given, header, plan), partsOf(body, plan))
    assert.deepEqual(opened, Buffer.from(plain.subarray(100, 100 + CHUNK)))
    assert.deepEqual(given, new Uint8Array(32))
  })
  test('holds nothing when it is let go', () => {
    const body = sealChunked(key, randomBytes(10), context)
    const plan = planRange(body.length, { offset: 0 })
    const opener = new RangeOpener({ aead: CHUNKED_AES_256_GCM, key, context }, plan)
    for (const _ of opener.update(body.subarray(0, 50))) assert.fail('nothing is whole yet')
    opener.discard()
    assert.throws(() => opener.finish(), failsWith('DECRYPTION_FAILED'))
    assert.throws(
      () => [...opener.update(body.subarray(50))].length > 0 || opener.finish(),
      failsWith('DECRYPTION_FAILED'),
    )
  })
})
