import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import { Fernet } from '../../../src/crypto/fernet.ts'
import { FernetRing } from '../../../src/crypto/fernet-ring.ts'
import { isPublished } from '../../../src/crypto/published-keys.ts'
import { assertCode, CANARY, SECRET, toText } from './fernet-sample.ts'

/** The example of the Fernet specification. */
const PUBLISHED = 'cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4='
const other = Fernet.generateKey()

test('the first key of a ring encrypts, and all of them decrypt', () => {
  const ring = FernetRing.parse(`${SECRET},${other}`)
  const [current, old] = [ring.encrypt(CANARY), new Fernet(other).encrypt(CANARY)]
  assert.equal(toText(new Fernet(SECRET).decrypt(current)), CANARY)
  assert.deepEqual(
    [current, old].map((token) => toText(ring.decrypt(token))),
    [CANARY, CANARY],
  )
  assert.deepEqual(
    [current, old, 'no token'].map((token) => ring.isCurrent(token)),
    [true, false, false],
  )
  const stranger = new Fernet(Fernet.generateKey()).encrypt(CANARY)
  assert.throws(() => ring.decrypt(stranger), { code: 'DECRYPTION_FAILED' })
})

test('a key is known again by half an HMAC-SHA-256 of a label', () => {
  const check = createHmac('sha256', Buffer.from(SECRET, 'base64url'))
    .update('coffre check of a Fernet key v1')
    .digest('hex')
    .slice(0, 32)
  const { checks } = FernetRing.parse(` ${other} , ${SECRET}\n`)
  assert.deepEqual([checks.length, checks[1]], [2, check])
  assert.deepEqual(FernetRing.parse(SECRET).checks, [check])
  assert.notEqual(checks[0], check)
})

test('a text that is no key is refused, wherever it stands', () => {
  for (const text of ['', ',', 'x', `${SECRET},`, `,${SECRET}`, `${SECRET};${other}`, `${SECRET} ${other}`]) {
    assertCode('KEY_REFUSED', 'key', () => FernetRing.parse(text))
  }
})

test('a published key is refused in front, and decrypts behind another', () => {
  assertCode('KEY_REFUSED', 'key', () => FernetRing.parse(PUBLISHED))
  assertCode('KEY_REFUSED', 'key', () => FernetRing.parse(`${PUBLISHED},${other}`))
  const ring = FernetRing.parse(`${other},${PUBLISHED}`)
  assert.equal(toText(ring.decrypt(new Fernet(PUBLISHED).encrypt(CANARY))), CANARY)
})

test('a key is published where its very text is', () => {
  assert.deepEqual([PUBLISHED, PUBLISHED.slice(0, -1), `${PUBLISHED} `, '', SECRET].map(isPublished), [
    true,
    false,
    false,
    false,
    false,
  ])
})
