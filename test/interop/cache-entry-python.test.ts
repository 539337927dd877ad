import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { randomBytes, randomInt } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { test } from 'node:test'
import { sealEntry } from '../../src/crypto/cache-entry.ts'
import { encodeCacheKey, hashCacheName, makeCacheKey } from '../../src/crypto/cache-key.ts'

const PYTHON = '/usr/bin/python3'
const SCRIPT = fileURLToPath(new URL('./open-cache-entry.py', import.meta.url))
const CASES = 200
const NO_PYTHON: string | false =
  spawnSync(PYTHON, ['-c', 'import cryptography']).status === 0
    ? false
    : 'python3-cryptography is not installed: apt-get install python3-cryptography'

test('a reader written in Python from the specification opens every entry', { skip: NO_PYTHON }, () => {
  const made = Array.from({ length: CASES }, (_, index) => {
    const key = makeCacheKey()
    const [user, name] = [`usr_${index}`, `contract:${10_000_000_000_000 + index}`]
    const storedName = `coffre:cache:{${user}}:e:${name}`
    const writtenAt = 1_700_000_000 + randomInt(100_000_000)
    const entry = {
      name,
      value: randomBytes(randomInt(500)),
      writtenAt,
      expiresAt: writtenAt + randomInt(100_000),
    }
    const stored = Buffer.from(sealEntry(key, { user, storedName }, entry))
    // Every tenth is changed in one bit, and opens nowhere.
    if (index % 10 === 9) {
      const at = randomInt(stored.length)
      stored[at] = stored.readUInt8(at) ^ 1
    }
    return { key, user, storedName, entry, stored }
  })
  const lines = made.map(({ key, user, storedName, stored }) =>
    JSON.stringify({
      dataKey: Buffer.from(encodeCacheKey(key)).toString('hex'),
      user,
      storedName,
      stored: stored.toString('hex'),
    }),
  )
  const { stdout, stderr, status } = spawnSync(PYTHON, [SCRIPT], {
    input: lines.join('\n'),
    encoding: 'utf8',
  })
  assert.equal(status, 0, stderr)
  const answers = stdout.trim().split('\n')
  assert.equal(answers.length, CASES)
  for (const [index, { key, user, entry }] of made.entries()) {
    const expected = {
      name: entry.name,
      value: entry.value.toString('base64'),
      writtenAt: entry.writtenAt,
      expiresAt: entry.expiresAt,
      hash: hashCacheName(key, user, entry.name),
    }
    assert.deepEqual(JSON.parse(answers[index] ?? ''), index % 10 === 9 ? null : expected)
  }
})
