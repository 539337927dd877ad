import assert from 'node:assert/strict'
import { gzipSync } from 'node:zlib'
import { after, describe, test } from 'node:test'
import { connectCoffre } from '../../src/client/connect-coffre.ts'
import { toInstant } from '../../src/model/clock.ts'
import { VERDICTS, type DiagnosisRequest, type Verdict } from '../../src/model/diagnosis.ts'
import { failsWith, openTemporary } from '../temporary.ts'
import { startServer } from './running-server.ts'

const PLAINTEXT = 'canary-plaintext'
let now = toInstant(Date.now())
const coffre = await openTemporary({ after }, { clock: () => now })
const elsewhere = await openTemporary({ after })

async function encryptUnder(key: string, context?: Record<string, string>): Promise<string> {
  return (await coffre.encrypt({ key, plaintext: PLAINTEXT, ...(context === undefined ? {} : { context }) }))
    .ciphertext
}

for (const name of ['good', 'suspended', 'destroyed', 'floored', 'pending'])
  await coffre.keys.create({ name })
for (const name of ['tokens', 'tokens-2']) await coffre.keys.create({ name, algorithm: 'fernet' })
await elsewhere.keys.create({ name: 'good' })
await elsewhere.keys.create({ name: 'tokens', algorithm: 'fernet' })
const good = await encryptUnder('good')
const bound = await encryptUnder('good', { row: '7', table: 'people' })
const [suspended, destroyed, floored, pending] = [
  await encryptUnder('suspended'),
  await encryptUnder('destroyed'),
  await encryptUnder('floored'),
  await encryptUnder('pending'),
]
await coffre.keys.suspend('suspended')
for (const name of ['destroyed', 'floored']) {
  await coffre.keys.rotate(name)
  await coffre.keys.setFloor(name, 2)
}
await coffre.keys.destroy('destroyed', { version: 1 })
await coffre.keys.scheduleDestroy('pending')
const token = await encryptUnder('tokens')
const foreign = (await elsewhere.encrypt({ key: 'good', plaintext: 'x' })).ciphertext
const foreignToken = (await elsewhere.encrypt({ key: 'tokens', plaintext: 'x' })).ciphertext
const future = await encryptUnder('tokens')

function flip(text: string, at: number): string {
  const bytes = Buffer.from(text, 'base64url')
  bytes[at] = (bytes[at] ?? 0) ^ 1
  return bytes.toString('base64url')
}
const otherVersion = flip(good, 22)
const pem = '-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA==\n-----END PRIVATE KEY-----'
const base64 = (text: string) => Buffer.from(text).toString('base64')
const jwt = `${Buffer.from('{"alg":"RS256"}').toString('base64url')}.e30.c2lnbmF0dXJl`

interface Row {
  readonly name: string
  readonly request: DiagnosisRequest
  readonly verdict: Verdict
  readonly format?: string
}

const row = (
  name: string,
  verdict: Verdict,
  blob: string,
  more: Partial<DiagnosisRequest> & { format?: string } = {},
): Row => {
  const { format, ...asked } = more
  return { name, verdict, request: { blob, ...asked }, ...(format === undefined ? {} : { format }) }
}

const ROWS: readonly Row[] = [
  row('opens', 'decrypts', good),
  row('opens, with line breaks around it', 'decrypts', `\n${good}\n`),
  row('opens with its context', 'decrypts', bound, { context: { table: 'people', row: '7' } }),
  row('of another Coffre', 'unknown-key', foreign),
  row('under another version', 'unknown-version', otherVersion),
  row('under another key than was said', 'wrong-key', good, { key: 'floored' }),
  row('of a destroyed version', 'destroyed-version', destroyed),
  row('of a suspended key', 'suspended-version', suspended),
  row('below the floor', 'below-floor', floored),
  row('of a key that will be destroyed', 'key-pending-destruction', pending),
  row('made without a context', 'wrong-context', good, { context: { row: '7' } }),
  row('with a pair too many', 'wrong-context', bound, { context: { row: '7', table: 'people', more: 'x' } }),
  row('with white space in the context', 'wrong-context', bound, {
    context: { row: ' 7', table: 'people ' },
  }),
  row('with capitals in the context', 'wrong-context', bound, { context: { Row: '7', table: 'People' } }),
  row('without its context', 'context-or-content', bound),
  row('with another context', 'context-or-content', bound, { context: { row: '8' } }),
  row('changed in its body', 'context-or-content', flip(good, 110)),
  row('changed in its salt', 'changed-head', flip(good, 30)),
  row('changed in its commitment', 'changed-head', flip(good, 60)),
  row('cut off', 'truncated', good.slice(0, 80)),
  row('cut off within its head', 'truncated', good.slice(0, 20)),
  row('a Fernet token that opens', 'decrypts', token, { format: 'fernet' }),
  row('a Fernet token of its key', 'decrypts', token, { key: 'tokens' }),
  row('a Fernet token of another key', 'wrong-key', token, { key: 'tokens-2' }),
  row('a Fernet token of another Coffre', 'content-or-key', foreignToken),
  row(
    'a Fernet token, changed',
    'content-or-key',
    `${token.slice(0, 40)}${token[40] === 'A' ? 'B' : 'A'}${token.slice(41)}`,
  ),
  row('a Fernet token, cut off', 'truncated', token.slice(0, 50)),
  row('with line breaks in it', 'surrounded', `${good.slice(0, 50)}\n${good.slice(50)}`, {
    format: 'line-breaks',
  }),
  row('in quotes', 'surrounded', `"${good}"`, { format: 'quoted' }),
  row('in JSON', 'surrounded', JSON.stringify({ ciphertext: good }), { format: 'json' }),
  row('with its name', 'surrounded', `IBAN=${good}`, { format: 'assignment' }),
  row('in base64 once more', 'encoded', base64(good), { format: 'base64' }),
  row(
    'its bytes in base64',
    'encoded',
    Buffer.from(good, 'base64url').toString('base64').replaceAll('-', '+') + '',
    { format: 'base64' },
  ),
  row('in hex', 'encoded', Buffer.from(good).toString('hex'), { format: 'hex' }),
  row('compressed', 'encoded', gzipSync(good).toString('latin1'), { format: 'gzip' }),
  row('compressed, in base64', 'encoded', gzipSync(good).toString('base64'), { format: 'gzip' }),
  row('percent-encoded', 'encoded', `%63of1${good.slice(4)}`, { format: 'percent' }),
  row('of age', 'other-system', 'age-encryption.org/v1\n-> X25519 x\n', { format: 'age' }),
  row('of age, armored', 'other-system', '-----BEGIN AGE ENCRYPTED FILE-----\n', { format: 'age' }),
  row('of openssl enc', 'other-system', base64('Salted__12345678abcdefgh'), { format: 'openssl-enc' }),
  row('of PGP', 'other-system', '-----BEGIN PGP MESSAGE-----\n', { format: 'pgp' }),
  row('of Vault', 'other-system', `vault:v2:${base64('x'.repeat(30))}`, { format: 'vault-transit' }),
  row(
    'of AWS KMS',
    'other-system',
    Buffer.concat([Buffer.from('01020200', 'hex'), Buffer.alloc(60, 120)]).toString('base64'),
    { format: 'aws-kms' },
  ),
  row('a JWE', 'other-system', 'eyJhbGciOiJkaXIifQ..aXY.Y2lwaGVy.dGFn', { format: 'jwe' }),
  row('a JWT', 'not-ciphertext', jwt, { format: 'jwt' }),
  row('a key in PEM', 'not-ciphertext', pem, { format: 'pem' }),
  row('a Vault token', 'not-ciphertext', `hvs.${'A'.repeat(24)}`, { format: 'vault-token' }),
  row('a token of Coffre', 'not-ciphertext', `coffre_k3v9xw2mqa_${'a'.repeat(51)}`, {
    format: 'coffre-token',
  }),
  row('nothing', 'empty', ' \n'),
  row('anything else', 'unknown-format', 'hello, world!'),
]

describe('a blob', () => {
  for (const { name, request, verdict, format } of ROWS) {
    test(`${name} is told to be: ${verdict}`, async () => {
      const found = await coffre.diagnose(request)
      assert.equal(found.verdict, verdict, JSON.stringify(found))
      if (format !== undefined) assert.equal(found.format, format)
      assert.ok(found.next.length > 0)
      const shown = JSON.stringify(found)
      assert.ok(!shown.includes('canary') && !shown.includes(good.slice(40)), 'an answer repeats nothing')
    })
  }

  test('that is a Fernet token is told its age', async () => {
    const before = now
    now = toInstant(before + 3_600_000)
    assert.equal((await coffre.diagnose({ blob: token, ttlSeconds: 60 })).verdict, 'expired')
    assert.equal((await coffre.diagnose({ blob: token, ttlSeconds: 86_400 })).verdict, 'decrypts')
    now = toInstant(before - 3_600_000)
    assert.equal((await coffre.diagnose({ blob: future })).verdict, 'from-the-future')
    now = before
  })

  test('has a fixture for each verdict but those that no state of a store shows', () => {
    const shown = new Set<Verdict>(ROWS.map(({ verdict }) => verdict))
    const elsewhereShown = ['expired', 'from-the-future']
    const unshown = VERDICTS.filter((verdict) => !shown.has(verdict) && !elsewhereShown.includes(verdict))
    assert.deepEqual(unshown, ['wrong-purpose', 'unusable-version'])
  })
})

describe('a diagnosis', () => {
  test('is for admins and operators, leaves a record, and tells a confined token only of its own keys', async (t) => {
    const { url, admin, appToken } = await startServer(t)
    await admin.keys.create({ name: 'k' })
    const { ciphertext } = await admin.encrypt({ key: 'k', plaintext: PLAINTEXT })
    const app = connectCoffre(url, appToken)
    await assert.rejects(app.diagnose({ blob: ciphertext }), failsWith('FORBIDDEN'))
    const operator = connectCoffre(url, (await admin.tokens.create({ name: 'o', role: 'operator' })).token)
    assert.deepEqual((await operator.diagnose({ blob: ciphertext })).verdict, 'decrypts')
    await assert.rejects(operator.decrypt({ ciphertext }), failsWith('FORBIDDEN'))
    await admin.policies.create('others', { rules: [{ keys: ['other-*'], operations: ['*'] }] })
    const confined = connectCoffre(
      url,
      (await admin.tokens.create({ name: 'c', role: 'operator', policies: ['others'] })).token,
    )
    assert.equal((await confined.diagnose({ blob: ciphertext })).verdict, 'unknown-key')
    const records = (await admin.audit.list({ last: 50 })).filter(({ action }) => action === 'data.diagnose')
    assert.equal(records.length, 2)
    assert.match(records[0]?.body ?? '', /"verdict":"decrypts"/)
  })
})
