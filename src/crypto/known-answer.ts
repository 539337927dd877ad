import { createHash } from 'node:crypto'
import type { AlgorithmName } from '../model/algorithm-name.ts'
import { DEFAULT_TENANT, parseKeyId, parseVersionNumber } from '../model/ids.ts'
import { openAesGcm, sealAesGcm } from './aes-gcm.ts'
import type { Algorithm, VersionKey } from './algorithm.ts'
import { algorithmFor } from './algorithms.ts'
import { openChunked } from './chunked.ts'
import {
  deriveArgon2idUncheckedSync,
  deriveHkdfUnchecked,
  derivePbkdf2UncheckedSync,
  deriveScryptUncheckedSync,
} from './derive-unchecked.ts'
import { KeyMaterial, rawBytes } from './key-material.ts'
import { exportPublicKey } from './key-object.ts'
import { oaepDecrypt, oaepEncrypt } from './rsa-oaep.ts'
import * as answer from './known-answer-data.ts'

/** One known answer. `run` says whether it came out; an error that it throws counts as a failure. */
export interface KnownAnswer {
  readonly name: string
  run(): boolean
}

/** Every test, in the order of the layers. Together they take 20 to 40 ms at start. */
export const KNOWN_ANSWERS: readonly KnownAnswer[] = [
  digestTest('sha256', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'),
  digestTest(
    'sha384',
    'cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7',
  ),
  digestTest(
    'sha512',
    'ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a' +
      '2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f',
  ),
  { name: 'aes-gcm', run: testAesGcm },
  macTest('hmac-sha256', '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843'),
  macTest(
    'hmac-sha384',
    'af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649',
  ),
  macTest(
    'hmac-sha512',
    '164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554' +
      '9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737',
  ),
  { name: 'hkdf-sha256', run: testHkdf },
  { name: 'pbkdf2-sha256', run: testPbkdf2 },
  { name: 'scrypt', run: testScrypt },
  { name: 'argon2id', run: testArgon2id },
  // RFC 3394, section 4.6.
  wrapTest('aes256-kw', {
    key: '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f',
    inner: '00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f',
    blob: '28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21',
  }),
  // RFC 5649 itself has keys of 192 bits only; this one is from C2SP's Wycheproof.
  wrapTest('aes256-kwp', {
    key: '1abf4b7fa2bb62a78f09ddab04625dcacdd9e551d1a69b6b162baa53d2700093',
    inner: 'c548',
    blob: 'c98da5936a1313eba1a6773b8060ea5e',
  }),
  { name: 'rsa-pss', run: testRsaPss },
  { name: 'rsa-oaep', run: testRsaOaep },
  ecdsaTest('ecdsa-p256', answer.ECDSA_P256_PUBLIC_KEY, answer.ECDSA_P256_SIGNATURE),
  ecdsaTest('ecdsa-p384', answer.ECDSA_P384_PUBLIC_KEY, answer.ECDSA_P384_SIGNATURE),
  ecdsaTest('ecdsa-p521', answer.ECDSA_P521_PUBLIC_KEY, answer.ECDSA_P521_SIGNATURE),
  { name: 'ed25519', run: testEd25519 },
  { name: 'x25519', run: testX25519 },
  { name: 'chunked', run: testChunked },
  { name: 'aes256-gcm', run: testNative },
  { name: 'fernet', run: testFernet },
]

function hex(text: string): Buffer {
  return Buffer.from(text, 'hex')
}

function base64(text: string): Buffer {
  return Buffer.from(text, 'base64')
}

function keyFromHex(text: string): KeyMaterial {
  return new KeyMaterial(hex(text))
}

function isHex(bytes: Uint8Array | undefined, expected: string): boolean {
  return bytes !== undefined && Buffer.from(bytes).toString('hex') === expected
}

function present<Capability>(capability: Capability | undefined): Capability {
  if (capability === undefined) throw new Error('the row lacks the capability')
  return capability
}

function flipLastBit(bytes: Uint8Array): Uint8Array {
  const flipped = Uint8Array.from(bytes)
  flipped.set([(bytes.at(-1) ?? 0) ^ 1], bytes.length - 1)
  return flipped
}

/** FIPS 180-4, of "abc". */
function digestTest(digest: string, expected: string): KnownAnswer {
  return { name: digest, run: () => createHash(digest).update('abc').digest('hex') === expected }
}

/** McGrew and Viega, "The Galois/Counter Mode of Operation", test case 16. */
function testAesGcm(): boolean {
  const input = {
    key: keyFromHex('feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308').secretKey(),
    nonce: hex('cafebabefacedbaddecaf888'),
    associatedData: hex('feedfacedeadbeeffeedfacedeadbeefabaddad2'),
  }
  const plaintext =
    'd9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72' +
    '1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39'
  const sealed = sealAesGcm(input, hex(plaintext))
  const expected =
    '522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa' +
    '8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b'
  const refuses = openAesGcm(input, flipLastBit(sealed)) === undefined
  return isHex(sealed, expected) && isHex(openAesGcm(input, sealed), plaintext) && refuses
}

/** RFC 4231, section 4.3. */
function macTest(name: AlgorithmName, expected: string): KnownAnswer {
  return {
    name,
    run() {
      const mac = present(algorithmFor(name).mac)
      const [key, message] = [
        new KeyMaterial(Buffer.from('Jefe')),
        Buffer.from('what do ya want for nothing?'),
      ]
      const refuses = !mac.verify(key, message, flipLastBit(hex(expected)))
      return isHex(mac.mac(key, message), expected) && mac.verify(key, message, hex(expected)) && refuses
    },
  }
}

/** RFC 5869, appendix A.1. */
function testHkdf(): boolean {
  const derived = deriveHkdfUnchecked(new Uint8Array(22).fill(0x0b), {
    digest: 'sha256',
    salt: hex('000102030405060708090a0b0c'),
    info: hex('f0f1f2f3f4f5f6f7f8f9'),
    length: 42,
  })
  return isHex(
    rawBytes(derived),
    '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865',
  )
}

/** RFC 7914, section 11. */
function testPbkdf2(): boolean {
  const parameters = { digest: 'sha256', iterations: 1, salt: Buffer.from('salt'), length: 64 } as const
  return isHex(
    rawBytes(derivePbkdf2UncheckedSync(Buffer.from('passwd'), parameters)),
    '55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc' +
      '49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783',
  )
}

/** RFC 7914, section 12. */
function testScrypt(): boolean {
  const parameters = { costLog2: 4, blockSize: 1, parallelism: 1, salt: new Uint8Array(0), length: 64 }
  return isHex(
    rawBytes(deriveScryptUncheckedSync(new Uint8Array(0), parameters)),
    '77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442' +
      'fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906',
  )
}

/** RFC 9106, section 5.3. */
function testArgon2id(): boolean {
  const derived = deriveArgon2idUncheckedSync(new Uint8Array(32).fill(1), {
    memoryKib: 32,
    passes: 3,
    parallelism: 4,
    salt: new Uint8Array(16).fill(2),
    length: 32,
    secret: new Uint8Array(8).fill(3),
    associatedData: new Uint8Array(12).fill(4),
  })
  return isHex(rawBytes(derived), '0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659')
}

interface WrapAnswer {
  readonly key: string
  readonly inner: string
  readonly blob: string
}

function wrapTest(name: AlgorithmName, known: WrapAnswer): KnownAnswer {
  return {
    name,
    run() {
      const wrapping = present(algorithmFor(name).wrapping)
      const [key, inner] = [keyFromHex(known.key), keyFromHex(known.inner)]
      const refuses = wrapping.unwrap(key, flipLastBit(hex(known.blob))) === undefined
      const opened = wrapping.unwrap(key, hex(known.blob))
      return isHex(wrapping.wrap(key, inner), known.blob) && opened?.equals(inner) === true && refuses
    },
  }
}

function testRsaPss(): boolean {
  const material = new KeyMaterial(base64(answer.RSA_2048_PRIVATE_KEY))
  const publicKey = exportPublicKey(material)
  const row = algorithmFor('rsa-2048')
  const signs = present(row.signing).sign(material, Buffer.from(answer.SELF_TEST_MESSAGE)).length === 256
  return signs && verifiesOnly(row, publicKey, base64(answer.RSA_PSS_SIGNATURE))
}

function ecdsaTest(name: AlgorithmName, publicKey: string, signature: string): KnownAnswer {
  return { name, run: () => verifiesOnly(algorithmFor(name), base64(publicKey), base64(signature)) }
}

/** The signature holds for the message, and not for the same message with a bit flipped. */
function verifiesOnly(row: Algorithm, publicKey: Uint8Array, signature: Uint8Array): boolean {
  const signing = present(row.signing)
  const message = Buffer.from(answer.SELF_TEST_MESSAGE)
  const refuses = !signing.verifyWithPublicKey(publicKey, flipLastBit(message), signature)
  return signing.verifyWithPublicKey(publicKey, message, signature) && refuses
}

function testRsaOaep(): boolean {
  const material = new KeyMaterial(base64(answer.RSA_2048_PRIVATE_KEY))
  const [message, label] = [Buffer.from(answer.SELF_TEST_MESSAGE), Buffer.from('label')]
  const known = oaepDecrypt(material, base64(answer.RSA_OAEP_BLOCK), label)
  const own = oaepDecrypt(material, oaepEncrypt(material, message, label), label)
  const refuses = oaepDecrypt(material, base64(answer.RSA_OAEP_BLOCK), Buffer.from('other')) === undefined
  return isHex(known, message.toString('hex')) && isHex(own, message.toString('hex')) && refuses
}

/** RFC 8032, section 7.1, test 2. */
function testEd25519(): boolean {
  const seed = '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb'
  const material = keyFromHex(`302e020100300506032b657004220420${seed}`)
  const signing = present(algorithmFor('ed25519').signing)
  return isHex(
    signing.sign(material, hex('72')),
    '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da' +
      '085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  )
}

/** RFC 7748, section 6.1. */
function testX25519(): boolean {
  const scalar = '77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a'
  const peer = 'de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f'
  const shared = present(algorithmFor('x25519').agreement).agree(
    keyFromHex(`302e020100300506032b656e04220420${scalar}`),
    hex(`302a300506032b656e032100${peer}`),
  )
  return isHex(rawBytes(shared), '4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742')
}

/** C2SP's Wycheproof, Cobblestone-256, case 9. */
function testChunked(): boolean {
  const key = keyFromHex('59454c4c4f57205355424d4152494e452059454c4c4f57205355424d4152494e')
  const context = Buffer.from('test context')
  const sealed =
    'dbedaefc1c35dc6c0f22b743b03e488747166a51f33479e7ceb8b7e11cc0d2710f624a127501bc4aea7d0af6f83cfe35' +
    '9b9e69415aa537f36adf86eb35b070475baa039bb7791432adbca49578bbd3'
  return Buffer.from(openChunked(key, hex(sealed), context)).toString() === 'chunked'
}

/** The key that the Fernet specification's vectors use, in our form. */
const FERNET_KEY = '730ff4c7af3d46923e8ed451ee813c87f790b0a226bc96a92de49b5e9c05e1ee'

/** github.com/fernet/spec, generate.json. */
function testFernet(): boolean {
  const token =
    'gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0ODy021cpGVWKZ_eEwCGM4BLLF_5CV9dOPmrhuVUPgJobwOz7JcbmrR64jVmpU4IwqDA=='
  const messages = [token, `${token.slice(0, -4)}wKDA`].map((ciphertext) => ({ ciphertext, context: {} }))
  const encryption = present(algorithmFor('fernet').encryption)
  const [opened, damaged] = encryption.openMany(versionKey(keyFromHex(FERNET_KEY)), messages)
  return isHex(opened, Buffer.from('hello').toString('hex')) && damaged === undefined
}

/** docs/spec/ciphertext.md: one fixed ciphertext opens, and neither damaged nor under another context. */
function testNative(): boolean {
  const message = { ciphertext: answer.NATIVE_CIPHERTEXT, context: { table: 'customers' } }
  const damaged = { ...message, ciphertext: message.ciphertext.replace(/.$/, '-') }
  const key = versionKey(keyFromHex(answer.NATIVE_KEY))
  const messages = [message, damaged, { ...message, context: {} }]
  const [opened, ...refused] = present(algorithmFor('aes256-gcm').encryption).openMany(key, messages)
  const refuses = refused.every((item) => item === undefined)
  return isHex(opened, Buffer.from(answer.SELF_TEST_MESSAGE).toString('hex')) && refuses
}

function versionKey(material: KeyMaterial): VersionKey {
  return {
    tenant: DEFAULT_TENANT,
    keyId: parseKeyId('0193a73a-b400-7000-8000-000000000001'),
    version: parseVersionNumber(1),
    purpose: 'encrypt',
    material,
  }
}
