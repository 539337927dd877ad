import assert from 'node:assert/strict'
import { pbkdf2Sync, scryptSync } from 'node:crypto'
import { test } from 'node:test'
import { deriveArgon2idUncheckedSync } from '../../../src/crypto/derive-unchecked.ts'
import { rawBytes } from '../../../src/crypto/key-material.ts'
import { hashPassword, verifyPassword } from '../../../src/crypto/password.ts'
import { hasCode } from '../../../src/model/errors.ts'
import { Secret } from '../../../src/model/secret.ts'

const password = new Secret('correct horse')
const wrong = new Secret('wrong horse')
const CURRENT = /^\$argon2id\$v=19\$m=65536,t=3,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/
const salt = Buffer.alloc(16, 1)

function b64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64').replaceAll('=', '')
}

const scryptHash = `$scrypt$ln=14,r=8,p=1$${b64(salt)}$${b64(scryptSync('correct horse', salt, 32, { N: 2 ** 14, r: 8, p: 1 }))}`
const pbkdf2Hash = `$pbkdf2-sha512$i=1000$${b64(salt)}$${b64(pbkdf2Sync('correct horse', salt, 1_000, 64, 'sha512'))}`

function argon2idHash(memoryKib: number, passes: number, saltBytes = 16, length = 32): string {
  const ownSalt = Buffer.alloc(saltBytes, 1)
  const parameters = { memoryKib, passes, parallelism: 1, salt: ownSalt, length }
  const derived = deriveArgon2idUncheckedSync(Buffer.from('correct horse'), parameters)
  return `$argon2id$v=19$m=${memoryKib},t=${passes},p=1$${b64(ownSalt)}$${b64(rawBytes(derived))}`
}

test('a hash has its own salt, verifies its password and needs no upgrade', async () => {
  const [one, other] = await Promise.all([hashPassword(password), hashPassword(password)])
  assert.match(one, CURRENT)
  assert.notEqual(one, other)
  assert.deepEqual(await verifyPassword(password, one), { valid: true })
  assert.deepEqual(await verifyPassword(wrong, one), { valid: false })
})

test('a valid password with an older hash brings an upgrade that verifies', async () => {
  const older = [
    scryptHash,
    pbkdf2Hash,
    argon2idHash(4_096, 3),
    argon2idHash(65_536, 2),
    argon2idHash(65_536, 3, 15),
    argon2idHash(65_536, 3, 16, 31),
  ]
  for (const stored of older) {
    const verdict = await verifyPassword(password, stored)
    assert.equal(verdict.valid, true, stored)
    assert.match(verdict.upgrade!, CURRENT)
    assert.deepEqual(await verifyPassword(password, verdict.upgrade!), { valid: true })
  }
})

test('a wrong password with an older hash brings no upgrade', async () => {
  for (const stored of [scryptHash, pbkdf2Hash, argon2idHash(4_096, 3)]) {
    assert.deepEqual(await verifyPassword(wrong, stored), { valid: false })
  }
})

test('a hash with stronger parameters stays as it is', async () => {
  assert.deepEqual(await verifyPassword(password, argon2idHash(65_536, 4)), { valid: true })
})

const TAIL = `$${b64(salt)}$${b64(Buffer.alloc(32, 2))}`

test('hostile or pointless parameters are refused', async () => {
  const hostile = [
    `$argon2id$v=19$m=4294967296,t=3,p=1${TAIL}`,
    `$argon2id$v=19$m=1048577,t=3,p=1${TAIL}`,
    `$argon2id$v=19$m=65536,t=11,p=1${TAIL}`,
    `$argon2id$v=19$m=65536,t=3,p=17${TAIL}`,
    `$argon2id$v=19$m=4095,t=3,p=1${TAIL}`,
    `$scrypt$ln=30,r=8,p=1${TAIL}`,
    `$scrypt$ln=20,r=16,p=1${TAIL}`,
    `$scrypt$ln=13,r=8,p=1${TAIL}`,
    `$scrypt$ln=17,r=8,p=1000${TAIL}`,
    `$pbkdf2-sha256$i=9999999999${TAIL}`,
    `$pbkdf2-sha256$i=999${TAIL}`,
  ]
  for (const stored of hostile) {
    await assert.rejects(verifyPassword(password, stored), { code: 'PARAMETERS_REFUSED' }, stored)
  }
})

test('a malformed hash is refused, and not shown in the error', async () => {
  const good = `$argon2id$v=19$m=65536,t=3,p=1${TAIL}`
  const malformed = [
    '',
    'x',
    good.slice(1),
    `${good}\n`,
    ` ${good}`,
    `${good}=`,
    good.replace('v=19', 'v=16'),
    good.replace('argon2id', 'argon2i'),
    good.replace('m=65536,t=3', 't=3,m=65536'),
    good.replace('t=3', 't=03'),
    good.replace('t=3', 't=+3'),
    good.replace('t=3', 't=3e0'),
    good.replace(',p=1', ''),
    good.replace(b64(salt), 'AQEB'),
    good.replace(b64(salt), `${b64(salt).slice(0, -1)}R`), // Stray bits after the last byte.
    `$pbkdf2-sha1$i=600000${TAIL}`,
    `$2b$12$${'a'.repeat(53)}`,
    good.padEnd(300, 'A'),
  ]
  for (const stored of malformed) {
    await assert.rejects(verifyPassword(password, stored), (error) => {
      assert.ok(hasCode(error, 'INVALID_REQUEST'), stored)
      return !JSON.stringify(error).includes('argon2id$')
    })
  }
})
