import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { randomBytes, randomInt } from 'node:crypto'
import { after, describe, test } from 'node:test'
import { openCache } from '../../src/app-cache.ts'
import { NO_REDIS, startRedis } from '../redis-server.ts'

const PYTHON = '/usr/bin/python3'
const CASES = 1_000

/** The source's own service, with the imports that it needs. */
const SERVICE = `
import base64, hashlib, json, sys
import redis
from cryptography.fernet import Fernet

client = redis.Redis(port=int(sys.argv[1]))
def cipher(secret):
    return Fernet(base64.urlsafe_b64encode(hashlib.sha256(secret.encode()).digest()))
def set_value(key, value, secret, ttl=86400):
    client.setex(key, ttl, cipher(secret).encrypt(json.dumps(value).encode()))
def get_value(key, secret):
    return json.loads(cipher(secret).decrypt(client.get(key)))
`
const WRITE = `${SERVICE}
for line in sys.stdin:
    case = json.loads(line)
    set_value(case["key"], case["value"], case["secret"])
`
const READ = `${SERVICE}
for line in sys.stdin:
    case = json.loads(line)
    print(json.dumps({"value": get_value(case["key"], case["secret"]), "ttl": client.ttl(case["key"])}))
`
const REWRITE = `${SERVICE}
for line in sys.stdin:
    case = json.loads(line)
    set_value(case["key"], get_value(case["key"], case["secret"]), case["secret"])
`

const NO_PYTHON: string | false =
  spawnSync(PYTHON, ['-c', 'import redis, cryptography']).status === 0
    ? false
    : 'python3-redis or python3-cryptography is not installed: apt-get install python3-redis python3-cryptography'

interface Case {
  readonly key: string
  readonly secret: string
  /** The value as JSON, as somebody wrote it. */
  readonly json: string
}

const WORDS = ['12 rue de l’Évangile', '日本語', '😀', '"', '\\', '\n\t', '\u0000\u007f', '', 'value', '1.0']

function drawJson(depth: number): string {
  const kind = randomInt(depth > 3 ? 5 : 8)
  if (kind === 0) return JSON.stringify(WORDS[randomInt(WORDS.length)])
  if (kind === 1) return `${randomInt(1_000_000) - 500_000}`
  if (kind === 2) return `${randomInt(1_000)}.0`
  if (kind === 3) return `${(randomInt(1_000_000) / 7) * 10 ** (randomInt(24) - 12)}`
  if (kind === 4) return ['null', 'true', 'false'][randomInt(3)] ?? 'null'
  const parts = Array.from({ length: randomInt(4) }, () => drawJson(depth + 1))
  if (kind === 5) return `[${parts.join(',')}]`
  return `{${parts.map((part, index) => `${JSON.stringify(`${WORDS[randomInt(WORDS.length)]}${index}`)}:${part}`).join(',')}}`
}

function makeCase(index: number): Case {
  const pdl = String(10_000_000_000_000 + index)
  const kinds = [
    `consumption:daily:${pdl}:2024-02-29`,
    `production:daily:${pdl}:2024-01-15`,
    `contract:${pdl}`,
    `address:${pdl}`,
  ]
  const secret = index % 2 === 0 ? randomBytes(48).toString('base64url') : `clé ${index} 😀`
  return { key: kinds[index % kinds.length] ?? '', secret, json: drawJson(0) }
}

function askPython(script: string, port: number, lines: readonly string[]): readonly string[] {
  const { stdout, stderr, status } = spawnSync(PYTHON, ['-c', script, String(port)], {
    input: lines.join('\n'),
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  })
  assert.equal(status, 0, stderr)
  return stdout.trim().split('\n')
}

describe('the program of the source and ours on one server', { skip: NO_REDIS || NO_PYTHON }, async () => {
  if (NO_REDIS !== false || NO_PYTHON !== false) return
  const server = await startRedis({ after })
  const cache = await openCache({ url: server.url, jsonStyle: 'python' })
  after(() => cache.close())
  const cases = Array.from({ length: CASES }, (_, index) => makeCase(index))

  test(`${CASES} values that Python wrote are read`, async () => {
    const lines = cases.map(
      ({ key, secret, json }) =>
        `{"key":${JSON.stringify(key)},"secret":${JSON.stringify(secret)},"value":${json}}`,
    )
    askPython(WRITE, server.port, lines)
    for (const { key, secret, json } of cases) {
      const result = await cache.lookup(key, secret)
      assert.ok(result.status === 'HIT', key)
      assert.deepEqual(result.value, JSON.parse(json))
    }
  })

  test(`${CASES} values that we wrote are read by Python, with their end`, async () => {
    server.ask('flushall')
    for (const { key, secret, json } of cases)
      assert.equal(await cache.set(key, JSON.parse(json), secret), true)
    const lines = cases.map(({ key, secret }) => JSON.stringify({ key, secret }))
    const answers = askPython(READ, server.port, lines)
    assert.equal(answers.length, CASES)
    for (const [index, { json }] of cases.entries()) {
      const { value, ttl } = JSON.parse(answers[index] ?? '')
      assert.deepEqual(value, JSON.parse(json))
      assert.ok(ttl > 86_000 && ttl <= 86_400)
    }
  })

  test('what Python reads and writes again has the bytes that we wrote', async () => {
    const bytesOf = async ({ key, secret }: Case) => {
      const result = await cache.lookup(key, secret)
      assert.ok(result.status === 'HIT')
      return Buffer.from(result.bytes).toString()
    }
    const ours = await Promise.all(cases.map(bytesOf))
    askPython(
      REWRITE,
      server.port,
      cases.map(({ key, secret }) => JSON.stringify({ key, secret })),
    )
    const theirs = await Promise.all(cases.map(bytesOf))
    assert.deepEqual(theirs, ours)
  })
})
