import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  deriveArgon2idUnchecked,
  deriveHkdfUnchecked,
  derivePbkdf2Unchecked,
  deriveScryptUnchecked,
} from '../../src/crypto/derive-unchecked.ts'
import { type KeyMaterial, rawBytes } from '../../src/crypto/key-material.ts'

// The parameters of these RFCs lie below our floors, so they go through the unchecked functions.

function hexOf(material: KeyMaterial): string {
  return Buffer.from(rawBytes(material)).toString('hex')
}

function hex(text: string): Buffer {
  return Buffer.from(text, 'hex')
}

/** RFC 5869, appendix A.1 to A.3. Its other cases use SHA-1, which has no row. */
const HKDF = [
  {
    at: 'A.1',
    inputKey: '0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b',
    salt: '000102030405060708090a0b0c',
    info: 'f0f1f2f3f4f5f6f7f8f9',
    length: 42,
    expected: '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865',
  },
  {
    at: 'A.2',
    inputKey:
      '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f' +
      '303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f',
    salt:
      '606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d8e8f' +
      '909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeaf',
    info:
      'b0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedf' +
      'e0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff',
    length: 82,
    expected:
      'b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09' +
      'da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87',
  },
  {
    at: 'A.3',
    inputKey: '0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b',
    salt: '',
    info: '',
    length: 42,
    expected: '8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8',
  },
]

for (const { at, inputKey, salt, info, length, expected } of HKDF) {
  test(`RFC 5869, ${at}: HKDF-SHA-256 gives the key`, () => {
    const parameters = { digest: 'sha256', salt: hex(salt), info: hex(info), length } as const
    assert.equal(hexOf(deriveHkdfUnchecked(hex(inputKey), parameters)), expected)
  })
}

/** RFC 7914, section 11, and the inputs of RFC 6070 with SHA-256 in place of SHA-1, which has no row. */
const PBKDF2 = [
  {
    at: 'RFC 7914',
    password: 'passwd',
    salt: 'salt',
    iterations: 1,
    expected:
      '55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc49ca9cccf179b645991664b39d77ef31' +
      '7c71b845b1e30bd509112041d3a19783',
  },
  {
    at: 'RFC 7914',
    password: 'Password',
    salt: 'NaCl',
    iterations: 80000,
    expected:
      '4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56a1d425a1225833549adb841b51c9b317' +
      '6a272bdebba1d078478f62b397f33c8d',
  },
  {
    at: 'RFC 6070 inputs',
    password: 'password',
    salt: 'salt',
    iterations: 1,
    expected: '120fb6cffcf8b32c43e7225256c4f837a86548c9',
  },
  {
    at: 'RFC 6070 inputs',
    password: 'password',
    salt: 'salt',
    iterations: 2,
    expected: 'ae4d0c95af6b46d32d0adff928f06dd02a303f8e',
  },
  {
    at: 'RFC 6070 inputs',
    password: 'password',
    salt: 'salt',
    iterations: 4096,
    expected: 'c5e478d59288c841aa530db6845c4c8d962893a0',
  },
  {
    at: 'RFC 6070 inputs',
    password: 'passwordPASSWORDpassword',
    salt: 'saltSALTsaltSALTsaltSALTsaltSALTsalt',
    iterations: 4096,
    expected: '348c89dbcbd32b2f32d814b8116e84cf2b17347ebc1800181c',
  },
  {
    at: 'RFC 6070 inputs',
    password: 'pass\0word',
    salt: 'sa\0lt',
    iterations: 4096,
    expected: '89b69d0516f829893c696226650a8687',
  },
]

for (const { at, password, salt, iterations, expected } of PBKDF2) {
  test(`${at}: PBKDF2-SHA-256 of ${JSON.stringify(password)} in ${iterations} iterations gives the key`, async () => {
    const length = expected.length / 2
    const parameters = { digest: 'sha256', iterations, salt: Buffer.from(salt), length } as const
    assert.equal(hexOf(await derivePbkdf2Unchecked(Buffer.from(password), parameters)), expected)
  })
}

/** RFC 7914, section 12, without the case of 1 GiB. */
const SCRYPT = [
  {
    password: '',
    salt: '',
    costLog2: 4,
    blockSize: 1,
    parallelism: 1,
    expected:
      '77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442fcd0069ded0948f8326a753a0fc81f17' +
      'e8d3e0fb2e0d3628cf35e20c38d18906',
  },
  {
    password: 'password',
    salt: 'NaCl',
    costLog2: 10,
    blockSize: 8,
    parallelism: 16,
    expected:
      'fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b3731622eaf30d92e22a3886ff109279d9830da' +
      'c727afb94a83ee6d8360cbdfa2cc0640',
  },
  {
    password: 'pleaseletmein',
    salt: 'SodiumChloride',
    costLog2: 14,
    blockSize: 8,
    parallelism: 1,
    expected:
      '7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2d5432955613f0fcf62d49705242a9af9' +
      'e61e85dc0d651e40dfcf017b45575887',
  },
]

for (const { password, salt, expected, ...cost } of SCRYPT) {
  test(`RFC 7914: scrypt of ${JSON.stringify(password)} with N = 2^${cost.costLog2} gives the key`, async () => {
    const parameters = { ...cost, salt: Buffer.from(salt), length: 64 }
    assert.equal(hexOf(await deriveScryptUnchecked(Buffer.from(password), parameters)), expected)
  })
}

test('RFC 9106, section 5.3: Argon2id gives the tag', async () => {
  const derived = await deriveArgon2idUnchecked(Buffer.alloc(32, 1), {
    memoryKib: 32,
    passes: 3,
    parallelism: 4,
    salt: Buffer.alloc(16, 2),
    length: 32,
    secret: Buffer.alloc(8, 3),
    associatedData: Buffer.alloc(12, 4),
  })
  assert.equal(hexOf(derived), '0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659')
})
