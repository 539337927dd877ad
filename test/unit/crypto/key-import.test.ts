import assert from 'node:assert/strict'
import {
  checkPrimeSync,
  createPrivateKey,
  createPublicKey,
  ECDH,
  generateKeyPairSync,
  generatePrimeSync,
  type KeyObject,
} from 'node:crypto'
import { test } from 'node:test'
import { algorithmFor } from '../../../src/crypto/algorithms.ts'
import { KeyMaterial } from '../../../src/crypto/key-material.ts'
import type { KeyRule } from '../../../src/crypto/key-rule.ts'
import type { AlgorithmName } from '../../../src/model/algorithm-name.ts'
import { CoffreError } from '../../../src/model/errors.ts'

function pkcs8(key: KeyObject): Buffer {
  return key.export({ format: 'der', type: 'pkcs8' })
}

function spki(key: KeyObject): Buffer {
  return key.export({ format: 'der', type: 'spki' })
}

function refuses(work: () => unknown, rule: KeyRule): void {
  assert.throws(work, (error) => {
    assert.ok(error instanceof CoffreError)
    assert.deepEqual([error.code, error.facts], ['KEY_REFUSED', { rule }])
    return true
  })
}

function refusesPrivate(name: AlgorithmName, der: Uint8Array, rule: KeyRule): void {
  refuses(() => algorithmFor(name).check(new KeyMaterial(der)), rule)
}

function refusesPublic(name: AlgorithmName, der: Uint8Array, rule: KeyRule): void {
  const signing = algorithmFor(name).signing!
  refuses(() => signing.verifyWithPublicKey(der, new Uint8Array(1), new Uint8Array(64)), rule)
}

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const ed25519 = generateKeyPairSync('ed25519')

test('a symmetric key of another length, or of one repeated byte, is refused', () => {
  const cases = [
    ['aes256-gcm', 31],
    ['aes256-gcm', 33],
    ['fernet', 16],
    ['hmac-sha256', 31],
    ['hmac-sha512', 63],
    ['hmac-sha512', 1025],
    ['aes256-kw', 24],
    ['aes256-kwp', 0],
  ] as const
  for (const [name, bytes] of cases) {
    refusesPrivate(
      name,
      Uint8Array.from({ length: bytes }, (_, index) => index),
      'key-bytes',
    )
  }
  refusesPrivate('aes256-gcm', new Uint8Array(32), 'constant-bytes')
  refusesPrivate('hmac-sha256', new Uint8Array(32).fill(0xff), 'constant-bytes')
})

test('sound imported keys of every kind are taken', () => {
  algorithmFor('rsa-2048').check(new KeyMaterial(pkcs8(rsa.privateKey)))
  algorithmFor('ecdsa-p256').check(new KeyMaterial(pkcs8(p256.privateKey)))
  algorithmFor('ed25519').check(new KeyMaterial(pkcs8(ed25519.privateKey)))
})

test('an RSA key of another size is refused', () => {
  refusesPrivate('rsa-3072', pkcs8(rsa.privateKey), 'rsa-modulus-bits')
  refusesPublic('rsa-4096', spki(rsa.publicKey), 'rsa-modulus-bits')
  refusesPrivate(
    'rsa-2048',
    pkcs8(generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey),
    'rsa-modulus-bits',
  )
})

test('an RSA exponent below 65537, even, or of more than 256 bits is refused', () => {
  const weak = generateKeyPairSync('rsa', { modulusLength: 2048, publicExponent: 3 })
  refusesPrivate('rsa-2048', pkcs8(weak.privateKey), 'rsa-exponent')
  const { n } = rsa.publicKey.export({ format: 'jwk' })
  for (const e of [1n, 3n, 65_535n, 65_538n, (1n << 256n) + 1n]) {
    const key = createPublicKey({ key: { kty: 'RSA', n: n!, e: encodeNumber(e) }, format: 'jwk' })
    refusesPublic('rsa-2048', spki(key), 'rsa-exponent')
  }
})

test('an RSA key whose numbers do not fit together is refused', () => {
  const jwk = rsa.privateKey.export({ format: 'jwk' })
  for (const name of ['d', 'dp', 'dq', 'qi'] as const) {
    const changed = { ...jwk, [name]: encodeNumber(decodeNumber(jwk[name]!) + 2n) }
    refusesPrivate('rsa-2048', pkcs8(createPrivateKey({ key: changed, format: 'jwk' })), 'rsa-numbers')
  }
})

test('an RSA key is refused where a prime is composite, or the primes are close', () => {
  const prime = generatePrimeSync(1024, { bigint: true })
  refusesPrivate('rsa-2048', pkcs8(buildRsa(prime, findComposite(prime))), 'rsa-primes')
  let close = prime + 2n
  while (!checkPrimeSync(close) || (close - 1n) % 65_537n === 0n) close += 2n
  refusesPrivate('rsa-2048', pkcs8(buildRsa(prime, close)), 'rsa-primes')
})

test('an RSA modulus with the fingerprint of CVE-2017-15361 is refused', () => {
  const primes = Array.from({ length: 82 }, (_, index) => 2 * index + 5).filter((odd) =>
    checkPrimeSync(BigInt(odd)),
  )
  const primorial = [3, ...primes].reduce((product, prime) => product * BigInt(prime), 1n)
  const residue = 65_537n ** 5n % primorial
  let modulus = ((1n << 2047n) / primorial + 1n) * primorial + residue
  if (modulus % 2n === 0n) modulus += primorial
  const key = createPublicKey({ key: { kty: 'RSA', n: encodeNumber(modulus), e: 'AQAB' }, format: 'jwk' })
  refusesPublic('rsa-2048', spki(key), 'rsa-roca')
})

test('a key of another kind is refused, and so is an RSA key bound to PSS', () => {
  refusesPrivate('ecdsa-p256', pkcs8(ed25519.privateKey), 'type')
  refusesPrivate('ed25519', pkcs8(p256.privateKey), 'type')
  refusesPrivate('x25519', pkcs8(ed25519.privateKey), 'type')
  refusesPrivate('rsa-2048', pkcs8(p256.privateKey), 'type')
  refusesPrivate('ecdsa-p384', pkcs8(p256.privateKey), 'type')
  refusesPublic('ecdsa-p384', spki(p256.publicKey), 'type')
  const pss = generateKeyPairSync('rsa-pss', { modulusLength: 2048 })
  refusesPrivate('rsa-2048', pkcs8(pss.privateKey), 'type')
  refusesPublic('rsa-2048', spki(pss.publicKey), 'type')
})

test('explicit curve parameters are refused, though they spell a named curve', () => {
  const explicit = generateKeyPairSync('ec', { namedCurve: 'P-256', paramEncoding: 'explicit' })
  refusesPrivate('ecdsa-p256', pkcs8(explicit.privateKey), 'algorithm-identifier')
  refusesPublic('ecdsa-p256', spki(explicit.publicKey), 'algorithm-identifier')
})

test('a point off its curve is refused', () => {
  const off = spki(p256.publicKey)
  off[off.length - 1]! ^= 1
  refusesPublic('ecdsa-p256', off, 'spki')
  const offPrivate = pkcs8(p256.privateKey)
  offPrivate[offPrivate.length - 1]! ^= 1
  refusesPrivate('ecdsa-p256', offPrivate, 'pkcs8')
})

test('a public half that is not the one of the private number is refused', () => {
  const changed = pkcs8(p256.privateKey)
  changed[40]! ^= 1 // Inside the private number of 32 bytes, which starts at 36.
  refusesPrivate('ecdsa-p256', changed, 'public-half')
})

test('a compressed point is refused', () => {
  const point = spki(p256.publicKey).subarray(-65)
  const compressed = ECDH.convertKey(point, 'prime256v1', undefined, undefined, 'compressed') as Buffer
  const header = Buffer.from('3039301306072a8648ce3d020106082a8648ce3d030107032200', 'hex')
  refusesPublic('ecdsa-p256', Buffer.concat([header, compressed]), 'spki')
})

test('a key with anything before or after it is refused', () => {
  const keys = [
    ['rsa-2048', rsa],
    ['ecdsa-p256', p256],
    ['ed25519', ed25519],
  ] as const
  for (const [name, pair] of keys) {
    refusesPrivate(name, Buffer.concat([pkcs8(pair.privateKey), Buffer.of(0)]), 'der-length')
    refusesPrivate(name, pkcs8(pair.privateKey).subarray(0, -1), 'der-length')
    refusesPrivate(name, new Uint8Array(0), 'der-length')
    refusesPublic(name, Buffer.concat([spki(pair.publicKey), Buffer.of(0)]), 'der-length')
    refusesPublic(name, pkcs8(pair.privateKey), 'spki')
    refusesPublic(name, new Uint8Array(5_000), 'der-length')
  }
})

/** Two primes of 512 bits, so that with `prime` they make a modulus of 2048 bits that takes the exponent. */
function findComposite(prime: bigint): bigint {
  for (;;) {
    const found = generatePrimeSync(512, { bigint: true }) * generatePrimeSync(512, { bigint: true })
    if ((found * prime) >> 2047n === 1n && (found - 1n) % 65_537n !== 0n) return found
  }
}

test('a public key in BER that is not DER is refused', () => {
  const der = spki(ed25519.publicKey)
  const longLength = Buffer.concat([Buffer.of(0x30, 0x81), der.subarray(1)])
  const longTagLength = Buffer.concat([der.subarray(0, 10), Buffer.of(0x81), der.subarray(10)])
  longTagLength[1]! += 1
  refusesPublic('ed25519', longLength, 'spki')
  refusesPublic('ed25519', longTagLength, 'spki')
})

function encodeNumber(value: bigint): string {
  const digits = value.toString(16)
  return Buffer.from(digits.padStart(digits.length + (digits.length % 2), '0'), 'hex').toString('base64url')
}

function decodeNumber(text: string): bigint {
  return BigInt(`0x${Buffer.from(text, 'base64url').toString('hex')}`)
}

/** A private key whose numbers fit together as if `p` and `q` were prime. */
function buildRsa(p: bigint, q: bigint): KeyObject {
  const [e, order] = [65_537n, (p - 1n) * (q - 1n)]
  const d = invert(e, order)
  const numbers = { n: p * q, e, d, p, q, dp: d % (p - 1n), dq: d % (q - 1n), qi: invert(q, p) }
  const encoded = Object.fromEntries(
    Object.entries(numbers).map(([name, value]) => [name, encodeNumber(value)]),
  )
  return createPrivateKey({ key: { kty: 'RSA', ...encoded }, format: 'jwk' })
}

function invert(value: bigint, modulus: bigint): bigint {
  let [remainder, next, factor, nextFactor] = [modulus, value % modulus, 0n, 1n]
  while (next !== 0n) {
    const quotient = remainder / next
    ;[remainder, next] = [next, remainder - quotient * next]
    ;[factor, nextFactor] = [nextFactor, factor - quotient * nextFactor]
  }
  assert.equal(remainder, 1n)
  return ((factor % modulus) + modulus) % modulus
}
