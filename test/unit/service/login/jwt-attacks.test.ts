import assert from 'node:assert/strict'
import { createHmac, generateKeyPairSync, type KeyObject, sign as signBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import { toInstant } from '../../../../src/model/clock.ts'
import type { JwtTrust } from '../../../../src/model/login-role.ts'
import { judgeJwt } from '../../../../src/service/login/judge-jwt.ts'
import { KeySet } from '../../../../src/service/login/key-set.ts'

const NOW = 1_800_000_000
const at = { now: toInstant(NOW * 1_000) }
const rsa = generateKeyPairSync('rsa', { modulusLength: 2_048 })
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const ed = generateKeyPairSync('ed25519')
const stranger = generateKeyPairSync('rsa', { modulusLength: 2_048 })

const publicJwk = (key: KeyObject, more: object) => ({ ...key.export({ format: 'jwk' }), ...more })
const rsaJwk = publicJwk(rsa.publicKey, { kid: 'rsa', use: 'sig' })
const ecJwk = publicJwk(ec.publicKey, { kid: 'ec' })
const edJwk = publicJwk(ed.publicKey, { kid: 'ed', alg: 'EdDSA', key_ops: ['verify'] })
const keys = parse({ keys: [rsaJwk, ecJwk, edJwk] })

function parse(document: unknown): KeySet {
  const set = KeySet.parse(typeof document === 'string' ? document : JSON.stringify(document))
  assert.ok(set !== undefined)
  return set
}

const trust: JwtTrust = {
  issuer: 'https://issuer.example',
  audience: 'coffre',
  algorithms: ['RS256', 'ES256', 'EdDSA'],
  keys: { document: '' },
}
const CLAIMS = { iss: trust.issuer, aud: trust.audience, sub: 'build-7', iat: NOW, exp: NOW + 300 }
const HEAD = { alg: 'RS256', kid: 'rsa', typ: 'JWT' }

const encode = (value: string | object) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')

type Signer = (input: string) => Buffer
const withRsa =
  (key: KeyObject): Signer =>
  (input) =>
    signBytes('sha256', Buffer.from(input), key)
const withEc: Signer = (input) =>
  signBytes('sha256', Buffer.from(input), { key: ec.privateKey, dsaEncoding: 'ieee-p1363' })
const withHmac =
  (secret: string | Buffer): Signer =>
  (input) =>
    createHmac('sha256', secret).update(input).digest()

function make(
  head: string | object,
  claims: string | object,
  signer: Signer = withRsa(rsa.privateKey),
): string {
  const input = `${encode(head)}.${encode(claims)}`
  return `${input}.${signer(input).toString('base64url')}`
}

const good = make(HEAD, CLAIMS)
const [goodHead = '', goodClaims = '', goodSignature = ''] = good.split('.')
const flipped = Buffer.from(goodSignature, 'base64url')
flipped[7] = (flipped[7] ?? 0) ^ 1
const spki = rsa.publicKey.export({ type: 'spki', format: 'pem' }).toString()
const without = (name: keyof typeof CLAIMS) =>
  Object.fromEntries(Object.entries(CLAIMS).filter(([each]) => each !== name))
const rs256 = (head: object, claims: string | object = CLAIMS) => make({ ...HEAD, ...head }, claims)

const ATTACKS: Readonly<Record<string, string>> = {
  'alg none': `${encode({ alg: 'none' })}.${goodClaims}.`,
  'alg none, with a signature': `${encode({ alg: 'none' })}.${goodClaims}.${goodSignature}`,
  'alg nOnE': make({ alg: 'nOnE', kid: 'rsa' }, CLAIMS),
  'alg empty': make({ alg: '', kid: 'rsa' }, CLAIMS),
  'alg absent': make({ kid: 'rsa' }, CLAIMS),
  'alg is a list': make({ alg: ['RS256'], kid: 'rsa' }, CLAIMS),
  'alg __proto__': make({ alg: '__proto__', kid: 'rsa' }, CLAIMS),
  'HS256 with the public key in PEM': make({ alg: 'HS256', kid: 'rsa' }, CLAIMS, withHmac(spki)),
  'HS256 with the public key in DER': make(
    { alg: 'HS256', kid: 'rsa' },
    CLAIMS,
    withHmac(rsa.publicKey.export({ type: 'spki', format: 'der' })),
  ),
  'HS256 with the JWK': make({ alg: 'HS256', kid: 'rsa' }, CLAIMS, withHmac(JSON.stringify(rsaJwk))),
  'HS256 with an empty secret': make({ alg: 'HS256', kid: 'rsa' }, CLAIMS, withHmac('')),
  'an algorithm that the role does not name': make({ alg: 'RS512', kid: 'rsa' }, CLAIMS, (input) =>
    signBytes('sha512', Buffer.from(input), rsa.privateKey),
  ),
  'an algorithm of another kind of key': make({ alg: 'ES256', kid: 'rsa' }, CLAIMS),
  'the key of a stranger': make(HEAD, CLAIMS, withRsa(stranger.privateKey)),
  'the key of a stranger in jwk': make(
    { ...HEAD, jwk: publicJwk(stranger.publicKey, {}) },
    CLAIMS,
    withRsa(stranger.privateKey),
  ),
  'jwk, even of the right key': rs256({ jwk: rsaJwk }),
  jku: rs256({ jku: 'https://attacker.example/jwks.json' }),
  x5u: rs256({ x5u: 'https://attacker.example/chain.pem' }),
  x5c: rs256({ x5c: ['MIIB'] }),
  'crit of something unknown': rs256({ crit: ['exp'], exp: 1 }),
  'crit b64': rs256({ crit: ['b64'], b64: false }),
  'b64 true': rs256({ b64: true }),
  zip: rs256({ zip: 'DEF' }),
  'cty JWT': rs256({ cty: 'JWT' }),
  'kid of a path': rs256({ kid: '../../../../dev/null' }),
  'kid of an SQL injection': rs256({ kid: "x' UNION SELECT 'k" }),
  'kid of a command': rs256({ kid: 'rsa|id' }),
  'kid with a NUL': rs256({ kid: 'rsa\u0000' }),
  'kid unknown': rs256({ kid: 'other' }),
  'kid __proto__': rs256({ kid: '__proto__' }),
  'kid is a number': rs256({ kid: 1 }),
  'kid is null': rs256({ kid: null }),
  'kid too long': rs256({ kid: 'k'.repeat(129) }),
  'typ of a logout token': rs256({ typ: 'logout+jwt' }),
  'typ of a proof of possession': rs256({ typ: 'dpop+jwt' }),
  'typ is a number': rs256({ typ: 1 }),
  'two algs': make('{"alg":"RS256","alg":"RS256","kid":"rsa"}', CLAIMS),
  'two algs, one escaped': make('{"alg":"none","\\u0061lg":"RS256","kid":"rsa"}', CLAIMS),
  'two subjects': rs256({}, `${JSON.stringify(CLAIMS).slice(0, -1)},"sub":"admin"}`),
  'two issuers': rs256({}, `{"iss":"https://attacker.example",${JSON.stringify(CLAIMS).slice(1)}`),
  'issuer of another': rs256({}, { ...CLAIMS, iss: 'https://attacker.example' }),
  'issuer with a slash more': rs256({}, { ...CLAIMS, iss: `${trust.issuer}/` }),
  'issuer as a list': rs256({}, { ...CLAIMS, iss: [trust.issuer] }),
  'no issuer': rs256({}, without('iss')),
  'audience of another': rs256({}, { ...CLAIMS, aud: 'other' }),
  'audience that ours begins with': rs256({}, { ...CLAIMS, aud: 'coffre2' }),
  'audience in capitals': rs256({}, { ...CLAIMS, aud: 'COFFRE' }),
  'audience as an object': rs256({}, { ...CLAIMS, aud: { coffre: true } }),
  'audience nested': rs256({}, { ...CLAIMS, aud: [['coffre']] }),
  'no audience': rs256({}, without('aud')),
  'no end': rs256({}, without('exp')),
  'end as text': rs256({}, { ...CLAIMS, exp: String(NOW + 300) }),
  'end is null': rs256({}, { ...CLAIMS, exp: null }),
  'end of infinity': rs256({}, JSON.stringify(CLAIMS).replace(/"exp":\d+/, '"exp":"Infinity"')),
  expired: rs256({}, { ...CLAIMS, exp: NOW - 60 }),
  'not valid yet': rs256({}, { ...CLAIMS, nbf: NOW + 61 }),
  'nbf as text': rs256({}, { ...CLAIMS, nbf: '0' }),
  'issued in the future': rs256({}, { ...CLAIMS, iat: NOW + 61 }),
  'iat as text': rs256({}, { ...CLAIMS, iat: 'now' }),
  'claims as a list': rs256({}, '[]'),
  'claims as null': rs256({}, 'null'),
  'claims that are no JSON': rs256({}, 'sub=admin'),
  'claims that are not UTF-8': make(HEAD, CLAIMS, withRsa(rsa.privateKey)).replace(goodClaims, 'gICA'),
  'head that is no JSON': `${encode('x')}.${goodClaims}.${goodSignature}`,
  'no signature': `${goodHead}.${goodClaims}.`,
  'two parts': `${goodHead}.${goodClaims}`,
  'four parts': `${good}.${goodSignature}`,
  'five parts, as JWE has': `${good}.AA.AA`,
  'a changed signature': `${goodHead}.${goodClaims}.${flipped.toString('base64url')}`,
  'a shorter signature': `${goodHead}.${goodClaims}.${goodSignature.slice(0, -4)}`,
  'changed claims': `${goodHead}.${encode({ ...CLAIMS, sub: 'admin' })}.${goodSignature}`,
  'ECDSA of zeros': make({ alg: 'ES256', kid: 'ec' }, CLAIMS, () => Buffer.alloc(64)),
  'ECDSA in DER': make({ alg: 'ES256', kid: 'ec' }, CLAIMS, (input) =>
    signBytes('sha256', Buffer.from(input), ec.privateKey),
  ),
  'Ed25519 of zeros': make({ alg: 'EdDSA', kid: 'ed' }, CLAIMS, () => Buffer.alloc(64)),
  'padding in base64url': `${goodHead}.${goodClaims}.${goodSignature}=`,
  'base64 with + and /': good.replace(
    goodSignature,
    Buffer.from(goodSignature, 'base64url').toString('base64'),
  ),
  'not canonical base64url': `${goodHead}.${goodClaims}.${goodSignature.slice(0, -1)}${nextCharacter(goodSignature)}`,
  'a space in front': ` ${good}`,
  'a line break behind': `${good}\n`,
  'more than 8 KiB': rs256({}, { ...CLAIMS, groups: ['g'.repeat(8_192)] }),
  'flattened JSON': JSON.stringify({ protected: goodHead, payload: goodClaims, signature: goodSignature }),
  empty: '',
}

/** Another last character for the same bytes. */
function nextCharacter(text: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  return alphabet[alphabet.indexOf(text.at(-1) ?? '') + 1] ?? ''
}

describe('a JWT that attacks', () => {
  for (const [name, token] of Object.entries(ATTACKS)) {
    test(`is refused: ${name}`, async () => {
      assert.equal(await judgeJwt(token, trust, { ...at, keys }), undefined)
    })
  }
})

describe('a JWT that is good', () => {
  const accepted: Readonly<Record<string, string>> = {
    RS256: good,
    ES256: make({ alg: 'ES256', kid: 'ec' }, CLAIMS, withEc),
    EdDSA: make({ alg: 'EdDSA', kid: 'ed' }, CLAIMS, (input) =>
      signBytes(null, Buffer.from(input), ed.privateKey),
    ),
    'without kid, where one key fits': make({ alg: 'RS256' }, CLAIMS),
    'with a list of audiences': rs256({}, { ...CLAIMS, aud: ['other', 'coffre'] }),
    'of an access token': rs256({ typ: 'at+JWT' }),
    'in the last second that clocks may differ by': rs256(
      {},
      { ...CLAIMS, exp: NOW - 59, nbf: NOW + 60, iat: NOW + 60 },
    ),
    'of just 8 KiB': fill(),
  }
  for (const [name, token] of Object.entries(accepted)) {
    test(`is accepted: ${name}`, async () => {
      assert.equal((await judgeJwt(token, trust, { ...at, keys }))?.['sub'], 'build-7')
    })
  }

  test('is refused again once it is not this issuer’s any more', async () => {
    const other = parse({ keys: [publicJwk(stranger.publicKey, { kid: 'rsa' })] })
    assert.equal(await judgeJwt(good, trust, { ...at, keys: other }), undefined)
  })
})

function fill(): string {
  let padding = 5_000
  while (rs256({}, { ...CLAIMS, padding: 'p'.repeat(padding + 1) }).length <= 8_192) padding += 1
  return rs256({}, { ...CLAIMS, padding: 'p'.repeat(padding) })
}

describe('a key set', () => {
  const refused: Readonly<Record<string, unknown>> = {
    'that is no JSON': 'keys',
    'without keys': { keys: [] },
    'that is a list': [rsaJwk],
    'with one id twice': { keys: [rsaJwk, { ...ecJwk, kid: 'rsa' }] },
    'with two members of one name': `{"keys":[],"keys":[${JSON.stringify(rsaJwk)}]}`,
    'of secret keys only': { keys: [{ kty: 'oct', k: 'AAAA', kid: 'a' }] },
    'of private keys only': { keys: [{ ...rsa.privateKey.export({ format: 'jwk' }), kid: 'a' }] },
    'of short RSA keys only': {
      keys: [publicJwk(generateKeyPairSync('rsa', { modulusLength: 1_024 }).publicKey, { kid: 'a' })],
    },
    'for encryption only': { keys: [{ ...rsaJwk, use: 'enc' }] },
    'for other operations only': { keys: [{ ...rsaJwk, use: undefined, key_ops: ['encrypt'] }] },
    'of more than 64 keys': {
      keys: Array.from({ length: 65 }, (_, index) => ({ ...ecJwk, kid: `k${index}` })),
    },
    'of more than 64 KiB': { keys: [rsaJwk], more: 'm'.repeat(65_536) },
    'of unknown kinds only': { keys: [{ kty: '__proto__' }, { kty: 'EC' }, null, 7, 'x'] },
  }
  for (const [name, document] of Object.entries(refused)) {
    test(`is refused ${name}`, () => {
      assert.equal(
        KeySet.parse(typeof document === 'string' ? document : JSON.stringify(document)),
        undefined,
      )
    })
  }

  test('with several keys for an algorithm needs the token to name one', async () => {
    const two = parse({ keys: [rsaJwk, publicJwk(stranger.publicKey, { kid: 'second' })] })
    assert.equal(await judgeJwt(make({ alg: 'RS256' }, CLAIMS), trust, { ...at, keys: two }), undefined)
    assert.ok((await judgeJwt(good, trust, { ...at, keys: two })) !== undefined)
  })

  test('whose key names an algorithm serves that one only', async () => {
    const bound = parse({ keys: [{ ...rsaJwk, alg: 'PS256' }] })
    assert.equal(await judgeJwt(good, trust, { ...at, keys: bound }), undefined)
  })

  test('keeps what it can use of a set with other keys in it', async () => {
    const mixed = parse({
      keys: [{ kty: 'oct', k: 'AAAA', kid: 'rsa2' }, { kty: 'EC', crv: 'secp256k1', x: 'a', y: 'b' }, rsaJwk],
    })
    assert.ok((await judgeJwt(good, trust, { ...at, keys: mixed })) !== undefined)
  })
})
