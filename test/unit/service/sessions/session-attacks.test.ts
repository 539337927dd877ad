import assert from 'node:assert/strict'
import { createHmac, generateKeyPairSync, sign } from 'node:crypto'
import { describe, test } from 'node:test'
import { CompactEncrypt } from 'jose'
import type { SessionFault } from '../../../../src/model/session.ts'
import { SecretSessionKeys } from '../../../../src/service/sessions/secret-session-keys.ts'
import {
  deriveByHand,
  encode,
  Hands,
  makeSessions,
  SCOPE,
  SECRET,
  signByHand,
  START,
} from './session-fixture.ts'

const NOW = Math.floor(START / 1_000)
const KID = deriveByHand(SECRET, 'kid', 16).toString('base64url')
const HEAD = { alg: 'HS256', kid: KID, typ: 'coffre-session+jwt' }
const JWE_HEAD = { alg: 'dir', enc: 'A256GCM', kid: KID, typ: 'coffre-session+jwe' }
const ID = 'A'.repeat(22)
const CLAIMS = {
  iss: SCOPE.issuer,
  aud: SCOPE.audience,
  sub: 'admin',
  iat: NOW,
  exp: NOW + 600,
  jti: ID,
  sid: 'B'.repeat(22),
  sat: START,
}
const SIGN = deriveByHand(SECRET, 'session', 32)
const ENCRYPT = deriveByHand(SECRET, 'session-encrypt', 32)
const good = signByHand(HEAD, CLAIMS)
const [goodHead = '', goodPayload = '', goodSignature = ''] = good.split('.')
const ed = generateKeyPairSync('ed25519')

const head = (more: object) => signByHand({ ...HEAD, ...more }, CLAIMS)
const claims = (more: object) => signByHand(HEAD, { ...CLAIMS, ...more })
const without = (name: string) =>
  signByHand(HEAD, Object.fromEntries(Object.entries(CLAIMS).filter(([each]) => each !== name)))
const hmac = (digest: string, key: string | Uint8Array, input = `${goodHead}.${goodPayload}`) =>
  `${input}.${createHmac(digest, key).update(input).digest('base64url')}`
const encrypt = (more: object, payload: object = CLAIMS, key: Uint8Array = ENCRYPT) =>
  new CompactEncrypt(Buffer.from(JSON.stringify(payload)))
    .setProtectedHeader({ ...JWE_HEAD, ...more } as never)
    .encrypt(key)
const goodJwe = await encrypt({})
const jweParts = goodJwe.split('.')
const swapPart = (index: number, part: string) => jweParts.with(index, part).join('.')
const edInput = `${encode({ ...HEAD, alg: 'EdDSA' })}.${goodPayload}`

/** Each a way in that was tried somewhere once; the cause that it is counted under. */
const ATTACKS: Readonly<Record<string, readonly [string, SessionFault]>> = {
  'alg none without signature': [`${encode({ ...HEAD, alg: 'none' })}.${goodPayload}.`, 'algorithm'],
  'alg none with one': [`${encode({ ...HEAD, alg: 'none' })}.${goodPayload}.${goodSignature}`, 'algorithm'],
  'alg nOnE': [head({ alg: 'nOnE' }), 'algorithm'],
  'alg empty': [head({ alg: '' }), 'algorithm'],
  'alg null': [head({ alg: null }), 'algorithm'],
  'alg a list': [head({ alg: ['HS256'] }), 'algorithm'],
  'alg __proto__': [head({ alg: '__proto__' }), 'algorithm'],
  'alg absent': [signByHand({ kid: KID, typ: HEAD.typ }, CLAIMS), 'algorithm'],
  'alg hs256 in small letters': [head({ alg: 'hs256' }), 'algorithm'],
  'alg HS512 with a true HS512': [
    hmac('sha512', SIGN, `${encode({ ...HEAD, alg: 'HS512' })}.${goodPayload}`),
    'algorithm',
  ],
  'alg HS384 with the tag of HS256': [head({ alg: 'HS384' }), 'algorithm'],
  'alg RS256 with the tag of HS256': [head({ alg: 'RS256' }), 'algorithm'],
  'alg EdDSA with a key of the attacker': [
    `${edInput}.${sign(null, Buffer.from(edInput), ed.privateKey).toString('base64url')}`,
    'algorithm',
  ],
  'alg twice': [
    signByHand(`{"alg":"none","alg":"HS256","kid":"${KID}","typ":"${HEAD.typ}"}`, CLAIMS),
    'malformed',
  ],
  'alg twice, once escaped': [
    signByHand(String.raw`{"\u0061lg":"none","alg":"HS256","kid":"${KID}","typ":"${HEAD.typ}"}`, CLAIMS),
    'malformed',
  ],
  'kid twice': [
    signByHand(`{"alg":"HS256","kid":"x","kid":"${KID}","typ":"${HEAD.typ}"}`, CLAIMS),
    'malformed',
  ],
  'kid of a path': [head({ kid: '../../../dev/null' }), 'key'],
  'kid of SQL': [head({ kid: "' OR 1=1 --" }), 'key'],
  'kid of a URL': [head({ kid: 'https://evil.example/key' }), 'key'],
  'kid __proto__': [head({ kid: '__proto__' }), 'key'],
  'kid unknown': [head({ kid: 'C'.repeat(22) }), 'key'],
  'kid empty': [head({ kid: '' }), 'key'],
  'kid a number': [head({ kid: 1 }), 'key'],
  'kid of 65 characters': [head({ kid: 'k'.repeat(65) }), 'key'],
  'kid with a zero byte': [head({ kid: `${KID}\u0000` }), 'key'],
  'kid absent': [signByHand({ alg: 'HS256', typ: HEAD.typ }, CLAIMS), 'algorithm'],
  'jku of the attacker': [head({ jku: 'https://evil.example/jwks' }), 'algorithm'],
  'jwk embedded': [head({ jwk: ed.publicKey.export({ format: 'jwk' }) }), 'algorithm'],
  'x5u of the attacker': [head({ x5u: 'https://evil.example/c' }), 'algorithm'],
  'x5c embedded': [head({ x5c: ['MIIB'] }), 'algorithm'],
  'crit unknown': [head({ crit: ['exp'], exp: 1 }), 'algorithm'],
  'crit empty': [head({ crit: [] }), 'algorithm'],
  'b64 false': [head({ b64: false, crit: ['b64'] }), 'algorithm'],
  zip: [head({ zip: 'DEF' }), 'algorithm'],
  'cty JWT': [head({ cty: 'JWT' }), 'algorithm'],
  'typ JWT, a login or an access token': [head({ typ: 'JWT' }), 'algorithm'],
  'typ of an access token': [head({ typ: 'at+jwt' }), 'algorithm'],
  'typ of a cookie': [head({ typ: 'coffre-cookie+jwt' }), 'algorithm'],
  'typ in capitals': [head({ typ: 'COFFRE-SESSION+JWT' }), 'algorithm'],
  'signed with the SECRET_KEY itself': [signByHand(HEAD, CLAIMS, Buffer.from(SECRET)), 'signature'],
  'signed with the cookie key': [signByHand(HEAD, CLAIMS, deriveByHand(SECRET, 'cookie', 32)), 'signature'],
  'signed with the CSRF key': [signByHand(HEAD, CLAIMS, deriveByHand(SECRET, 'csrf', 32)), 'signature'],
  'signed with the encryption key': [signByHand(HEAD, CLAIMS, ENCRYPT), 'signature'],
  'signed with an empty key': [signByHand(HEAD, CLAIMS, Buffer.alloc(0)), 'signature'],
  'signed with 32 zeros': [signByHand(HEAD, CLAIMS, Buffer.alloc(32)), 'signature'],
  'no signature': [`${goodHead}.${goodPayload}.`, 'signature'],
  'half a signature': [
    `${goodHead}.${goodPayload}.${encode(Buffer.from(goodSignature, 'base64url').subarray(0, 16))}`,
    'signature',
  ],
  'a signature with a byte more': [
    `${goodHead}.${goodPayload}.${encode(Buffer.concat([Buffer.from(goodSignature, 'base64url'), Buffer.alloc(1)]))}`,
    'signature',
  ],
  'the signature of other claims': [
    `${goodHead}.${encode({ ...CLAIMS, sub: 'x' })}.${goodSignature}`,
    'signature',
  ],
  padding: [`${good}=`, 'malformed'],
  spaces: [` ${good}`, 'malformed'],
  'a line end': [`${good}\n`, 'malformed'],
  'plain base64': [good.replaceAll('-', '+').replaceAll('_', '/').concat('+/+/'), 'malformed'],
  'two parts': [`${goodHead}.${goodPayload}`, 'malformed'],
  'four parts': [`${good}.`, 'malformed'],
  'six parts': [`${good}...`, 'malformed'],
  nothing: ['', 'malformed'],
  'more than 8 KiB': [claims({ data: { x: 'x'.repeat(8_192) } }), 'malformed'],
  'a header that is no UTF-8': [signByHand(Buffer.from([0x7b, 0xff, 0x7d]) as never, CLAIMS), 'malformed'],
  'a payload that is no UTF-8': [signByHand(HEAD, Buffer.from([0x7b, 0xff, 0x7d])), 'malformed'],
  'a payload that is a list': [signByHand(HEAD, '[]'), 'malformed'],
  'sub twice': [signByHand(HEAD, `{"sub":"x",${JSON.stringify(CLAIMS).slice(1)}`), 'malformed'],
  'data twice, deep': [
    signByHand(HEAD, `{"data":{"a":1,"a":2},${JSON.stringify(CLAIMS).slice(1)}`),
    'malformed',
  ],
  'exp reached': [claims({ exp: NOW }), 'expired'],
  'exp absent': [without('exp'), 'claims'],
  'exp beyond all numbers': [
    signByHand(HEAD, JSON.stringify(CLAIMS).replace(`"exp":${NOW + 600}`, '"exp":1e999')),
    'claims',
  ],
  'exp a text': [claims({ exp: String(NOW + 600) }), 'claims'],
  'exp null': [claims({ exp: null }), 'claims'],
  'nbf ahead': [claims({ nbf: NOW + 61 }), 'not-yet'],
  'iat ahead': [claims({ iat: NOW + 62 }), 'not-yet'],
  'sat a text': [claims({ sat: 'yesterday' }), 'claims'],
  'sat before the absolute limit': [claims({ sat: START - 86_400_000 }), 'expired'],
  'aud of another application': [claims({ aud: 'other' }), 'claims'],
  'aud a list with ours': [claims({ aud: [SCOPE.audience, 'other'] }), 'claims'],
  'aud absent': [without('aud'), 'claims'],
  'iss with a slash more': [claims({ iss: `${SCOPE.issuer}/` }), 'claims'],
  'iss absent': [without('iss'), 'claims'],
  'sub absent': [without('sub'), 'claims'],
  'sub a number': [claims({ sub: 1 }), 'claims'],
  'jti absent': [without('jti'), 'claims'],
  'sid absent': [without('sid'), 'claims'],
  'data a list': [claims({ data: [] }), 'claims'],
  'JWE: the signing key encrypts': [await encrypt({}, CLAIMS, SIGN), 'signature'],
  'JWE: alg A256KW without a key': [swapPart(0, encode({ ...JWE_HEAD, alg: 'A256KW' })), 'algorithm'],
  'JWE: enc A128GCM': [swapPart(0, encode({ ...JWE_HEAD, enc: 'A128GCM' })), 'algorithm'],
  'JWE: typ of a cookie': [await encrypt({ typ: 'coffre-cookie+jwe' }), 'algorithm'],
  'JWE: an encrypted key': [swapPart(1, 'AAAA'), 'algorithm'],
  'JWE: a short IV': [swapPart(2, 'AAAA'), 'signature'],
  'JWE: a short tag': [
    swapPart(4, encode(Buffer.from(jweParts[4] ?? '', 'base64url').subarray(0, 4))),
    'malformed',
  ],
  'JWE: ciphertext of another': [
    swapPart(3, (await encrypt({}, { sub: 'x' })).split('.')[3] ?? ''),
    'signature',
  ],
  'JWE: zip': [swapPart(0, encode({ ...JWE_HEAD, zip: 'DEF' })), 'algorithm'],
  'JWE: p2c of a thousand years': [swapPart(0, encode({ ...JWE_HEAD, p2c: 2 ** 31 })), 'algorithm'],
}

describe('the reader of sessions', () => {
  const keys = new SecretSessionKeys({ current: SECRET })

  test('takes the tokens that the attacks start from', async () => {
    const sessions = makeSessions(new Hands(), { keys })
    assert.equal((await sessions.verify(good))?.user, 'admin')
    assert.equal((await sessions.verify(goodJwe))?.user, 'admin')
    assert.ok(Object.keys(ATTACKS).length >= 60)
  })

  for (const [name, [token, fault]] of Object.entries(ATTACKS)) {
    test(`refuses: ${name}`, async () => {
      const seen: SessionFault[] = []
      const sessions = makeSessions(new Hands(), { keys, onFault: (each) => seen.push(each) })
      assert.equal(await sessions.verify(token), undefined)
      assert.deepEqual(seen, [fault])
    })
  }

  test('refuses what is no text at all', async () => {
    const sessions = makeSessions(new Hands(), { keys })
    for (const value of [undefined, null, 1, {}, [good]]) {
      assert.equal(await sessions.verify(value as never), undefined)
    }
  })
})
