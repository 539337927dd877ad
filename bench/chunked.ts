import { createCipheriv, createDecipheriv, createSecretKey } from 'node:crypto'
import type { Duplex } from 'node:stream'
import { openChunked, sealChunked } from '../src/crypto/chunked.ts'
import {
  decryptNodeStream,
  decryptStream,
  encryptNodeStream,
  encryptStream,
} from '../src/crypto/chunked-stream.ts'
import { randomBytes, randomKeyMaterial } from '../src/crypto/random.ts'

// Chunked encryption against one bare AES-256-GCM context over the same bytes, in alternating rounds.

const TOTAL_BYTES = 64 * 1024 * 1024 // also the most that the whole-buffer calls take
const PIECE_BYTES = 64 * 1024
const ROUNDS = 7
const NOTHING = new Uint8Array(0)

type Run = () => void | Promise<void>

const key = randomKeyMaterial(32)
const bareKey = createSecretKey(randomBytes(32))
const bareNonce = randomBytes(12)
const plaintext = new Uint8Array(TOTAL_BYTES).map((_, index) => index)
const ciphertext = sealChunked(key, plaintext, NOTHING)

const RUNS: Readonly<Record<string, Run>> = {
  'bare encrypt': () => {
    const cipher = createCipheriv('aes-256-gcm', bareKey, bareNonce)
    for (const piece of piecesOf(plaintext)) cipher.update(piece)
    cipher.final()
    cipher.getAuthTag()
  },
  'bare decrypt': () => {
    const decipher = createDecipheriv('aes-256-gcm', bareKey, bareNonce)
    for (const piece of piecesOf(ciphertext)) decipher.update(piece)
  },
  'bare encrypt, 16 KiB contexts': () => {
    for (let offset = 0; offset < TOTAL_BYTES; offset += 16 * 1024) {
      const cipher = createCipheriv('aes-256-gcm', bareKey, bareNonce)
      cipher.update(plaintext.subarray(offset, offset + 16 * 1024))
      cipher.final()
      cipher.getAuthTag()
    }
  },
  'whole encrypt': () => void sealChunked(key, plaintext, NOTHING),
  'whole decrypt': () => void openChunked(key, ciphertext, NOTHING),
  'node stream encrypt': () => runNode(encryptNodeStream(key, NOTHING), plaintext),
  'node stream decrypt': () => runNode(decryptNodeStream(key, NOTHING), ciphertext),
  'web stream encrypt': () => runWeb(encryptStream(key, NOTHING), plaintext),
  'web stream decrypt': () => runWeb(decryptStream(key, NOTHING), ciphertext),
}

function* piecesOf(bytes: Uint8Array): Generator<Uint8Array> {
  for (let offset = 0; offset < bytes.length; offset += PIECE_BYTES) {
    yield bytes.subarray(offset, offset + PIECE_BYTES)
  }
}

function runNode(stream: Duplex, input: Uint8Array): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  let offset = 0
  const write = (): void => {
    let hasRoom = true
    for (; hasRoom && offset < input.length; offset += PIECE_BYTES) {
      hasRoom = stream.write(input.subarray(offset, offset + PIECE_BYTES))
    }
    if (offset < input.length) stream.once('drain', write)
    else stream.end()
  }
  stream.on('data', () => {})
  stream.once('end', resolve)
  stream.once('error', reject)
  write()
  return promise
}

async function runWeb(stream: TransformStream<Uint8Array, Uint8Array>, input: Uint8Array): Promise<void> {
  const writing = writeAll(stream.writable.getWriter(), input)
  const reader = stream.readable.getReader()
  while (!(await reader.read()).done) {
    // Only the cost counts here; the tests compare the bytes.
  }
  await writing
}

async function writeAll(writer: WritableStreamDefaultWriter<Uint8Array>, input: Uint8Array): Promise<void> {
  for (const piece of piecesOf(input)) await writer.write(piece)
  await writer.close()
}

async function measure(): Promise<Map<string, number>> {
  const times = new Map<string, number[]>()
  for (let round = 0; round <= ROUNDS; round += 1) {
    for (const [name, run] of Object.entries(RUNS)) {
      const start = process.hrtime.bigint()
      await run()
      const milliseconds = Number(process.hrtime.bigint() - start) / 1e6
      if (round > 0) times.set(name, [...(times.get(name) ?? []), milliseconds]) // round 0 warms up
    }
  }
  return new Map([...times].map(([name, all]) => [name, median(all)]))
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!
}

const medians = await measure()
console.log(
  `${TOTAL_BYTES / 1024 / 1024} MiB in pieces of ${PIECE_BYTES / 1024} KiB, median of ${ROUNDS} rounds`,
)
for (const [name, milliseconds] of medians) {
  const bare = medians.get(name.includes('decrypt') ? 'bare decrypt' : 'bare encrypt')!
  const speed = `${(TOTAL_BYTES / milliseconds / 1e3).toFixed(0)} MB/s`
  console.log(`${name.padEnd(32)}${speed.padStart(10)}   ${(bare / milliseconds).toFixed(2)} of bare`)
}
