import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { randomBytes, randomInt } from 'node:crypto'
import { describe, test } from 'node:test'
import { Fernet, readTokenTime } from '../../src/crypto/fernet.ts'

const PYTHON = '/usr/bin/python3'
const CASES = 1_000
const NOW = 1_762_000_000

// Reads a case per line; answers what it decrypted, a token of its own, and what its MultiFernet rotates ours to.
const PEER = `
import base64, json, sys
from cryptography.fernet import Fernet, MultiFernet
for line in sys.stdin:
    case = json.loads(line)
    ours, new = Fernet(case["key"]), Fernet(case["newKey"])
    plaintext = base64.b64decode(case["plaintext"])
    print(json.dumps({
        "decrypted": base64.b64encode(ours.decrypt(case["token"].encode())).decode(),
        "token": ours.encrypt_at_time(plaintext, case["time"]).decode(),
        "rotated": MultiFernet([new, ours]).rotate(case["token"].encode()).decode(),
        "rereads": base64.b64encode(new.decrypt(case["rotated"].encode())).decode(),
    }))
`

interface Case {
  readonly key: string
  readonly newKey: string
  readonly plaintext: string
  readonly time: number
  readonly token: string
  readonly rotated: string
}

interface Answer {
  readonly decrypted: string
  readonly token: string
  readonly rotated: string
  readonly rereads: string
}

/** Every tenth is of several kilobytes; the last is larger than what is encrypted in one go. */
function pickLength(index: number): number {
  if (index === CASES - 1) return 300_000
  return index % 10 === 0 ? randomInt(20_000) : randomInt(200)
}

function makeCase(index: number): Case {
  const [key, newKey] = [Fernet.generateKey(), Fernet.generateKey()]
  const plaintext = randomBytes(pickLength(index))
  const time = NOW - randomInt(NOW)
  const token = new Fernet(key).encrypt(plaintext, { nowSeconds: time })
  const rotated = new Fernet([newKey, key]).rotate(token)
  return { key, newKey, plaintext: plaintext.toString('base64'), time, token, rotated }
}

function askPython(cases: readonly Case[]): Answer[] {
  const input = cases.map((one) => JSON.stringify(one)).join('\n')
  const { stdout, stderr, status } = spawnSync(PYTHON, ['-c', PEER], {
    input,
    encoding: 'utf8',
    maxBuffer: 256 * 1024 * 1024,
  })
  assert.equal(status, 0, stderr)
  return stdout
    .trimEnd()
    .split('\n')
    .map((line): Answer => JSON.parse(line))
}

function openAsText(key: string, token: string): string {
  return Buffer.from(new Fernet(key).decrypt(token, { nowSeconds: NOW })).toString('base64')
}

const isThere = spawnSync(PYTHON, ['-c', 'import cryptography.fernet']).status === 0
const skip = isThere ? false : 'Python cryptography is missing: apt-get install python3-cryptography'
if (skip) console.log(`interop fernet: skipped, ${skip}`)

describe('Fernet with Python cryptography', { skip }, () => {
  const cases = skip ? [] : Array.from({ length: CASES }, (_, index) => makeCase(index))
  const answers = skip ? [] : askPython(cases)

  test(`${CASES} random tokens of ours open in Python, and of Python here`, () => {
    assert.equal(answers.length, CASES)
    for (const [index, { key, plaintext, time }] of cases.entries()) {
      const { decrypted, token } = answers[index]!
      assert.equal(decrypted, plaintext)
      assert.equal(openAsText(key, token), plaintext)
      assert.equal(readTokenTime(token)?.timestamp, time)
    }
  })

  test('both rotate each other’s tokens and keep the time', () => {
    assert.equal(answers.length, CASES)
    for (const [index, { newKey, plaintext, time }] of cases.entries()) {
      const { rotated, rereads } = answers[index]!
      assert.equal(rereads, plaintext)
      assert.equal(openAsText(newKey, rotated), plaintext)
      assert.equal(readTokenTime(rotated)?.timestamp, time)
    }
  })
})
