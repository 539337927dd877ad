import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { openChunked, sealChunked } from '../../../src/crypto/chunked.ts'
import {
  ChunkNonces,
  MAX_WHOLE_BYTES,
  MessageKeys,
  shapeOfCiphertext,
} from '../../../src/crypto/chunked-message.ts'
import { KeyMaterial } from '../../../src/crypto/key-material.ts'
import { randomBytes, randomKeyMaterial } from '../../../src/crypto/random.ts'
import { CoffreError, hasCode } from '../../../src/model/errors.ts'

const CHUNK = 16_384
const SEALED = CHUNK + 16
const key = randomKeyMaterial(32)
const context = Buffer.from('backup 7')

const failed = (error: unknown): boolean => hasCode(error, 'DECRYPTION_FAILED')
const tooLong = (error: unknown): boolean => hasCode(error, 'LIMIT_EXCEEDED')
const wide = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).toString('hex')}`)
const refusedAs =
  (cause: string) =>
  (error: unknown): boolean =>
    error instanceof CoffreError && failed(error) && error.cause === cause

/** Three chunks: two full ones and 100 bytes. */
const message = randomBytes(2 * CHUNK + 100)
const sealed = sealChunked(key, message, context)

describe('chunked encryption of whole buffers', () => {
  test('opens the example of docs/spec/chunked.md', () => {
    const exampleKey = new KeyMaterial(Uint8Array.from({ length: 32 }, (_, index) => index))
    const ciphertext = Buffer.from(
      '404142434445464748494a4b4c4d4e4f5051525354555657' +
        '638f22cc1d0643eb65c54a7e9fa7739250ad99ff03380fbe9a6b231957759776' +
        'bfff2f21ebef7484f966ef3001a824aa73bbb935a7',
      'hex',
    )
    const opened = openChunked(exampleKey, ciphertext, Buffer.from('example'))
    assert.equal(Buffer.from(opened).toString(), 'hello')
  })

  test('a message of any length around the chunk boundaries comes back, with the stated overhead', () => {
    for (const chunks of [0, 1, 2, 5]) {
      for (const extra of [0, 1, 15, 16, 17, CHUNK - 1]) {
        const plaintext = randomBytes(chunks * CHUNK + extra)
        const ciphertext = sealChunked(key, plaintext, context)
        assert.equal(ciphertext.length, 56 + plaintext.length + 16 * (chunks + 1))
        assert.deepEqual(openChunked(key, ciphertext, context), plaintext)
      }
    }
  })

  test('two encryptions of one message have nothing in common', () => {
    const first = Buffer.from(sealChunked(key, new Uint8Array(0), context))
    const second = Buffer.from(sealChunked(key, new Uint8Array(0), context))
    assert.notDeepEqual(first.subarray(0, 24), second.subarray(0, 24))
    assert.notDeepEqual(first.subarray(24, 56), second.subarray(24, 56))
    assert.notDeepEqual(first.subarray(56), second.subarray(56))
  })

  test('a wrong context, key or commitment is refused before any chunk', () => {
    const contexts = [new Uint8Array(0), Buffer.from('backup 8'), Buffer.from('backup 7\0')]
    for (const other of contexts)
      assert.throws(() => openChunked(key, sealed, other), refusedAs('commitment'))
    const otherKey = randomKeyMaterial(32)
    assert.throws(() => openChunked(otherKey, sealed, context), refusedAs('commitment'))
  })

  test('a key of another length is refused', () => {
    for (const length of [16, 31, 33, 64]) {
      const other = randomKeyMaterial(length)
      assert.throws(
        () => sealChunked(other, message, context),
        (error) => hasCode(error, 'KEY_REFUSED'),
      )
      assert.throws(() => openChunked(other, sealed, context), refusedAs('key-length'))
    }
  })

  test('a ciphertext cut anywhere is refused', () => {
    const cuts = new Set<number>()
    for (let cut = 0; cut < sealed.length; cut += 97) cuts.add(cut)
    for (const edge of [0, 24, 56, 56 + SEALED, 56 + 2 * SEALED, sealed.length]) {
      for (let cut = Math.max(edge - 40, 0); cut < Math.min(edge + 40, sealed.length); cut += 1) cuts.add(cut)
    }
    assert.ok(cuts.size > 600)
    for (const cut of cuts) {
      assert.throws(() => openChunked(key, sealed.subarray(0, cut), context), failed, `cut at ${cut}`)
    }
  })

  test('any changed bit is refused', () => {
    const positions = Array.from({ length: 56 + 40 }, (_, index) => index)
    for (let position = 96; position < sealed.length; position += 211) positions.push(position)
    for (const position of [...positions, sealed.length - 1]) {
      const changed = Uint8Array.from(sealed)
      changed[position]! ^= 1 << (position % 8)
      assert.throws(() => openChunked(key, changed, context), failed, `byte ${position}`)
    }
  })

  test('swapped, repeated, removed and added chunks are refused', () => {
    const header = sealed.subarray(0, 56)
    const chunk = (index: number): Uint8Array =>
      sealed.subarray(56 + index * SEALED, 56 + (index + 1) * SEALED)
    const [first, second, last] = [chunk(0), chunk(1), chunk(2)]
    const wrongOrders = [
      [second, first, last],
      [first, first, last],
      [first, second, second, last],
      [first, last],
      [second, last],
      [first, second],
      [first, second, last, last],
      [first, second, last, first],
      [last],
    ]
    for (const order of wrongOrders) {
      assert.throws(() => openChunked(key, Buffer.concat([header, ...order]), context), failed)
    }
    assert.deepEqual(openChunked(key, Buffer.concat([header, first, second, last]), context), message)
  })

  test('trailing bytes are refused', () => {
    for (const extra of [1, 15, 16, 17, SEALED - 116, SEALED]) {
      const longer = Buffer.concat([sealed, new Uint8Array(extra)])
      assert.throws(() => openChunked(key, longer, context), failed)
    }
  })

  test('what is longer than the bounds is refused before it is worked on', () => {
    const long = new Uint8Array(MAX_WHOLE_BYTES + 1)
    assert.throws(() => sealChunked(key, long, context), tooLong)
    assert.throws(() => openChunked(key, new Uint8Array(MAX_WHOLE_BYTES + 2 ** 20), context), tooLong)
    assert.throws(() => sealChunked(key, message, new Uint8Array(128 * 1024 + 1)), tooLong)
    assert.throws(() => openChunked(key, sealed, new Uint8Array(128 * 1024 + 1)), tooLong)
  })

  test('an error shows neither its cause nor anything of the message', () => {
    const error = catchError(() => openChunked(key, sealed.subarray(0, 100), context))
    assert.deepEqual(Object.keys(JSON.parse(JSON.stringify(error))), ['code', 'message', 'next', 'facts'])
    assert.deepEqual(error.facts, {})
    assert.ok(!Object.keys(error).includes('cause'))
  })
})

describe('chunk numbers', () => {
  test('the nonce is the base nonce XOR the number, big-endian over its last five bytes', () => {
    const base = Buffer.from('f0e1d2c3b4a5968778695a4b', 'hex')
    const nonces = new ChunkNonces(base)
    for (const index of [0, 1, 255, 256, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 37 + 12_345, 2 ** 38 - 1]) {
      assert.equal(wide(nonces.at(index)), wide(base) ^ BigInt(index), `chunk ${index}`)
    }
    assert.equal(wide(nonces.at(0)), wide(base), 'an earlier number leaves nothing behind')
  })

  test('a chunk number of 2^38 is refused on both sides', () => {
    const keys = new MessageKeys('aes-256-gcm', randomBytes(32), randomBytes(12))
    const target = new Uint8Array(17)
    keys.sealInto(2 ** 38 - 1, Uint8Array.of(9), target, 0)
    assert.deepEqual(Uint8Array.from(keys.open(2 ** 38 - 1, target)), Uint8Array.of(9))
    const seal = (): void => keys.sealInto(2 ** 38, Uint8Array.of(9), target, 0)
    assert.throws(seal, (error) => hasCode(error, 'LIMIT_EXCEEDED'))
    assert.throws(() => keys.open(2 ** 38, target), refusedAs('too-long'))
    assert.throws(() => shapeOfCiphertext(56 + 2 ** 38 * SEALED + 16), refusedAs('too-long'))
    assert.equal(shapeOfCiphertext(56 + 2 ** 38 * SEALED - 1).lastIndex, 2 ** 38 - 1)
  })
})

function catchError(action: () => unknown): CoffreError {
  try {
    action()
  } catch (error) {
    if (error instanceof CoffreError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}
