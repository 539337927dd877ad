import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { makeBackupKey } from '../../../src/crypto/backup-body.ts'
import {
  isForRecoveryKey,
  type PassphraseSlot,
  unwrapByPassphrase,
  unwrapByRecovery,
  wrapForPassphrase,
  wrapForRecovery,
} from '../../../src/crypto/backup-slot.ts'
import { KeyMaterial } from '../../../src/crypto/key-material.ts'
import { formatRecoveryPublicKey, parseRecoveryPublicKey } from '../../../src/crypto/recovery-key.ts'
import { xWingPublicKey } from '../../../src/crypto/x-wing.ts'
import { Secret } from '../../../src/model/secret.ts'

const ID = Buffer.alloc(16, 1)
const OTHER_ID = Buffer.alloc(16, 2)
const key = makeBackupKey()

/** The text with one bit of its byte `at` flipped. */
function flip(base64url: string, at: number): string {
  const bytes = Buffer.from(base64url, 'base64url')
  bytes[at] = (bytes[at] ?? 0) ^ 1
  return bytes.toString('base64url')
}

describe('a passphrase slot', () => {
  const passphrase = new Secret('correct horse battery staple')

  test('opens with its passphrase, and as its own backup alone', async () => {
    const slot = await wrapForPassphrase(key, ID, passphrase)
    assert.ok((await unwrapByPassphrase(slot, ID, passphrase)).equals(key))
    const wrong = { code: 'PASSPHRASE_WRONG' }
    await assert.rejects(unwrapByPassphrase(slot, ID, new Secret('another one')), wrong)
    await assert.rejects(unwrapByPassphrase(slot, OTHER_ID, passphrase), wrong)
    const changed = { ...slot, wrapped: flip(slot.wrapped, 60) }
    await assert.rejects(unwrapByPassphrase(changed, ID, passphrase), wrong)
  })

  test('with costs below ours, above the bound, or not written as we write them, is refused', async () => {
    const slot = await wrapForPassphrase(key, ID, passphrase)
    const refused = async (argon2id: string, code: string) =>
      assert.rejects(unwrapByPassphrase({ ...slot, argon2id } as PassphraseSlot, ID, passphrase), { code })
    for (const costs of ['m=65535,t=3,p=1', 'm=65536,t=2,p=1', 'm=1048577,t=3,p=1', 'm=65536,t=11,p=1', '']) {
      await refused(costs, 'PARAMETERS_REFUSED')
    }
    await refused('m=65536,t=3,p=2', 'PASSPHRASE_WRONG')
    await refused('m=065536,t=3,p=1', 'PARAMETERS_REFUSED')
  })
})

describe('a recovery slot', () => {
  const seed = new KeyMaterial(Buffer.alloc(32, 3))
  const publicKey = xWingPublicKey(seed)

  test('opens with the recovery key, and as its own backup alone', () => {
    const slot = wrapForRecovery(key, ID, publicKey)
    assert.ok(isForRecoveryKey(slot, seed))
    assert.ok(unwrapByRecovery(slot, ID, seed).equals(key))
    const failed = { code: 'DECRYPTION_FAILED' }
    assert.throws(() => unwrapByRecovery(slot, OTHER_ID, seed), failed)
    const other = new KeyMaterial(Buffer.alloc(32, 4))
    assert.ok(!isForRecoveryKey(slot, other))
    assert.throws(() => unwrapByRecovery(slot, ID, other), failed)
    for (const at of [0, 500, 1_087, 1_088, 1_119]) {
      const changed = { ...slot, encapsulated: flip(slot.encapsulated, at) }
      assert.throws(() => unwrapByRecovery(changed, ID, seed), failed, `byte ${at}`)
    }
    for (const cut of ['', slot.encapsulated.slice(4)]) {
      assert.throws(() => unwrapByRecovery({ ...slot, encapsulated: cut }, ID, seed), failed)
    }
  })

  test('its public key is a text that a typing error breaks', () => {
    const text = formatRecoveryPublicKey(publicKey)
    assert.deepEqual(Buffer.from(parseRecoveryPublicKey(`${text}\n`)), Buffer.from(publicKey))
    const refused = { code: 'KEY_REFUSED' }
    const at = 900
    const typed = `${text.slice(0, at)}${text[at] === 'A' ? 'B' : 'A'}${text.slice(at + 1)}`
    for (const wrong of [typed, text.slice(0, -1), text.slice(1), '', 'age1xyz']) {
      assert.throws(() => parseRecoveryPublicKey(wrong), refused)
    }
  })
})
