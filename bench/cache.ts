import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { openCache, openCoffre } from '../src/index.ts'

// The cache against the program that users of the source run today (python3-redis and python3-cryptography), on one
// Redis, in alternating rounds of one run. Wall time per operation, median. COFFRE_BENCH_PYTHON names another interpreter.

const PYTHON = process.env['COFFRE_BENCH_PYTHON'] ?? '/usr/bin/python3'
const ROUNDS = 5
const OPERATIONS = 1_500
const IN_FLIGHT = 64
const DAYS = 1_095
const PDL = '12345678901234'
const SECRET = 'bench-client-secret-5f2d9c7b1e-bench-client-secret'
const VALUE = {
  date: '2024-01-15',
  readings: Array.from({ length: 24 }, (_, hour) => ({ h: hour, w: hour * 37 })),
}

const PEER = `
import base64, hashlib, json, sys, time
import redis
from cryptography.fernet import Fernet
client = redis.Redis(port=int(sys.argv[1]))
def cipher(secret):
    return Fernet(base64.urlsafe_b64encode(hashlib.sha256(secret.encode()).digest()))
def set_value(key, value, secret):
    client.setex(key, 86400, cipher(secret).encrypt(json.dumps(value).encode()))
def get_value(key, secret):
    return json.loads(cipher(secret).decrypt(client.get(key)))
print("ready", flush=True)
for line in sys.stdin:
    job = json.loads(line)
    start = time.perf_counter()
    for key in job["keys"]:
        if job["verb"] == "set": set_value(key, job["value"], job["secret"])
        else: get_value(key, job["secret"])
    print((time.perf_counter() - start) * 1e6, flush=True)
`

const dates = Array.from({ length: DAYS }, (_, day) =>
  new Date(Date.UTC(2022, 0, 1 + day)).toISOString().slice(0, 10),
)
const rangeKeys = dates.map((date) => `consumption:daily:${PDL}:${date}`)
const keys = Array.from({ length: OPERATIONS }, (_, index) => `contract:${20_000_000_000_000 + index}`)
const RANGE = { pdl: PDL, type: 'consumption:daily', from: dates[0] ?? '', to: dates.at(-1) ?? '' } as const

/** Microseconds for each operation; for a range, for all of it. */
type Measure = () => Promise<number>

async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address !== null ? address.port : 0
}

async function time(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await work()
  return (performance.now() - start) * 1_000
}

async function inTurn(names: readonly string[], work: (name: string) => Promise<unknown>): Promise<void> {
  for (const name of names) await work(name)
}

/** So many at once, as a server has them. */
async function together(names: readonly string[], work: (name: string) => Promise<unknown>): Promise<void> {
  const rest = names.values()
  await Promise.all(
    Array.from({ length: IN_FLIGHT }, async () => {
      for (const name of rest) await work(name)
    }),
  )
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}

async function startPeer(port: number) {
  const child: ChildProcessWithoutNullStreams = spawn(PYTHON, ['-c', PEER, String(port)])
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  child.on('error', () => undefined) // no interpreter: the output ends at once
  const first = await lines.next()
  if (first.done === true) return undefined
  const ask = async (verb: 'set' | 'get', names: readonly string[]): Promise<number> => {
    child.stdin.write(`${JSON.stringify({ verb, keys: names, value: VALUE, secret: SECRET })}\n`)
    const { value } = await lines.next()
    return Number(value)
  }
  return { ask, end: () => child.stdin.end() }
}

async function compare(title: string, measures: Readonly<Record<string, Measure>>): Promise<void> {
  const rounds = new Map(Object.keys(measures).map((name): [string, number[]] => [name, []]))
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [name, measure] of Object.entries(measures)) {
      const microseconds = await measure()
      if (round > 0) rounds.get(name)?.push(microseconds) // round 0 warms up
    }
  }
  const peer = median(rounds.get('python') ?? [])
  const cells = [...rounds].map(([name, values]) => {
    const value = median(values)
    return `${name} ${value.toFixed(1)} µs (${(peer / value).toFixed(2)})`
  })
  console.log(`${title}: ${cells.join(' · ')}`)
}

const folder = mkdtempSync(join(tmpdir(), 'coffre-bench-'))
const port = await findFreePort()
const server = spawn('redis-server', [
  '--port',
  String(port),
  '--bind',
  '127.0.0.1',
  '--save',
  '',
  '--dir',
  folder,
])
await once(server.stdout, 'data')
const peer = await startPeer(port)
if (peer === undefined) {
  console.log(
    `cache: no Python with redis and cryptography at ${PYTHON}: apt-get install python3-redis python3-cryptography`,
  )
} else {
  const coffre = await openCoffre({ dataDir: join(folder, 'data'), createIfMissing: true })
  const cache = await openCache({ url: `redis://127.0.0.1:${port}`, coffre })
  const user = cache.for((await coffre.users.create()).id)
  const perKey = async (microseconds: Promise<number>) => (await microseconds) / OPERATIONS
  console.log(
    `Cache, median of ${ROUNDS} rounds; in brackets how many times the Python program takes as long`,
  )
  await compare('set, one after another', {
    python: () => perKey(peer.ask('set', keys)),
    'source form': () => perKey(time(() => inTurn(keys, (key) => cache.set(key, VALUE, SECRET)))),
    'own form': () => perKey(time(() => inTurn(keys, (key) => user.set(key, VALUE)))),
  })
  await compare('get, one after another', {
    python: () => perKey(peer.ask('get', keys)),
    'source form': () => perKey(time(() => inTurn(keys, (key) => cache.get(key, SECRET)))),
    'own form': () => perKey(time(() => inTurn(keys, (key) => user.get(key)))),
  })
  await compare(`set, ${IN_FLIGHT} at once`, {
    python: () => perKey(peer.ask('set', keys)),
    'source form': () => perKey(time(() => together(keys, (key) => cache.set(key, VALUE, SECRET)))),
    'own form': () => perKey(time(() => together(keys, (key) => user.set(key, VALUE)))),
  })
  await compare(`get, ${IN_FLIGHT} at once`, {
    python: () => perKey(peer.ask('get', keys)),
    'source form': () => perKey(time(() => together(keys, (key) => cache.get(key, SECRET)))),
    'own form': () => perKey(time(() => together(keys, (key) => user.get(key)))),
  })
  await together(rangeKeys, (key) => cache.set(key, VALUE, SECRET))
  await together(rangeKeys, (key) => user.set(key, VALUE))
  await compare(`range of ${DAYS} days`, {
    python: () => peer.ask('get', rangeKeys),
    'source form': () => time(() => cache.getRange(RANGE, SECRET)),
    'own form': () => time(() => user.getRange(RANGE)),
  })
  await cache.close()
  await coffre.close()
  peer.end()
}
server.kill()
rmSync(folder, { recursive: true, force: true })
