import assert from 'node:assert/strict'
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto'
import { describe, test } from 'node:test'
import { algorithmFor } from '../../../src/crypto/algorithms.ts'
import { DER, readDer, readSequence, writeDer } from '../../../src/crypto/der.ts'
import { openEncryptedPkcs8, sealEncryptedPkcs8 } from '../../../src/crypto/encrypted-pkcs8.ts'
import { importMaterial, type KeyFormat } from '../../../src/crypto/key-formats.ts'
import { KeyMaterial, rawBytes } from '../../../src/crypto/key-material.ts'
import type { KeyRule } from '../../../src/crypto/key-rule.ts'
import { sharesPrime } from '../../../src/crypto/rsa-rules.ts'
import type { AlgorithmName } from '../../../src/model/algorithm-name.ts'
import { CoffreError } from '../../../src/model/errors.ts'

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
const ed25519 = generateKeyPairSync('ed25519').privateKey
const PASSPHRASE = 'correct horse battery'

function der(key: KeyObject, type: 'pkcs8' | 'pkcs1' | 'sec1' = 'pkcs8'): Buffer {
  return key.export({ format: 'der', type })
}

function read(name: AlgorithmName, format: KeyFormat, bytes: string | Uint8Array, passphrase?: string) {
  return importMaterial(algorithmFor(name), {
    format,
    bytes: typeof bytes === 'string' ? Buffer.from(bytes) : bytes,
    ...(passphrase === undefined ? {} : { passphrase: Buffer.from(passphrase) }),
  })
}

function refuses(work: () => unknown, rule: KeyRule): void {
  assert.throws(work, (error) => {
    assert.ok(error instanceof CoffreError)
    assert.deepEqual([error.code, error.facts], ['KEY_REFUSED', { rule }])
    return true
  })
}

describe('a private key is read', () => {
  const pem = (key: KeyObject, type: 'pkcs8' | 'pkcs1' | 'sec1') =>
    key.export({ format: 'pem', type }).toString()
  const jwk = (key: KeyObject) => JSON.stringify(key.export({ format: 'jwk' }))
  const cases: [string, AlgorithmName, KeyObject, KeyFormat, string | Uint8Array][] = [
    ['PKCS#8 PEM', 'rsa-2048', rsa, 'pem', pem(rsa, 'pkcs8')],
    ['PKCS#8 DER', 'ecdsa-p256', p256, 'der', der(p256)],
    ['PKCS#1 PEM', 'rsa-2048', rsa, 'pem', pem(rsa, 'pkcs1')],
    ['PKCS#1 DER', 'rsa-2048', rsa, 'der', der(rsa, 'pkcs1')],
    ['SEC1 PEM', 'ecdsa-p256', p256, 'pem', pem(p256, 'sec1')],
    ['SEC1 DER', 'ecdsa-p256', p256, 'der', der(p256, 'sec1')],
    ['JWK of RSA', 'rsa-2048', rsa, 'jwk', jwk(rsa)],
    ['JWK of Ed25519', 'ed25519', ed25519, 'jwk', jwk(ed25519)],
  ]
  for (const [what, name, key, format, bytes] of cases) {
    test(what, () => assert.ok(der(key).equals(rawBytes(read(name, format, bytes)))))
  }

  test('encrypted PKCS#8 of OpenSSL and of ours', () => {
    const theirs = rsa.export({ format: 'pem', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase: PASSPHRASE })
    assert.ok(der(rsa).equals(rawBytes(read('rsa-2048', 'pem', String(theirs), PASSPHRASE))))
    const ours = sealEncryptedPkcs8(new KeyMaterial(der(p256)), Buffer.from(PASSPHRASE))
    const node = createPrivateKey({
      key: Buffer.from(ours),
      format: 'der',
      type: 'pkcs8',
      passphrase: PASSPHRASE,
    })
    assert.ok(der(node).equals(der(p256)))
    assert.ok(der(p256).equals(rawBytes(openEncryptedPkcs8(ours, Buffer.from(PASSPHRASE)))))
  })

  test('symmetric keys are bytes or a JWK', () => {
    const bytes = randomBytes(32)
    assert.ok(bytes.equals(rawBytes(read('aes256-gcm', 'raw', bytes))))
    const text = JSON.stringify({ kty: 'oct', k: bytes.toString('base64url') })
    assert.ok(bytes.equals(rawBytes(read('hmac-sha256', 'jwk', text))))
  })
})

describe('refused is', () => {
  const seal = (kdf: Uint8Array, cipher = '60864801650304012a') => {
    const oid = (hex: string) => writeDer(DER.oid, Buffer.from(hex, 'hex'))
    const scheme = writeDer(DER.sequence, oid(cipher), writeDer(DER.bytes, randomBytes(16)))
    const algorithm = writeDer(DER.sequence, oid('2a864886f70d01050d'), writeDer(DER.sequence, kdf, scheme))
    return writeDer(DER.sequence, algorithm, writeDer(DER.bytes, randomBytes(64)))
  }
  const integer = (value: number) => {
    const hex = value.toString(16)
    return writeDer(DER.integer, Buffer.from(hex.padStart(hex.length + 2 + (hex.length % 2), '0'), 'hex'))
  }
  const pbkdf2 = (iterations: number, salt = 16) =>
    writeDer(
      DER.sequence,
      writeDer(DER.oid, Buffer.from('2a864886f70d01050c', 'hex')),
      writeDer(DER.sequence, writeDer(DER.bytes, randomBytes(salt)), integer(iterations)),
    )
  const scrypt = (n: number, r: number, p: number) =>
    writeDer(
      DER.sequence,
      writeDer(DER.oid, Buffer.from('2b06010401da47040b', 'hex')),
      writeDer(DER.sequence, writeDer(DER.bytes, randomBytes(16)), integer(n), integer(r), integer(p)),
    )

  test('a passphrase that costs nothing, or too much', () => {
    for (const kdf of [
      pbkdf2(0),
      pbkdf2(1),
      pbkdf2(999),
      pbkdf2(1_000_001),
      pbkdf2(2 ** 40),
      pbkdf2(2_048, 4),
      scrypt(2, 8, 1),
      scrypt(2 ** 30, 8, 1),
      scrypt(2 ** 14, 8, 1_000),
      scrypt(2 ** 14, 2 ** 20, 1),
    ]) {
      refuses(() => read('rsa-2048', 'der', seal(kdf), PASSPHRASE), 'kdf')
    }
  })

  test('a passphrase beyond a bound, and none at it', () => {
    const within = [
      pbkdf2(1_000),
      pbkdf2(1_000_000),
      pbkdf2(1_000, 8),
      scrypt(2 ** 14, 8, 1),
      scrypt(2 ** 14, 8, 4),
      scrypt(2 ** 16, 8, 1),
    ]
    // The parameters are sound, so it is the passphrase that does not open what is random.
    for (const kdf of within) refuses(() => read('rsa-2048', 'der', seal(kdf), PASSPHRASE), 'passphrase')
    const beyond = [
      pbkdf2(1_000, 7),
      scrypt(2 ** 13, 8, 1),
      scrypt(2 ** 14, 7, 1),
      scrypt(2 ** 14, 8, 0),
      scrypt(2 ** 14, 8, 5),
      scrypt(2 ** 16, 9, 1),
    ]
    for (const kdf of beyond) refuses(() => read('rsa-2048', 'der', seal(kdf), PASSPHRASE), 'kdf')
  })

  test('an old cipher around a key, and a wrong or missing passphrase', () => {
    refuses(() => read('rsa-2048', 'der', seal(pbkdf2(2_048), '2a864886f70d0307'), PASSPHRASE), 'encryption')
    refuses(() => read('rsa-2048', 'der', seal(pbkdf2(2_048)), PASSPHRASE), 'passphrase')
    refuses(() => read('rsa-2048', 'der', seal(pbkdf2(2_048))), 'passphrase')
  })

  test('what follows a key, comes before it or is only half of it', () => {
    const trailing = (bytes: Uint8Array) => Buffer.concat([bytes, Buffer.of(0)])
    refuses(() => read('ecdsa-p256', 'der', trailing(der(p256))), 'der-length')
    refuses(() => read('ecdsa-p256', 'der', trailing(der(p256, 'sec1'))), 'der-length')
    const text = p256.export({ format: 'pem', type: 'pkcs8' }).toString()
    refuses(() => read('ecdsa-p256', 'pem', `${text}${text}`), 'pem')
    refuses(() => read('ecdsa-p256', 'pem', text.replace('END PRIVATE', 'END RSA PRIVATE')), 'pem')
    refuses(() => read('ecdsa-p256', 'pem', 'no key'), 'pem')
    refuses(() => read('ecdsa-p256', 'raw', randomBytes(32)), 'format')
    refuses(() => read('aes256-gcm', 'pem', text), 'format')
    refuses(() => read('ecdsa-p256', 'der', randomBytes(17 * 1024)), 'length')
  })

  test('a public key, and a key of another algorithm', () => {
    const { publicKey } = generateKeyPairSync('ed25519')
    const text = publicKey.export({ format: 'pem', type: 'spki' }).toString()
    refuses(() => read('ed25519', 'pem', text), 'public-only')
    refuses(() => read('ed25519', 'der', publicKey.export({ format: 'der', type: 'spki' })), 'public-only')
    refuses(() => read('ed25519', 'jwk', JSON.stringify(publicKey.export({ format: 'jwk' }))), 'public-only')
    refuses(() => read('ed25519', 'der', der(p256)), 'type')
    refuses(() => read('rsa-3072', 'der', der(rsa)), 'rsa-modulus-bits')
  })

  test('a JWK whose numbers are another key’s', () => {
    const own = rsa.export({ format: 'jwk' })
    const other = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' })
    for (const changed of [{ d: other.d }, { p: other.p }, { dp: other.dp }, { qi: other.qi }]) {
      assert.throws(
        () => read('rsa-2048', 'jwk', JSON.stringify({ ...own, ...changed })),
        (error) => error instanceof CoffreError && error.code === 'KEY_REFUSED',
      )
    }
    for (const text of ['[]', '{', '{"kty":"oct","k":"?"}', '""']) {
      refuses(() => read('aes256-gcm', 'jwk', text), 'jwk')
    }
  })

  test('a symmetric key of one byte, or of one half twice', () => {
    refuses(() => read('aes256-gcm', 'raw', Buffer.alloc(32)), 'constant-bytes')
    const half = randomBytes(16)
    refuses(() => read('aes256-gcm', 'raw', Buffer.concat([half, half])), 'constant-bytes')
  })
})

test('a modulus that shares one prime with another is found', () => {
  const pem = (key: KeyObject) => key.export({ format: 'pem', type: 'spki' }).toString()
  const publicOf = (modulus: bigint) => {
    const n = Buffer.from(modulus.toString(16), 'hex').toString('base64url')
    return createPublicKey({ key: { kty: 'RSA', n, e: 'AQAB' }, format: 'jwk' })
  }
  const number = (text: string | undefined) =>
    BigInt(`0x${Buffer.from(text ?? '', 'base64url').toString('hex')}`)
  const { n, p } = rsa.export({ format: 'jwk' })
  const prime = number(
    generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' }).q,
  )
  const shared = pem(publicOf(number(p) * prime))
  const own = pem(publicOf(number(n)))
  const stranger = pem(generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey)
  assert.equal(sharesPrime(own, [stranger, shared]), true)
  assert.equal(sharesPrime(own, [stranger, own]), false)
  assert.equal(sharesPrime(pem(generateKeyPairSync('ed25519').publicKey), [shared]), false)
})

test('DER that does not fill its bytes is none', () => {
  assert.equal(readDer(Buffer.of(0x30, 2, 0)), undefined)
  assert.equal(readDer(Buffer.of(0x30, 0x83, 0, 0, 0)), undefined)
  assert.equal(readSequence(Buffer.of(0x30, 0, 0x30, 0)), undefined)
  const long = writeDer(DER.bytes, Buffer.alloc(300))
  assert.equal(readDer(long)?.[0]?.content.length, 300)
})
