import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { describe, test } from 'node:test'
import { openChunked, sealChunked } from '../../../src/crypto/chunked.ts'
import { deriveArgon2idUncheckedSync } from '../../../src/crypto/derive-unchecked.ts'
import { KeyMaterial } from '../../../src/crypto/key-material.ts'
import { randomBytes } from '../../../src/crypto/random.ts'
import {
  FILE_KEY_BYTES,
  keyedFingerprint,
  openValue,
  sealValue,
  unwrapByPassphrase,
  wrapByPassphrase,
} from '../../../src/crypto/value-seal.ts'
import { CoffreError } from '../../../src/model/errors.ts'
import { Secret } from '../../../src/model/secret.ts'
import { failsWith } from '../../temporary.ts'

const fileKey = randomBytes(FILE_KEY_BYTES)
const at = { file: '.env', name: 'TOKEN' }
const undecryptable = failsWith('DECRYPTION_FAILED')
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

/** docs/spec/secret-file.md, "LP": four bytes of length before the text. */
function lengthPrefixed(text: string): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(Buffer.byteLength(text))
  return Buffer.concat([length, Buffer.from(text)])
}

describe('a value of a file with secrets', () => {
  test('opens in its own place', () => {
    for (const value of ['', 'x', 'é😀\n', 'a'.repeat(100_000)]) {
      assert.equal(openValue(fileKey, at, sealValue(fileKey, at, value)), value)
    }
    assert.equal(fileKey.length, 32)
  })
  test('is a chunked message with its place as context', () => {
    const context = Buffer.concat([
      Buffer.from('coffre secret value v1'),
      lengthPrefixed('.env'),
      lengthPrefixed('TOKEN'),
    ])
    const sealed = sealChunked(new KeyMaterial(fileKey), Buffer.from('written by hand'), context)
    assert.equal(openValue(fileKey, at, sealed), 'written by hand')
  })
  test('opens under no other key, file or name', () => {
    const sealed = sealValue(fileKey, at, 'value')
    assert.throws(() => openValue(randomBytes(32), at, sealed), undecryptable)
    for (const other of [
      { ...at, file: 'env' },
      { ...at, name: 'TOKENS' },
      { file: '.envT', name: 'OKEN' },
      { file: at.name, name: at.file },
    ]) {
      assert.throws(() => openValue(fileKey, other, sealed), undecryptable)
    }
    for (const end of [0, 1, sealed.length - 1]) {
      assert.throws(() => openValue(fileKey, at, sealed.subarray(0, end)), undecryptable)
    }
  })
  test('is another text each time', () => {
    assert.notEqual(hex(sealValue(fileKey, at, 'value')), hex(sealValue(fileKey, at, 'value')))
  })
})

describe('a file key under a passphrase', async () => {
  const passphrase = new Secret('correct horse é')
  const slot = await wrapByPassphrase(fileKey, passphrase)

  test('comes back, from a salt of 16 bytes and a chunked message under Argon2id', async () => {
    const parameters = {
      memoryKib: 65_536,
      passes: 3,
      parallelism: 1,
      salt: slot.subarray(0, 16),
      length: 32,
    }
    const key = deriveArgon2idUncheckedSync(Buffer.from('correct horse é'), parameters)
    const label = Buffer.from('coffre secret file slot v1')
    assert.equal(hex(openChunked(key, slot.subarray(16), label)), hex(fileKey))
    assert.equal(hex(await unwrapByPassphrase(slot, new Secret('correct horse e\u0301'))), hex(fileKey))
  })
  test('is refused with one code for another passphrase and for damage', async () => {
    const other = Buffer.from(slot)
    other[3] = other.readUInt8(3) ^ 1
    for (const [bytes, secret] of [
      [slot, new Secret('correct horse')],
      [other, passphrase],
      [slot.subarray(0, 16), passphrase],
    ] as const) {
      await assert.rejects(unwrapByPassphrase(bytes, secret), (error) => {
        assert.ok(error instanceof CoffreError && error.cause instanceof CoffreError)
        assert.deepEqual([error.code, error.cause.code], ['PASSPHRASE_WRONG', 'DECRYPTION_FAILED'])
        return true
      })
    }
  })
  test('has another salt each time, and leaves no derived key behind, whether it opens or not', async (t) => {
    const wipe = t.mock.method(KeyMaterial.prototype, 'wipe')
    const another = await wrapByPassphrase(fileKey, passphrase)
    assert.equal(wipe.mock.callCount(), 1)
    assert.notEqual(hex(another.subarray(0, 16)), hex(slot.subarray(0, 16)))
    await unwrapByPassphrase(another, passphrase)
    assert.equal(wipe.mock.callCount(), 2)
    await assert.rejects(unwrapByPassphrase(another, new Secret('another')))
    assert.equal(wipe.mock.callCount(), 3)
  })
})

test('a fingerprint is the first 8 bytes of HMAC-SHA-256, and depends on the key', () => {
  const text = 'clé'
  const whole = createHmac('sha256', fileKey).update(text).digest('hex')
  assert.equal(keyedFingerprint(fileKey, text), whole.slice(0, 16))
  assert.notEqual(keyedFingerprint(randomBytes(32), text), whole.slice(0, 16))
})
