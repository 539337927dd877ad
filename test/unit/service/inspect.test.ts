import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createToken } from '../../../src/crypto/bearer-token.ts'
import { encodeHeader } from '../../../src/crypto/ciphertext-header.ts'
import { parseKeyId, parseVersionNumber } from '../../../src/model/ids.ts'
import { inspectBlob } from '../../../src/service/data/inspect.ts'
import { failsWith } from '../../temporary.ts'

const keyId = parseKeyId('0193a73a-b400-7000-8000-000000000001')
const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
const jose = (header: object, parts: number) => [encode(header), ...Array(parts - 1).fill('e30')].join('.')

describe('a blob tells', () => {
  for (const [construction, format] of [
    ['message', 'coffre-ciphertext'],
    ['oaep', 'coffre-rsa-oaep'],
    ['file', 'coffre-file'],
    ['wrapped', 'coffre-wrapped-data-key'],
  ] as const) {
    test(`that it is a ${format}, its key and version, as text and as bytes`, () => {
      const header = encodeHeader({ construction, keyId, version: parseVersionNumber(7) })
      const text = ` ${Buffer.from(header).toString('base64url')}\n`
      for (const blob of [header, text]) {
        const inspection = inspectBlob(blob)
        assert.deepEqual([inspection.format, inspection.keyId, inspection.version], [format, keyId, 7])
      }
    })
  }

  const samples: readonly (readonly [string, string, Record<string, unknown>])[] = [
    ['vault:v3:AAAA', 'vault-transit', { version: 3 }],
    [jose({ alg: 'RS256', typ: 'JWT', kid: 'k' }, 3), 'jws', { algorithm: 'RS256' }],
    [jose({ alg: 'dir', enc: 'A256GCM' }, 5), 'jwe', { algorithm: 'dir' }],
    [createToken().token.reveal(), 'coffre-token', {}],
    ['vault:v0:AAAA', 'unknown', {}],
    [jose({ alg: 'x' }, 4), 'unknown', {}],
    ['a.b.c', 'unknown', {}],
    ['[].e30.e30', 'unknown', {}],
    ['', 'unknown', {}],
    ['cof1', 'unknown', {}],
    [`cof1${'A'.repeat(28)}`, 'unknown', {}],
  ]
  for (const [blob, format, members] of samples) {
    test(`${format}: ${blob.slice(0, 20)}`, () => {
      for (const each of [blob, Buffer.from(blob)]) {
        const inspection = inspectBlob(each)
        assert.deepEqual({ ...inspection, ...members, format }, inspection)
      }
    })
  }

  test('whose session a token is, for whom and until when, without judging it', () => {
    const head = encode({ alg: 'EdDSA', kid: `${keyId}.3`, typ: 'coffre-session+jwt' })
    const claims = {
      iss: 'coffre',
      aud: 'shop',
      sub: 'ü',
      jti: 'a',
      sid: 'b',
      iat: 0,
      exp: 1_800_000_000,
      data: {},
    }
    assert.deepEqual(inspectBlob(`${head}.${encode(claims)}.AA`), {
      format: 'jws',
      algorithm: 'EdDSA',
      keyId,
      version: 3,
      createdAt: '1970-01-01T00:00:00.000Z',
      facts: {
        typ: 'coffre-session+jwt',
        kid: `${keyId}.3`,
        iss: 'coffre',
        aud: 'shop',
        sub: 'ü',
        jti: 'a',
        sid: 'b',
        expiresAt: '2027-01-15T08:00:00.000Z',
      },
    })
    const odd = { sub: 'x'.repeat(257), iss: 7, iat: -1, exp: 1e308 }
    const bare = { format: 'jws', algorithm: 'EdDSA', keyId, version: 3 }
    const facts = { typ: 'coffre-session+jwt', kid: `${keyId}.3` }
    assert.deepEqual(inspectBlob(`${head}.${encode(odd)}.AA`), { ...bare, facts })
    assert.deepEqual(inspectBlob(`${head}.AA.AA`), { ...bare, facts })
  })

  test('nothing of a token but its id', () => {
    const { id, token } = createToken()
    assert.deepEqual(inspectBlob(token.reveal()), { format: 'coffre-token', facts: { id } })
  })

  test('nothing when it is larger than any ciphertext', () => {
    assert.throws(() => inspectBlob('x'.repeat(2 ** 21)), failsWith('LIMIT_EXCEEDED'))
  })
})
