import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { createCipheriv, createDecipheriv, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { createInterface } from 'node:readline'
import { Fernet } from '../src/crypto/fernet.ts'

// Fernet against the obvious node:crypto code and against Python cryptography, in alternating rounds of one run.
// CPU time per token (garbage collection included), median. COFFRE_BENCH_PYTHON names another interpreter.

const PYTHON = process.env['COFFRE_BENCH_PYTHON'] ?? '/usr/bin/python3'
const SIZES = [32, 256, 1024, 16 * 1024]
const BATCH = 256
const ROUNDS = 7
const ROUND_BYTES = 16 * 1024 * 1024 // of plaintext, at most
const ROUND_TOKENS = 10_240
const KEY = Fernet.generateKey()
const SIGNING_KEY = Buffer.from(KEY, 'base64url').subarray(0, 16)
const ENCRYPTION_KEY = Buffer.from(KEY, 'base64url').subarray(16)

function encryptObviously(plaintext: Uint8Array): string {
  const iv = randomBytes(16)
  const cipher = createCipheriv('aes-128-cbc', ENCRYPTION_KEY, iv)
  const head = Buffer.alloc(9)
  head[0] = 0x80
  head.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 1_000)), 1)
  const unsigned = Buffer.concat([head, iv, cipher.update(plaintext), cipher.final()])
  const tag = createHmac('sha256', SIGNING_KEY).update(unsigned).digest()
  return Buffer.concat([unsigned, tag]).toString('base64').replaceAll('+', '-').replaceAll('/', '_')
}

function decryptObviously(token: string): Uint8Array {
  const bytes = Buffer.from(token, 'base64url')
  const unsigned = bytes.subarray(0, -32)
  const tag = createHmac('sha256', SIGNING_KEY).update(unsigned).digest()
  if (!timingSafeEqual(tag, bytes.subarray(-32))) throw new Error('wrong MAC')
  const decipher = createDecipheriv('aes-128-cbc', ENCRYPTION_KEY, unsigned.subarray(9, 25))
  return Buffer.concat([decipher.update(unsigned.subarray(25)), decipher.final()])
}

const PEER = `
import json, sys, time, cryptography
from cryptography.fernet import Fernet
print(cryptography.__version__, flush=True)
for line in sys.stdin:
    job = json.loads(line)
    fernet, plaintext = Fernet(job["key"]), b"x" * job["bytes"]
    token = fernet.encrypt(plaintext)
    start = time.process_time()
    if job["verb"] == "encrypt":
        for _ in range(job["tokens"]): fernet.encrypt(plaintext)
    else:
        for _ in range(job["tokens"]): fernet.decrypt(token)
    print((time.process_time() - start) * 1e6 / job["tokens"], flush=True)
`

type Verb = 'encrypt' | 'decrypt'
/** Microseconds of CPU time per token. */
type Measure = (verb: Verb, bytes: number) => number | Promise<number>

interface Peer {
  readonly child: ChildProcessWithoutNullStreams
  readonly lines: AsyncIterator<string>
}

async function startPython(): Promise<(Peer & { readonly version: string }) | undefined> {
  const child = spawn(PYTHON, ['-c', PEER])
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  child.on('error', () => {}) // no interpreter: the output ends at once
  const first = await lines.next()
  if (first.done) return undefined
  return { child, lines, version: first.value }
}

function countTokens(bytes: number): number {
  return Math.min(ROUND_TOKENS, Math.floor(ROUND_BYTES / bytes / BATCH) * BATCH)
}

async function measurePython({ child, lines }: Peer, verb: Verb, bytes: number): Promise<number> {
  child.stdin.write(`${JSON.stringify({ key: KEY, verb, bytes, tokens: countTokens(bytes) })}\n`)
  const { value } = await lines.next()
  return Number(value)
}

function measureCpu(tokens: number, run: () => void): number {
  const start = process.cpuUsage()
  run()
  const { user, system } = process.cpuUsage(start)
  return (user + system) / tokens
}

function repeat(times: number, run: () => unknown): () => void {
  return () => {
    for (let time = 0; time < times; time++) run()
  }
}

const fernet = new Fernet(KEY)

function measureSingle(verb: Verb, bytes: number): number {
  const tokens = countTokens(bytes)
  const plaintext = Buffer.alloc(bytes, 'x')
  const token = fernet.encrypt(plaintext)
  const run = verb === 'encrypt' ? () => fernet.encrypt(plaintext) : () => fernet.decrypt(token)
  return measureCpu(tokens, repeat(tokens, run))
}

function measureBatch(verb: Verb, bytes: number): number {
  const tokens = countTokens(bytes)
  const plaintexts = Array.from({ length: BATCH }, () => Buffer.alloc(bytes, 'x'))
  const made = fernet.encryptMany(plaintexts)
  const run = verb === 'encrypt' ? () => fernet.encryptMany(plaintexts) : () => fernet.decryptMany(made)
  return measureCpu(tokens, repeat(tokens / BATCH, run))
}

function measureObvious(verb: Verb, bytes: number): number {
  const tokens = countTokens(bytes)
  const plaintext = Buffer.alloc(bytes, 'x')
  const token = encryptObviously(plaintext)
  const run = verb === 'encrypt' ? () => encryptObviously(plaintext) : () => decryptObviously(token)
  return measureCpu(tokens, repeat(tokens, run))
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}

async function measureAll(measures: ReadonlyMap<string, Measure>, verb: Verb, bytes: number) {
  const rounds = new Map([...measures.keys()].map((name): [string, number[]] => [name, []]))
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [name, measure] of measures) {
      const microseconds = await measure(verb, bytes)
      if (round > 0) rounds.get(name)?.push(microseconds) // round 0 warms up
    }
  }
  return new Map([...rounds].map(([name, values]) => [name, median(values)]))
}

const python = await startPython()
const measures = new Map<string, Measure>([
  ['single', measureSingle],
  [`batch of ${BATCH}`, measureBatch],
  ['obvious', measureObvious],
])
if (python) measures.set(`python ${python.version}`, (verb, bytes) => measurePython(python, verb, bytes))
else console.log(`fernet: no Python cryptography at ${PYTHON}: apt-get install python3-cryptography`)

console.log(
  `Fernet, µs of CPU per token, median of ${ROUNDS} rounds; in brackets how many times our single call is faster`,
)
for (const verb of ['encrypt', 'decrypt'] as const) {
  for (const bytes of SIZES) {
    const medians = await measureAll(measures, verb, bytes)
    const single = medians.get('single') ?? Number.NaN
    const cells = [...medians].map(
      ([name, value]) => `${name} ${value.toFixed(2)} (${(value / single).toFixed(2)})`,
    )
    console.log(`${verb} ${bytes} B: ${cells.join(' · ')}`)
  }
}
python?.child.stdin.end()
