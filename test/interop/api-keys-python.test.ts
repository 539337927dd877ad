import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { describe, test } from 'node:test'
import { decryptApiKey, encryptApiKey } from '../../src/app-fernet.ts'
import { Fernet } from '../../src/crypto/fernet.ts'

const PYTHON = '/usr/bin/python3'
const CASES = 1_000
const LETTERS = 'a b c X Y Z 0 1 2 9 - _ . é à ß 키 € 😀 " \\'.split(' ')

// The source's own two functions, with its settings object left out.
const SOURCE = `
import json, sys
from cryptography.fernet import Fernet
def encrypt_api_key(fernet, raw_key: str) -> str:
    return fernet.encrypt(raw_key.encode()).decode()
def decrypt_api_key(fernet, encrypted_key: str) -> str:
    return fernet.decrypt(encrypted_key.encode()).decode()
for line in sys.stdin:
    case = json.loads(line)
    fernet = Fernet(case["key"].encode())
    print(json.dumps({
        "read": decrypt_api_key(fernet, case["token"]),
        "written": encrypt_api_key(fernet, case["text"]),
    }))
`

const isHere = spawnSync(PYTHON, ['-c', 'import cryptography']).status === 0

describe('keys of providers and the functions of the source in Python', {
  skip: isHere ? false : 'apt-get install python3-cryptography',
}, () => {
  test(`read each other's tokens, ${CASES} of them`, (t) => {
    const cases = Array.from({ length: CASES }, () => {
      const key = Fernet.generateKey()
      const text = Array.from({ length: randomInt(0, 120) }, () => LETTERS[randomInt(LETTERS.length)]).join(
        '',
      )
      return { key, text, token: encryptApiKey(text, key) }
    })
    const input = cases.map((each) => JSON.stringify(each)).join('\n')
    const peer = spawnSync(PYTHON, ['-c', SOURCE], { input, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 })
    assert.equal(peer.status, 0, peer.stderr)
    const answers = peer.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { read: string; written: string })
    assert.equal(answers.length, CASES)
    for (const [at, { key, text }] of cases.entries()) {
      assert.equal(answers[at]?.read, text)
      assert.equal(decryptApiKey(answers[at]?.written ?? '', key), text)
    }
    t.diagnostic(`${CASES} keys both ways`)
  })
})
