import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { openCoffre } from '../../src/app.ts'
import { CoffreError } from '../../src/model/errors.ts'

const folder = mkdtempSync(join(tmpdir(), 'coffre-agree-'))
const coffre = await openCoffre({ dataDir: join(folder, 'data'), createIfMissing: true })
const created = await coffre.keys.create({ name: 'partner', algorithm: 'x25519' })
const info = 'orders 2026'
after(async () => {
  await coffre.close()
  rmSync(folder, { recursive: true })
})

function openssl(...args: readonly string[]): Buffer {
  return execFileSync('openssl', args, { cwd: folder })
}

openssl('genpkey', '-algorithm', 'X25519', '-out', 'peer.pem')
openssl('pkey', '-in', 'peer.pem', '-pubout', '-out', 'peer.pub.pem')
const peerPublicKey = readFileSync(join(folder, 'peer.pub.pem'), 'utf8')

/** The commands of docs/spec/agreement.md. */
function deriveAsPeer(ourPublicKey: string): Buffer {
  writeFileSync(join(folder, 'ours.pub.pem'), ourPublicKey)
  openssl('pkeyutl', '-derive', '-inkey', 'peer.pem', '-peerkey', 'ours.pub.pem', '-out', 'shared.bin')
  const shared = readFileSync(join(folder, 'shared.bin')).toString('hex')
  const options = ['digest:SHA2-256', `hexkey:${shared}`, `info:${info}`].flatMap((each) => ['-kdfopt', each])
  return openssl('kdf', '-keylen', '32', ...options, '-binary', 'HKDF')
}

test('a peer with OpenSSL derives the same key, from the version that it was given', async () => {
  const first = await coffre.deriveKey({ key: 'partner', peerPublicKey, info })
  assert.ok(deriveAsPeer(created.versions[0]!.publicKey!).equals(first.derivedKey))
  const rotated = await coffre.keys.rotate('partner')
  const second = await coffre.deriveKey({ key: 'partner', peerPublicKey, info })
  assert.equal(second.version, 2)
  assert.ok(deriveAsPeer(rotated.versions[1]!.publicKey!).equals(second.derivedKey))
  const again = await coffre.deriveKey({ key: 'partner', peerPublicKey, info, version: 1 })
  assert.deepEqual(again, first)
})

const REFUSED: readonly [title: string, changes: object, code: string][] = [
  ['an info of more than 1,024 bytes', { info: 'x'.repeat(1_025) }, 'LIMIT_EXCEEDED'],
  ['a length below 16', { bytes: 15 }, 'INVALID_REQUEST'],
  ['text that is no PEM', { peerPublicKey: 'nonsense' }, 'INVALID_REQUEST'],
  ['two keys in one text', { peerPublicKey: peerPublicKey + peerPublicKey }, 'INVALID_REQUEST'],
  ['a version that is not there', { version: 9 }, 'KEY_VERSION_NOT_FOUND'],
  [
    'a point of low order',
    {
      peerPublicKey: spki(Buffer.concat([Buffer.from('302a300506032b656e032100', 'hex'), Buffer.alloc(32)])),
    },
    'KEY_REFUSED',
  ],
]

for (const [title, changes, code] of REFUSED) {
  test(`${title} is refused with ${code}`, async () => {
    await assert.rejects(
      coffre.deriveKey({ key: 'partner', peerPublicKey, info, ...changes }),
      (error: unknown) => error instanceof CoffreError && error.code === code,
    )
  })
}

test('a key of another purpose derives nothing, and a derive key encrypts nothing', async () => {
  await coffre.keys.create({ name: 'orders' })
  const mismatch = (error: unknown) => error instanceof CoffreError && error.code === 'PURPOSE_MISMATCH'
  await assert.rejects(coffre.deriveKey({ key: 'orders', peerPublicKey, info }), mismatch)
  await assert.rejects(coffre.encrypt({ key: 'partner', plaintext: 'x' }), mismatch)
})

function spki(der: Buffer): string {
  return `-----BEGIN PUBLIC KEY-----\n${der.toString('base64')}\n-----END PUBLIC KEY-----\n`
}
