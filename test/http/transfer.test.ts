import assert from 'node:assert/strict'
import {
  constants,
  createPublicKey,
  generateKeyPairSync,
  privateDecrypt,
  publicEncrypt,
  randomBytes,
} from 'node:crypto'
import { after, describe, test } from 'node:test'
import { connectCoffre } from '../../src/client/connect-coffre.ts'
import { addMilliseconds, DAY, toInstant } from '../../src/model/clock.ts'
import { Secret } from '../../src/model/secret.ts'
import { failsWith, openTemporary } from '../temporary.ts'
import { startServer } from './running-server.ts'

let now = toInstant(Date.now())
const clock = () => now
const server = await startServer({ after }, { clock })
const embedded = await openTemporary({ after }, { clock })
const OAEP = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' }
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString()

for (const [surface, coffre] of [
  ['the library', embedded],
  ['HTTP', server.admin],
] as const) {
  const { keys } = coffre

  describe(`through ${surface}`, () => {
    test('a key that is exported and imported again opens what it sealed', async () => {
      await keys.create({ name: 'wrapper', algorithm: 'aes256-kwp' })
      const recipient = generateKeyPairSync('rsa', { modulusLength: 3072 })
      const publicKey = recipient.publicKey.export({ format: 'pem', type: 'spki' }).toString()
      for (const algorithm of ['fernet', 'rsa-4096'] as const) {
        const name = `travels-${algorithm}`
        await keys.create({ name, algorithm, purpose: 'encrypt', exportable: true })
        const { ciphertext } = await coffre.encrypt({ key: name, plaintext: 'before' })
        const { wrapped } = await keys.exportKey(name, {
          target: { kind: 'wrapping-key', wrappingKey: 'wrapper' },
        })
        const material = { format: 'wrapped', wrappingKey: 'wrapper', bytes: wrapped } as const
        const again = await keys.importKey({ name: `${name}-again`, algorithm, purpose: 'encrypt', material })
        assert.equal(again.versions[0]?.origin, 'imported')
        assert.equal(again.exportable, false)
        if (algorithm === 'fernet') {
          const opened = await coffre.decrypt({ ciphertext, key: `${name}-again` })
          assert.equal(text(opened.plaintext), 'before')
        } else {
          const key = await keys.get(name)
          assert.equal(again.versions[0]?.publicKey, key.versions[0]?.publicKey)
        }
        const sent = await keys.exportKey(name, { target: { kind: 'recipient', publicKey } })
        const first = privateDecrypt({ key: recipient.privateKey, ...OAEP }, sent.wrapped.subarray(0, 384))
        assert.equal(first.length, 32)
      }
    })

    test('a key pair leaves under a passphrase, and comes back with it', async () => {
      await keys.create({ name: 'signer', algorithm: 'ed25519', exportable: true })
      const { signature } = await coffre.sign({ key: 'signer', message: 'm' })
      const passphrase = new Secret('a passphrase of some length')
      const { wrapped } = await keys.exportKey('signer', { target: { kind: 'passphrase', passphrase } })
      const material = { format: 'der', bytes: wrapped, passphrase } as const
      await keys.importKey({ name: 'signer-again', algorithm: 'ed25519', material })
      await coffre.verify({ key: 'signer-again', message: 'm', signature })
      const short = new Secret('short')
      await assert.rejects(
        keys.exportKey('signer', { target: { kind: 'passphrase', passphrase: short } }),
        failsWith('INVALID_REQUEST'),
      )
      const [record] = await coffre.audit.list({ last: 2 })
      assert.ok(record !== undefined)
      const records = await coffre.audit.list({ limit: 1_000 })
      assert.ok(
        records.some(({ body }) => /"action":"key.export".*"detail":\{"target":"passphrase"\}/.test(body)),
      )
    })

    test('a key is imported under the public key of its token, once and for a day', async () => {
      const { publicKey, importToken } = await keys.importParams()
      const secret = randomBytes(32)
      const bytes = publicEncrypt({ key: createPublicKey(publicKey), ...OAEP }, secret)
      const material = { format: 'transported', transport: 'rsa-oaep-sha256', importToken, bytes } as const
      const request = { name: 'brought', algorithm: 'aes256-gcm', material } as const
      await keys.importKey(request)
      await assert.rejects(keys.importKey({ ...request, name: 'twice' }), failsWith('IMPORT_TOKEN_INVALID'))
      await keys.rotate('brought')
      await assert.rejects(keys.importVersion('brought', material), failsWith('KEY_REFUSED'))
      const other = {
        ...material,
        importToken: importToken.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A')),
      }
      await assert.rejects(
        keys.importKey({ ...request, name: 'x', material: other }),
        failsWith('IMPORT_TOKEN_INVALID'),
      )
      const late = await keys.importParams()
      const before = now
      now = addMilliseconds(now, DAY)
      const sealed = publicEncrypt({ key: createPublicKey(late.publicKey), ...OAEP }, secret)
      const tooLate = { ...material, importToken: late.importToken, bytes: sealed }
      await assert.rejects(
        keys.importKey({ ...request, name: 'late', material: tooLate }),
        failsWith('IMPORT_TOKEN_INVALID'),
      )
      now = before
    })

    test('a version is imported and is current', async () => {
      await keys.create({ name: 'grows' })
      const { ciphertext } = await coffre.encrypt({ key: 'grows', plaintext: 'old' })
      const grown = await keys.importVersion('grows', { format: 'raw', bytes: randomBytes(32) })
      assert.deepEqual(
        [grown.currentVersion, grown.versions.map(({ origin }) => origin)],
        [2, ['generated', 'imported']],
      )
      assert.equal(text((await coffre.decrypt({ ciphertext })).plaintext), 'old')
    })

    test('a key that was not made to leave stays, whoever asks', async () => {
      await keys.create({ name: 'stays', algorithm: 'ed25519' })
      const target = { kind: 'passphrase', passphrase: new Secret('long enough for that') } as const
      await assert.rejects(keys.exportKey('stays', { target }), failsWith('NOT_EXPORTABLE'))
      await assert.rejects(keys.exportKey('none', { target }), failsWith('KEY_NOT_FOUND'))
    })

    test('a weak recipient is refused', async () => {
      await keys.create({ name: 'leaves', exportable: true })
      const weak = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey
      const publicKey = weak.export({ format: 'pem', type: 'spki' }).toString()
      await assert.rejects(
        keys.exportKey('leaves', { target: { kind: 'recipient', publicKey } }),
        failsWith('KEY_REFUSED'),
      )
    })
  })
}

test('an app may neither import nor export', async () => {
  const app = connectCoffre(server.url, server.appToken).keys
  await assert.rejects(app.importParams(), failsWith('FORBIDDEN'))
  const target = { kind: 'wrapping-key', wrappingKey: 'wrapper' } as const
  await assert.rejects(app.exportKey('signer', { target }), failsWith('FORBIDDEN'))
})
