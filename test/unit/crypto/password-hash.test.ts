import assert from 'node:assert/strict'
import { pbkdf2Sync, scryptSync } from 'node:crypto'
import { describe, test } from 'node:test'
import { deriveArgon2idUncheckedSync } from '../../../src/crypto/derive-unchecked.ts'
import { rawBytes } from '../../../src/crypto/key-material.ts'
import { formatArgon2id, parsePasswordHash } from '../../../src/crypto/password-hash.ts'
import { CoffreError } from '../../../src/model/errors.ts'

const password = Buffer.from('correct horse')
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

function b64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64').replaceAll('=', '')
}

function tail(saltBytes = 16, hashBytes = 32): string {
  return `$${b64(Buffer.alloc(saltBytes, 1))}$${b64(Buffer.alloc(hashBytes, 2))}`
}

const argon2id = (memoryKib: number, passes: number, parallelism: number, rest = tail()) =>
  `$argon2id$v=19$m=${memoryKib},t=${passes},p=${parallelism}${rest}`
const scrypt = (costLog2: number, blockSize: number, parallelism: number, rest = tail()) =>
  `$scrypt$ln=${costLog2},r=${blockSize},p=${parallelism}${rest}`
const pbkdf2 = (iterations: number, rest = tail()) => `$pbkdf2-sha256$i=${iterations}${rest}`

describe('the bounds of a stored hash', () => {
  test('are taken themselves', () => {
    for (const text of [
      argon2id(4_096, 1, 1),
      argon2id(1_048_576, 10, 16),
      scrypt(14, 8, 1),
      scrypt(20, 8, 4),
      scrypt(19, 16, 4),
      pbkdf2(1_000),
      pbkdf2(10_000_000),
    ]) {
      assert.equal(hex(parsePasswordHash(text).expected), '02'.repeat(32), text)
    }
    for (const [saltBytes, hashBytes] of [
      [8, 16],
      [64, 64],
    ] as const) {
      for (const text of [
        argon2id(65_536, 3, 1, tail(saltBytes, hashBytes)),
        scrypt(17, 8, 1, tail(saltBytes, hashBytes)),
        pbkdf2(600_000, tail(saltBytes, hashBytes)),
      ]) {
        assert.equal(parsePasswordHash(text).expected.length, hashBytes, text)
      }
    }
  })

  for (const [parameter, minimum, maximum, write] of [
    ['memoryKib', 4_096, 1_048_576, (value: number) => argon2id(value, 3, 1)],
    ['passes', 1, 10, (value: number) => argon2id(65_536, value, 1)],
    ['parallelism', 1, 16, (value: number) => argon2id(65_536, 3, value)],
    ['costLog2', 14, 20, (value: number) => scrypt(value, 8, 1)],
    ['blockSize', 8, 16, (value: number) => scrypt(14, value, 1)],
    ['parallelism', 1, 4, (value: number) => scrypt(17, 8, value)],
    ['iterations', 1_000, 10_000_000, (value: number) => pbkdf2(value)],
  ] as const) {
    test(`refuse ${parameter} below ${minimum} and above ${maximum}`, () => {
      for (const value of [minimum - 1, maximum + 1]) {
        // Not a number of a hash at all, which is another refusal.
        if (value === 0) continue
        assert.throws(() => parsePasswordHash(write(value)), refuses(parameter, minimum, maximum))
      }
    })
  }

  test('refuse cost and block size that are too much together', () => {
    assert.throws(() => parsePasswordHash(scrypt(20, 9, 1)), refuses('memoryBytes', 0, 2 ** 30))
  })
})

function refuses(parameter: string, minimum: number, maximum: number): (error: unknown) => true {
  return (error) => {
    assert.ok(error instanceof CoffreError)
    assert.equal(error.code, 'PARAMETERS_REFUSED')
    assert.deepEqual(error.facts, { parameter, minimum, maximum })
    return true
  }
}

function isMalformed(error: unknown): true {
  assert.ok(error instanceof CoffreError)
  assert.equal(error.code, 'INVALID_REQUEST')
  assert.deepEqual(error.facts, { at: 'passwordHash', expected: 'a PHC string' })
  return true
}

test('a number has no sign, no leading zero and at most ten digits', () => {
  for (const good of [argon2id(65_536, 3, 1), scrypt(17, 8, 1), pbkdf2(600_000)]) {
    for (const field of good.match(/[a-z]+=(?!19)\d+/g) ?? []) {
      const [name, value] = field.split('=')
      for (const other of [`+${value}`, `-${value}`, `0${value}`, `${value}e0`, '0', '', '11111111111']) {
        const text = good.replace(field, `${name}=${other}`)
        assert.throws(() => parsePasswordHash(text), isMalformed, text)
      }
      assert.throws(() => parsePasswordHash(good.replace(field, `${name}=9999999999`)), {
        code: 'PARAMETERS_REFUSED',
      })
    }
  }
})

test('a hash has nothing before, between or behind, and salt and hash within their lengths', () => {
  for (const write of [
    (rest: string) => argon2id(65_536, 3, 1, rest),
    (rest: string) => scrypt(17, 8, 1, rest),
    (rest: string) => pbkdf2(600_000, rest),
  ]) {
    const good = write(tail())
    const malformed = [
      `x${good}`,
      `${good}x$`,
      `${good}\n`,
      good.slice(1),
      good.replace('$', ''),
      write(tail().slice(1)),
      write(tail(7)),
      write(tail(65)),
      write(tail(16, 15)),
      write(tail(16, 65)),
      write(''),
      write(tail().replaceAll('A', '-')),
    ]
    for (const text of malformed) assert.throws(() => parsePasswordHash(text), isMalformed, text)
  }
  for (const text of ['', 'a'.repeat(1_000_000)]) assert.throws(() => parsePasswordHash(text), isMalformed)
})

describe('a stored hash derives what it was made with', () => {
  const salt = Buffer.alloc(9, 1)

  test('Argon2id', async () => {
    const parameters = { memoryKib: 4_096, passes: 2, parallelism: 3, salt, length: 20 }
    const derived = rawBytes(deriveArgon2idUncheckedSync(password, parameters))
    const text = formatArgon2id(parameters, derived)
    assert.equal(text, `$argon2id$v=19$m=4096,t=2,p=3$AQEBAQEBAQEB$${b64(derived)}`)
    const hash = parsePasswordHash(text)
    assert.deepEqual({ ...hash.argon2id, salt: hex(salt) }, { ...parameters, salt: hex(salt) })
    assert.equal(hex(rawBytes(await hash.derive(password))), hex(derived))
    assert.equal(hex(hash.expected), hex(derived))
  })

  test('scrypt', async () => {
    const derived = scryptSync(password, salt, 20, { N: 2 ** 14, r: 9, p: 2, maxmem: 2 ** 26 })
    const hash = parsePasswordHash(scrypt(14, 9, 2, `$${b64(salt)}$${b64(derived)}`))
    assert.equal(hex(rawBytes(await hash.derive(password))), hex(derived))
    assert.equal(hash.argon2id, undefined)
  })

  for (const digest of ['sha256', 'sha512'])
    test(`PBKDF2 with ${digest}`, async () => {
      const derived = pbkdf2Sync(password, salt, 1_001, 20, digest)
      const hash = parsePasswordHash(`$pbkdf2-${digest}$i=1001$${b64(salt)}$${b64(derived)}`)
      assert.equal(hex(rawBytes(await hash.derive(password))), hex(derived))
      assert.equal(hash.argon2id, undefined)
    })
})
