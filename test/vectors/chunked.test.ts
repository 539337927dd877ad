import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { describe, test } from 'node:test'
import { inflateSync } from 'node:zlib'
import { openChunked, openWhole } from '../../src/crypto/chunked.ts'
import {
  CHUNKED_AES_128_GCM,
  CHUNKED_AES_256_GCM,
  type ChunkedAead,
  type ChunkedInput,
} from '../../src/crypto/chunked-message.ts'
import { ChunkOpener } from '../../src/crypto/chunked-pieces.ts'
import { ChunkedReader, openChunkedReader } from '../../src/crypto/chunked-reader.ts'
import {
  decryptNodeStream,
  decryptStream,
  toNodeStream,
  toWebStream,
} from '../../src/crypto/chunked-stream.ts'
import { KeyMaterial } from '../../src/crypto/key-material.ts'
import { hasCode } from '../../src/model/errors.ts'

interface VectorFile {
  readonly testGroups: readonly { readonly aead: string; readonly tests: readonly Vector[] }[]
}

interface Vector {
  readonly tcId: number
  readonly comment: string
  readonly key: string
  readonly ctx: string
  /** zlib-compressed */
  readonly ct: string
  readonly msgLength?: number
  readonly msgSha512?: string
  readonly result: 'valid' | 'invalid'
  readonly flags: readonly string[]
}

/** One way to read a message. `released` is what came out, before an error or to the end. */
interface Outcome {
  readonly released: Uint8Array
  readonly error: unknown
}

type Decrypt = (input: ChunkedInput, ciphertext: Uint8Array) => Promise<Outcome>

const BYTEWISE_BYTES = 17_000 // one full chunk and more; longer ciphertexts come in pieces of a prime size
const PRIME_PIECE_BYTES = 4_099

const isProduct = (input: ChunkedInput): boolean => input.aead === CHUNKED_AES_256_GCM

/** AES-256-GCM goes through what the product offers; AES-128-GCM through the same code one layer below. */
const WAYS: Readonly<Record<string, Decrypt>> = {
  'as a whole': async (input, ciphertext) => {
    const open = (): Uint8Array =>
      isProduct(input) ? openChunked(input.key, ciphertext, input.context) : openWhole(input, ciphertext)
    return collect(async function* () {
      yield open()
    })
  },
  'as a Web stream in one piece': (input, ciphertext) => throughWeb(input, [ciphertext]),
  'as a Web stream byte by byte': (input, ciphertext) => throughWeb(input, smallPiecesOf(ciphertext)),
  'as a Node stream in one piece': (input, ciphertext) => throughNode(input, [ciphertext]),
  'as a Node stream byte by byte': (input, ciphertext) => throughNode(input, smallPiecesOf(ciphertext)),
  'by random access': (input, ciphertext) => collect(() => throughReader(input, ciphertext)),
}

const folder =
  process.env['COFFRE_VECTORS'] ?? join(import.meta.dirname, '..', '..', '..', 'shared', 'vectors')

const FILES = [
  { bits: 256, aead: CHUNKED_AES_256_GCM },
  { bits: 128, aead: CHUNKED_AES_128_GCM },
] as const

for (const { bits, aead } of FILES) {
  const file = `c2sp_chunked_encryption_aes_${bits}_gcm_test.json`
  const path = join(folder, 'wycheproof', 'testvectors_v1', file)
  const skip = existsSync(path) ? false : `the vectors are absent: ${file}`
  if (skip !== false) console.log(skip)

  describe(`the cases of ${file}`, { skip }, () => {
    const cases = skip === false ? readCases(path, aead) : []
    for (const [name, decrypt] of Object.entries(WAYS)) {
      test(`hold when decrypted ${name}`, async () => {
        assert.ok(
          cases.some((one) => one.result === 'valid') && cases.some((one) => one.result === 'invalid'),
        )
        let passed = 0
        for (const one of cases) {
          await checkCase(one, aead, decrypt)
          passed += 1
        }
        console.log(`vectors: ${file} ${name}: run ${cases.length}, passed ${passed}, not expressible 0`)
      })
    }

    test('release the whole valid beginning of a bad message that comes byte by byte', async () => {
      const partial = cases.filter((one) => one.flags.includes('PartialPlaintext'))
      assert.ok(partial.length > 0)
      for (const one of partial) {
        const { released } = await throughWeb(inputOf(one, aead), smallPiecesOf(ciphertextOf(one)))
        assert.equal(sha512(released), one.msgSha512, `case ${one.tcId}: ${one.comment}`)
      }
    })

    test('tell by random access which message lengths are authentic', async () => {
      let authentic = 0
      for (const one of cases) {
        const isOpened = await opensReader(inputOf(one, aead), ciphertextOf(one))
        const isExpected = one.result === 'valid' || one.flags.includes('ValidFinalChunk')
        assert.equal(isOpened, isExpected, `case ${one.tcId}: ${one.comment}`)
        if (isOpened && one.result === 'invalid') authentic += 1
      }
      assert.ok(authentic > 0, 'some invalid messages have an authentic final chunk')
    })
  })
}

function readCases(path: string, aead: ChunkedAead): readonly Vector[] {
  const file: VectorFile = JSON.parse(readFileSync(path, 'utf8'))
  for (const group of file.testGroups) assert.equal(group.aead, aead.name)
  return file.testGroups.flatMap((group) => group.tests)
}

async function checkCase(one: Vector, aead: ChunkedAead, decrypt: Decrypt): Promise<void> {
  const label = `case ${one.tcId}: ${one.comment}`
  const { released, error } = await decrypt(inputOf(one, aead), ciphertextOf(one))
  if (one.result === 'valid') {
    assert.equal(error, undefined, label)
    assert.equal(released.length, one.msgLength, label)
    assert.equal(sha512(released), one.msgSha512, label)
    return
  }
  assert.ok(hasCode(error, 'DECRYPTION_FAILED'), label)
  // Only a case flagged PartialPlaintext states a length: of the longest prefix that may come out.
  assert.ok(released.length === 0 || released.length === one.msgLength, label)
  if (released.length > 0) assert.equal(sha512(released), one.msgSha512, label)
}

function inputOf(one: Vector, aead: ChunkedAead): ChunkedInput {
  return { aead, key: new KeyMaterial(Buffer.from(one.key, 'hex')), context: Buffer.from(one.ctx, 'hex') }
}

function ciphertextOf(one: Vector): Uint8Array {
  return inflateSync(Buffer.from(one.ct, 'hex'))
}

function throughWeb(input: ChunkedInput, pieces: Iterable<Uint8Array>): Promise<Outcome> {
  return collect(() => {
    const pair = isProduct(input)
      ? decryptStream(input.key, input.context)
      : toWebStream(new ChunkOpener(input))
    return ReadableStream.from(pieces).pipeThrough(pair)
  })
}

async function throughNode(input: ChunkedInput, pieces: Iterable<Uint8Array>): Promise<Outcome> {
  const parts: Uint8Array[] = []
  try {
    const stream = isProduct(input)
      ? decryptNodeStream(input.key, input.context)
      : toNodeStream(new ChunkOpener(input))
    await pipeline(Readable.from(pieces, { objectMode: false }), stream, async (source) => {
      for await (const part of source) parts.push(part)
    })
    return { released: Buffer.concat(parts), error: undefined }
  } catch (error) {
    return { released: Buffer.concat(parts), error }
  }
}

/** Reads the message from its end to its beginning, in parts that do not fit the chunks; yields it forwards. */
async function* throughReader(input: ChunkedInput, ciphertext: Uint8Array): AsyncGenerator<Uint8Array> {
  const reader = await openReader(input, ciphertext)
  const parts: Uint8Array[] = []
  const partBytes = 100_003
  for (let end = reader.length(); end > 0; end -= partBytes) {
    const start = Math.max(end - partBytes, 0)
    parts.unshift(await reader.read(start, end - start))
  }
  yield* parts
}

function openReader(input: ChunkedInput, ciphertext: Uint8Array): Promise<ChunkedReader> {
  const read = (offset: number, length: number): Promise<Uint8Array> =>
    Promise.resolve(ciphertext.subarray(offset, offset + length))
  const source = { size: ciphertext.length, read }
  return isProduct(input)
    ? openChunkedReader(input.key, input.context, source)
    : ChunkedReader.open(input, source)
}

async function opensReader(input: ChunkedInput, ciphertext: Uint8Array): Promise<boolean> {
  try {
    await openReader(input, ciphertext)
    return true
  } catch (error) {
    assert.ok(hasCode(error, 'DECRYPTION_FAILED'))
    return false
  }
}

async function collect(start: () => AsyncIterable<Uint8Array>): Promise<Outcome> {
  const parts: Uint8Array[] = []
  try {
    for await (const part of start()) parts.push(part)
    return { released: Buffer.concat(parts), error: undefined }
  } catch (error) {
    return { released: Buffer.concat(parts), error }
  }
}

function* smallPiecesOf(bytes: Uint8Array): Generator<Uint8Array> {
  const pieceBytes = bytes.length <= BYTEWISE_BYTES ? 1 : PRIME_PIECE_BYTES
  for (let offset = 0; offset < bytes.length; offset += pieceBytes) {
    yield bytes.subarray(offset, offset + pieceBytes)
  }
}

function sha512(bytes: Uint8Array): string {
  return createHash('sha512').update(bytes).digest('hex')
}
