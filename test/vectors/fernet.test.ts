import assert from 'node:assert/strict'
import { createDecipheriv } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { FernetKey, parseFernetKey } from '../../src/crypto/fernet-key.ts'
import { Fernet, InvalidToken, type InvalidTokenReason } from '../../src/crypto/fernet.ts'

const folder =
  process.env['COFFRE_VECTORS'] ?? join(import.meta.dirname, '..', '..', '..', 'shared', 'vectors')

interface Made {
  readonly token: string
  readonly now: string
  readonly iv: readonly number[]
  readonly src: string
  readonly secret: string
}

interface Judged {
  readonly desc: string
  readonly token: string
  readonly now: string
  readonly ttl_sec: number
  readonly src: string
  readonly secret: string
}

function readCases<Case>(name: string): Case[] {
  const cases: Case[] = JSON.parse(readFileSync(join(folder, 'fernet', name), 'utf8'))
  assert.ok(cases.length > 0, `${name} holds no case`)
  return cases
}

/** Reached only when every case passed: each is an assertion. */
function report(name: string, cases: readonly unknown[]): void {
  console.log(`vectors: fernet/${name}: run ${cases.length}, passed ${cases.length}, not expressible 0`)
}

function toSeconds(time: string): number {
  return Date.parse(time) / 1_000
}

/** The random block that a fresh key turns into `iv`: its chain starts from a block of zeros. */
function fillForIv(secret: string, iv: Uint8Array) {
  const key = Buffer.from(secret, 'base64url').subarray(16)
  const block = createDecipheriv('aes-128-ecb', key, null).setAutoPadding(false).update(iv)
  return (target: Uint8Array, offset: number) => target.set(block, offset)
}

function makeToken({ secret, iv, src, timeSeconds }: Omit<Made, 'token' | 'now'> & { timeSeconds: number }) {
  const key = new FernetKey(parseFernetKey(secret))
  return key.seal(src, { timeSeconds, fillRandom: fillForIv(secret, Uint8Array.from(iv)) })
}

const EXPECTED_REASONS: Readonly<Record<string, InvalidTokenReason>> = {
  'incorrect mac': 'mac',
  'too short': 'malformed',
  'invalid base64': 'malformed',
  'payload size not multiple of block size': 'malformed',
  'payload padding error': 'padding',
  'far-future TS (unacceptable clock skew)': 'future',
  'expired TTL': 'expired',
  'incorrect IV (causes padding error)': 'padding',
}

const skip = existsSync(join(folder, 'fernet')) ? false : `no vectors at ${folder}; set COFFRE_VECTORS`
if (skip) console.log(`vectors: fernet skipped, ${skip}`)

describe('the vectors of the Fernet specification', { skip }, () => {
  test('generate.json gives the very token', () => {
    const cases = readCases<Made>('generate.json')
    for (const made of cases) {
      assert.equal(makeToken({ ...made, timeSeconds: toSeconds(made.now) }), made.token)
    }
    report('generate.json', cases)
  })

  test('verify.json opens, alone and in a batch', () => {
    const cases = readCases<Judged>('verify.json')
    for (const { secret, token, ttl_sec: ttlSeconds, now, src } of cases) {
      const options = { ttlSeconds, nowSeconds: toSeconds(now) }
      const fernet = new Fernet(secret)
      assert.equal(Buffer.from(fernet.decrypt(token, options)).toString(), src)
      const [plaintext] = fernet.decryptMany([token], options)
      assert.ok(plaintext)
      assert.equal(Buffer.from(plaintext).toString(), src)
    }
    report('verify.json', cases)
  })

  test('invalid.json is refused, each for its own reason', () => {
    const cases = readCases<Judged>('invalid.json')
    assert.equal(cases.length, 8)
    for (const { secret, token, ttl_sec: ttlSeconds, now, desc } of cases) {
      const options = { ttlSeconds, nowSeconds: toSeconds(now) }
      const isExpected = (error: unknown) =>
        error instanceof InvalidToken && error.reason === EXPECTED_REASONS[desc]
      assert.throws(() => new Fernet(secret).decrypt(token, options), isExpected, desc)
      assert.deepEqual(new Fernet(secret).decryptMany([token], options), [undefined], desc)
    }
    report('invalid.json', cases)
  })
})

// Made with Python cryptography 48.0.0. Test-only secrets.
const V000_SECRET = 'V2XipZcpb2bX4JWDPOub5bh73INnVV60juD5BK9r_qE='
const GOLDEN = [
  {
    name: 'V000',
    secret: V000_SECRET,
    timeSeconds: 1705312800,
    firstIvByte: 0x00,
    src: '{"value": "14230", "date": "2024-01-15"}',
    token:
      'gAAAAABlpQIgAAECAwQFBgcICQoLDA0OD7-teMaCRQ3pVHSuP3DrAmMP6dxw53xhvh48sXRrwOMGhoh28yKf5JjykairyUrOk98DQWSocVgIeVjiQ49VlB42z2WixlnkKHlNUCycvvDy',
  },
  {
    name: 'V000b',
    secret: V000_SECRET,
    timeSeconds: 1705312800,
    firstIvByte: 0x10,
    src: String.raw`{"street": "12 rue de l'\u00c9vangile", "postal_code": "75018", "coeff": 1.0}`,
    token:
      'gAAAAABlpQIgEBESExQVFhcYGRobHB0eHw0_8fQa3P-DgxZBHknhrQ1g1ZXIKUXQa5FPQuxDbgZH9cnB3Abn9NNcW3GM1JS4N4eS9HDSZC6fIupH5eJXmi4K1Auax5a1Bh7OUsBhpg27dw_KunoeuPtqso-0dmkBy_iQCy0Jb11vya9Rqzz5rtk=',
  },
  {
    name: 'V001',
    secret: 'AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=',
    timeSeconds: 1762000000,
    firstIvByte: 0x20,
    src: 'mistral-test-key-0123456789abcdefABCDEF',
    token:
      'gAAAAABpBfyAICEiIyQlJicoKSorLC0uL8MDgRknkiX5OalNk2393EU6oC2inm1W1IBys-QJdeivZ_ivgql1yhePLtCObQmR3T5JD1HvMB8zK2an7hAnGYgV4Tsm5moiaIURiJTBQp-I',
  },
]

describe('golden tokens of Python cryptography', () => {
  for (const { name, secret, timeSeconds, firstIvByte, src, token } of GOLDEN) {
    test(`${name} is made and opened byte for byte`, () => {
      const iv = Array.from({ length: 16 }, (_, index) => firstIvByte + index)
      assert.equal(makeToken({ secret, iv, src, timeSeconds }), token)
      const plaintext = new Fernet(secret).decrypt(token, { nowSeconds: timeSeconds })
      assert.equal(Buffer.from(plaintext).toString(), src)
    })
  }
})
