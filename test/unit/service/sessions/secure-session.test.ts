import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { describe, test } from 'node:test'
import {
  createSecureSession,
  secureSessionFaults,
  verifySecureSession,
} from '../../../../src/app-sessions.ts'
import { CoffreError } from '../../../../src/model/errors.ts'
import { Secret } from '../../../../src/model/secret.ts'
import type { SessionFault } from '../../../../src/model/session.ts'

/** The sample of the page that this comes from; it is public and signs nothing of anybody. */
const SAMPLE = '}%V7%ot+5f9}FGbaJMeRh;Rh.vJy8=7ZQcyeI0q&,]u-$uCtz$QI}1_(7tV]T!>v'
const GOLDEN =
  'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ1c2VyX2lkIjoidS00MiIsImV4cCI6NDEwMjQ0NDgwMCwiaWF0IjoxNzYyMDAwMDAwfQ.Zlx58WBJtaDChwBtOYSbqcDDNHW1BX3rUpTD3sIU-zs'
const nowSeconds = 1_762_000_000

const encode = (text: string) => Buffer.from(text).toString('base64url')

function sign(header: string, payload: string): string {
  const input = `${encode(header)}.${encode(payload)}`
  return `${input}.${createHmac('sha256', SAMPLE).update(input).digest('base64url')}`
}

function faultOf(token: string, now = nowSeconds): SessionFault | undefined {
  let seen: SessionFault | undefined
  const given = verifySecureSession(token, SAMPLE, {
    nowSeconds: now,
    onFault: (fault) => {
      seen = fault
    },
  })
  assert.equal(given === null, seen !== undefined)
  return seen
}

const HEADER = '{"alg":"HS256","typ":"JWT"}'
const PAYLOAD = '{"user_id":"u-42","exp":4102444800,"iat":1762000000}'

describe('a secure session', () => {
  test('is the golden vector V004, read and written', () => {
    assert.equal(sign(HEADER, PAYLOAD), GOLDEN)
    assert.deepEqual(verifySecureSession(GOLDEN, SAMPLE, { nowSeconds }), JSON.parse(PAYLOAD))
    // The vector ends in 2100, so its bytes are compared with one that lasts a day.
    const made = createSecureSession('u-42', SAMPLE, { nowSeconds: 4_102_444_800 - 86_400 })
    assert.equal(made, sign(HEADER, '{"user_id":"u-42","exp":4102444800,"iat":4102358400}'))
  })

  test('lasts for 24 hours and not a second longer', () => {
    const token = createSecureSession('u-42', SAMPLE, { nowSeconds })
    assert.equal(faultOf(token, nowSeconds + 86_399), undefined)
    assert.equal(faultOf(token, nowSeconds + 86_400), 'expired')
    assert.equal(faultOf(token, nowSeconds - 60), undefined)
    assert.equal(faultOf(token, nowSeconds - 61), 'not-yet')
  })

  for (const missing of ['', undefined, new Secret('')]) {
    test(`without a key (${JSON.stringify(missing)}) throws the sentence that people know`, () => {
      const expected = { code: 'SECRET_KEY_MISSING', message: 'SECRET_KEY non configurée' }
      assert.throws(() => createSecureSession('u-42', missing), expected)
      assert.throws(() => verifySecureSession(GOLDEN, missing), expected)
    })
  }

  test('needs a user', () => {
    for (const user of ['', 'x'.repeat(257)]) {
      assert.throws(() => createSecureSession(user, SAMPLE), CoffreError)
    }
  })

  const faults: readonly [string, string, SessionFault][] = [
    ['nothing', '', 'malformed'],
    ['two parts', GOLDEN.slice(0, GOLDEN.lastIndexOf('.')), 'malformed'],
    ['four parts', `${GOLDEN}.`, 'malformed'],
    ['padding', `${GOLDEN}=`, 'malformed'],
    ['other bits in the last character', `${GOLDEN.slice(0, -1)}t`, 'malformed'],
    ['an empty signature', GOLDEN.slice(0, GOLDEN.lastIndexOf('.') + 1), 'signature'],
    ['a shorter signature', GOLDEN.slice(0, -4), 'signature'],
    ['more than 8 KiB', sign(HEADER, `{"a":"${'x'.repeat(8_192)}",${PAYLOAD.slice(1)}`), 'malformed'],
    ['alg none', `${encode('{"alg":"none","typ":"JWT"}')}.${encode(PAYLOAD)}.`, 'algorithm'],
    ['alg HS512', sign('{"alg":"HS512","typ":"JWT"}', PAYLOAD), 'algorithm'],
    ['no typ', sign('{"alg":"HS256"}', PAYLOAD), 'algorithm'],
    ['a key id', sign('{"alg":"HS256","typ":"JWT","kid":"../../dev/null"}', PAYLOAD), 'algorithm'],
    ['alg twice', sign('{"alg":"none","alg":"HS256","typ":"JWT"}', PAYLOAD), 'malformed'],
    ['a user twice', sign(HEADER, `{"user_id":"admin",${PAYLOAD.slice(1)}`), 'claims'],
    ['no end', sign(HEADER, '{"user_id":"u-42","iat":1762000000}'), 'claims'],
    ['an end beyond all', sign(HEADER, '{"user_id":"u-42","exp":1e999,"iat":1762000000}'), 'claims'],
    ['an end as text', sign(HEADER, '{"user_id":"u-42","exp":"4102444800","iat":1762000000}'), 'claims'],
    ['no user', sign(HEADER, '{"exp":4102444800,"iat":1762000000}'), 'claims'],
    ['a list', sign(HEADER, '[1]'), 'claims'],
    ['a start ahead', sign(HEADER, `{"nbf":1762000061,${PAYLOAD.slice(1)}`), 'not-yet'],
  ]
  for (const [name, token, fault] of faults) {
    test(`with ${name} is refused, and counted as ${fault}`, () => {
      const before = secureSessionFaults()[fault]
      assert.equal(faultOf(token), fault)
      assert.equal(secureSessionFaults()[fault], before + 1)
    })
  }

  test('of another key is refused', () => {
    assert.equal(verifySecureSession(GOLDEN, `${SAMPLE} `, { nowSeconds }), null)
  })

  test('with any character changed is refused', () => {
    for (let index = 0; index < GOLDEN.length; index += 1) {
      const other = GOLDEN[index] === 'A' ? 'B' : 'A'
      const changed = `${GOLDEN.slice(0, index)}${other}${GOLDEN.slice(index + 1)}`
      assert.equal(verifySecureSession(changed, SAMPLE, { nowSeconds }), null, `character ${index}`)
    }
  })
})
