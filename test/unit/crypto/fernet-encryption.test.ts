import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { VersionKey } from '../../../src/crypto/algorithm.ts'
import { fernetEncryption } from '../../../src/crypto/fernet-encryption.ts'
import { Fernet } from '../../../src/crypto/fernet.ts'
import { randomKeyMaterial } from '../../../src/crypto/random.ts'
import { CoffreError } from '../../../src/model/errors.ts'
import { DEFAULT_TENANT, parseKeyId, parseVersionNumber } from '../../../src/model/ids.ts'

function makeKey(): VersionKey {
  return {
    tenant: DEFAULT_TENANT,
    keyId: parseKeyId('0193a73a-b400-7000-8000-000000000001'),
    version: parseVersionNumber(1),
    purpose: 'encrypt',
    material: randomKeyMaterial(32),
  }
}

const NO_CONTEXT = {}
const MESSAGES = ['a', '', 'ccc'].map((text) => ({ plaintext: Buffer.from(text), context: NO_CONTEXT }))

function isContextRefused(error: unknown): boolean {
  return error instanceof CoffreError && error.code === 'INVALID_REQUEST' && error.facts['at'] === 'context'
}

function isKeyRefused(error: unknown): boolean {
  return error instanceof CoffreError && error.code === 'KEY_REFUSED'
}

test('a managed key writes plain Fernet and reads it back', () => {
  const key = makeKey()
  const tokens = fernetEncryption.sealMany(key, MESSAGES)
  const fernet = new Fernet(key.material)
  assert.deepEqual(
    tokens.map((token) => Buffer.from(fernet.decrypt(token)).toString()),
    ['a', '', 'ccc'],
  )
  const sealed = [...tokens, 'x'].map((ciphertext) => ({ ciphertext, context: NO_CONTEXT }))
  const opened = fernetEncryption.openMany(key, sealed)
  assert.deepEqual(
    opened.map((bytes) => bytes && Buffer.from(bytes).toString()),
    ['a', '', 'ccc', undefined],
  )
  assert.equal(fernetEncryption.selfDescribing, false)
})

test('a context is refused, not dropped', () => {
  const key = makeKey()
  const context = { row: '7' }
  assert.throws(
    () => fernetEncryption.sealMany(key, [{ plaintext: Buffer.from('a'), context }]),
    isContextRefused,
  )
  const [ciphertext = ''] = fernetEncryption.sealMany(key, MESSAGES)
  const sealed = [
    { ciphertext, context },
    { ciphertext, context: NO_CONTEXT },
  ]
  const [refused, opened] = fernetEncryption.openMany(key, sealed)
  assert.equal(refused, undefined)
  assert.ok(opened !== undefined, 'the other items of a batch are not affected')
})

test('a key whose material is wiped does nothing more', () => {
  const key = makeKey()
  const [ciphertext = ''] = fernetEncryption.sealMany(key, MESSAGES)
  key.material.wipe()
  assert.throws(() => fernetEncryption.sealMany(key, MESSAGES), isKeyRefused)
  assert.throws(() => fernetEncryption.openMany(key, [{ ciphertext, context: NO_CONTEXT }]), isKeyRefused)
})
