import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { randomBytes, randomInt } from 'node:crypto'
import { test } from 'node:test'
import { createSecureSession, verifySecureSession } from '../../src/app-sessions.ts'

const PYTHON = '/usr/bin/python3'
const CASES = 1_000
const SKIP =
  spawnSync(PYTHON, ['-c', 'import jwt']).status === 0 ? false : 'no PyJWT: apt-get install python3-jwt'

// Reads a case per line; answers what it reads in our token, and its own token for the same.
const PEER = `
import json, jwt, sys
for line in sys.stdin:
    case = json.loads(line)
    read = jwt.decode(case["token"], case["key"], algorithms=["HS256"], options={"verify_exp": False, "verify_iat": False})
    plain = {"user_id": case["user"], "exp": case["now"] + 86400, "iat": case["now"]}
    extended = {**plain, **case["more"]}
    print(json.dumps({
        "read": read,
        "same": jwt.encode(plain, case["key"], algorithm="HS256"),
        "extended": jwt.encode(extended, case["key"], algorithm="HS256"),
    }))
`

const LETTERS = [
  'a',
  'Z',
  '9',
  '"',
  '\\',
  '/',
  '\n',
  '\u0000',
  '\u007f',
  '\u00a0',
  'é',
  'ß',
  '日',
  '\u2028',
  '😀',
  '<',
]

function drawText(most: number): string {
  return Array.from({ length: 1 + randomInt(most) }, () => LETTERS[randomInt(LETTERS.length)]).join('')
}

function drawValue(depth: number): unknown {
  const kinds = [
    () => drawText(8),
    () => randomInt(1_000_000),
    () => randomInt(1_000) + 0.5,
    () => null,
    () => true,
    () => Array.from({ length: randomInt(3) }, () => drawValue(depth + 1)),
    () => Object.fromEntries([[`n${randomInt(9)}`, drawValue(depth + 1)]]),
  ]
  return kinds[randomInt(depth > 2 ? 5 : kinds.length)]?.()
}

interface Case {
  readonly user: string
  readonly key: string
  readonly now: number
  readonly more: Readonly<Record<string, unknown>>
  readonly token: string
}

function drawCase(): Case {
  const user = drawText(20)
  const key = randomInt(2) === 0 ? randomBytes(48).toString('base64') : `${drawText(40)}-key`
  const now = 1_700_000_000 + randomInt(1_000_000_000)
  const more = { roles: drawValue(0), nested: { deep: drawValue(0) }, one: 1.0 }
  return { user, key, now, more, token: createSecureSession(user, key, { nowSeconds: now }) }
}

function askPython(cases: readonly Case[]): readonly Answer[] {
  const input = cases.map((one) => JSON.stringify(one)).join('\n')
  const { stdout, stderr, status } = spawnSync(PYTHON, ['-c', PEER], {
    input,
    encoding: 'utf8',
    maxBuffer: 64 * 1_024 * 1_024,
  })
  assert.equal(status, 0, stderr)
  return stdout
    .trim()
    .split('\n')
    .map((line): Answer => JSON.parse(line))
}

interface Answer {
  readonly read: unknown
  readonly same: string
  readonly extended: string
}

test('PyJWT reads our sessions, writes the same bytes, and its own are read', { skip: SKIP }, () => {
  const cases = Array.from({ length: CASES }, drawCase)
  const answers = askPython(cases)
  assert.equal(answers.length, CASES)
  for (const [index, { user, key, now, more, token }] of cases.entries()) {
    const answer = answers[index]
    const plain = { user_id: user, exp: now + 86_400, iat: now }
    assert.deepEqual(answer?.read, plain)
    assert.equal(answer?.same, token)
    const extended = verifySecureSession(answer?.extended ?? '', key, { nowSeconds: now })
    assert.deepEqual(extended, { ...plain, ...more })
  }
})
