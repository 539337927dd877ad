import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { algorithmFor } from '../../src/crypto/algorithms.ts'
import { openChunked, sealChunked } from '../../src/crypto/chunked.ts'
import { encodeHeader, HEADER_BYTES, readTextHeader } from '../../src/crypto/ciphertext-header.ts'
import { encodeFileHeader, readFileHeader } from '../../src/crypto/file-header.ts'
import { Fernet } from '../../src/crypto/fernet.ts'
import { formatFernetKey, parseFernetKey } from '../../src/crypto/fernet-key.ts'
import { readTokenTime } from '../../src/crypto/fernet-token.ts'
import {
  checkPrivateKey,
  EC_SHAPES,
  ED25519_SHAPE,
  parsePublicKey,
  rsaShape,
} from '../../src/crypto/key-import.ts'
import { KeyMaterial } from '../../src/crypto/key-material.ts'
import { aesKeyWrap, aesKeyWrapWithPadding } from '../../src/crypto/key-wrap.ts'
import {
  appendLeaves,
  EMPTY_FRONTIER,
  encodeFrontier,
  leafHash,
  parseFrontier,
} from '../../src/crypto/merkle.ts'
import { formatArgon2id, parsePasswordHash } from '../../src/crypto/password-hash.ts'
import { parseSpkiPem, spkiPem } from '../../src/crypto/pem.ts'
import { randomKeyMaterial } from '../../src/crypto/random.ts'
import { unwrapKey, wrapKey } from '../../src/crypto/wrapped-key.ts'
import { CoffreError } from '../../src/model/errors.ts'
import { parseKeyId, parseTenantId, parseVersionNumber } from '../../src/model/ids.ts'
import { toWrapped } from '../../src/model/wrapped.ts'
import type { FuzzedParser } from './parsers.ts'

const materialOf = (bytes: Uint8Array) => new KeyMaterial(bytes)

const keyId = parseKeyId('01234567-89ab-4cde-8f01-23456789abcd')
const tenant = parseTenantId('default')
const version = parseVersionNumber(3)
const context = { order: '17', länge: '→' }
const plaintexts = ['', 'x', 'a longer plaintext of some words', '\0'.repeat(200)].map((text) =>
  Buffer.from(text),
)

/** What decrypts to something must be exactly one of the valid inputs, and give its own plaintext. */
function onlySeedsOpen(
  name: string,
  seeds: readonly Buffer[],
  open: (input: Buffer) => Uint8Array | undefined,
): FuzzedParser {
  const known = new Map(seeds.map((seed, index) => [seed.toString('latin1'), plaintexts[index]]))
  return {
    name,
    seeds,
    parse: (input) => {
      const opened = open(input)
      if (opened === undefined) return false
      const expected = known.get(input.toString('latin1'))
      assert.ok(expected !== undefined, 'a changed input opens')
      assert.equal(Buffer.compare(opened, expected), 0, 'another plaintext')
      return true
    },
  }
}

function ciphertextParsers(): FuzzedParser[] {
  const row = algorithmFor('aes256-gcm')
  const material = randomKeyMaterial(32)
  const key = { tenant, keyId, version, purpose: 'encrypt', material } as const
  const messages = plaintexts.map((plaintext) => ({ plaintext, context }))
  const seeds = row.encryption?.sealMany(key, messages).map((text) => Buffer.from(text)) ?? []
  const read = (input: Buffer) => {
    const header = readTextHeader(input.toString('latin1'))
    if (header === undefined) return false
    const bytes = Buffer.from(input.toString('latin1').slice(0, 32), 'base64url')
    assert.equal(Buffer.compare(encodeHeader(header), bytes.subarray(0, HEADER_BYTES)), 0)
    return true
  }
  return [
    onlySeedsOpen(
      'ciphertext',
      seeds,
      (input) => row.encryption?.openMany(key, [{ ciphertext: input.toString('latin1'), context }])[0],
    ),
    { name: 'ciphertext-header', seeds, parse: read },
    { name: 'file-header', seeds: seeds.map(toFile), parse: readFile },
  ]
}

function toFile(ciphertext: Buffer): Buffer {
  return Buffer.concat([encodeFileHeader(ciphertext.toString())?.bytes ?? Buffer.alloc(0), Buffer.alloc(40)])
}

function readFile(input: Buffer): boolean {
  const header = readFileHeader(input)
  if (header === undefined || 'needs' in header) return false
  assert.equal(Buffer.compare(header.bytes, input.subarray(0, header.bytes.length)), 0)
  const again = encodeFileHeader(header.dataKeyCiphertext)?.bytes ?? Buffer.alloc(0)
  assert.equal(Buffer.compare(again, header.bytes), 0)
  return true
}

function chunkedParser(): FuzzedParser {
  const key = randomKeyMaterial(32)
  const bound = Buffer.from('context')
  const seeds = plaintexts.map((plaintext) => Buffer.from(sealChunked(key, plaintext, bound)))
  return onlySeedsOpen('chunked', seeds, (input) => openChunked(key, input, bound))
}

function wrappedKeyParser(): FuzzedParser {
  const root = { generation: 2, key: randomKeyMaterial(32) }
  const binding = { tenant, keyId, version, algorithm: 'aes256-gcm', purpose: 'encrypt' } as const
  const inner = plaintexts.slice(2).map((bytes) => materialOf(bytes))
  const seeds = inner.map((material) => Buffer.from(wrapKey(root, material, binding)))
  return onlyOwnMaterial('wrapped-key', { seeds, inner }, (input) =>
    unwrapKey(root, toWrapped(input), binding),
  )
}

function keyWrapParsers(): FuzzedParser[] {
  const material = randomKeyMaterial(32)
  const inner = [16, 32, 64].map((bytes) => randomKeyMaterial(bytes))
  return [
    { name: 'aes-kw', wrapping: aesKeyWrap },
    { name: 'aes-kwp', wrapping: aesKeyWrapWithPadding },
  ].map(({ name, wrapping }) => {
    const seeds = inner.map((each) => Buffer.from(wrapping.wrap(material, each)))
    return onlyOwnMaterial(name, { seeds, inner }, (input) => wrapping.unwrap(material, input))
  })
}

function onlyOwnMaterial(
  name: string,
  valid: { readonly seeds: readonly Buffer[]; readonly inner: readonly KeyMaterial[] },
  unwrap: (input: Buffer) => KeyMaterial | undefined,
): FuzzedParser {
  const { seeds, inner } = valid
  return {
    name,
    seeds,
    parse: (input) => {
      const material = unwrap(input)
      if (material === undefined) return false
      const index = seeds.findIndex((seed) => seed.equals(input))
      assert.ok(inner[index]?.equals(material) === true, 'a changed blob unwraps')
      return true
    },
  }
}

const NOW = 1_800_000_000

function fernetParsers(): FuzzedParser[] {
  const keyText = Fernet.generateKey()
  const fernet = new Fernet(keyText)
  const tokens = plaintexts.map((each) => Buffer.from(fernet.encrypt(each, { nowSeconds: NOW })))
  return [
    onlySeedsOpen('fernet-token', tokens, (input) =>
      fernet.decrypt(input.toString('latin1'), { nowSeconds: NOW }),
    ),
    {
      name: 'fernet-time',
      seeds: tokens,
      parse: (input) => {
        const time = readTokenTime(input.toString('latin1'))
        if (time === undefined) return false
        assert.ok(Number.isSafeInteger(time.timestamp))
        return true
      },
    },
    {
      name: 'fernet-key',
      seeds: [Buffer.from(keyText)],
      parse: (input) => {
        const text = input.toString('latin1')
        assert.equal(formatFernetKey(parseFernetKey(text)), text)
        return true
      },
    },
  ]
}

function passwordHashParser(): FuzzedParser {
  const parameters = { memoryKib: 65_536, passes: 3, parallelism: 1, salt: Buffer.alloc(16, 1), length: 32 }
  const tail = `${Buffer.alloc(16, 2).toString('base64').replaceAll('=', '')}$${'A'.repeat(43)}`
  const argon2id = formatArgon2id(parameters, Buffer.alloc(32, 3))
  const seeds = [argon2id, `$scrypt$ln=15,r=8,p=1$${tail}`, `$pbkdf2-sha256$i=600000$${tail}`]
  return {
    name: 'password-hash',
    seeds: seeds.map((text) => Buffer.from(text)),
    parse: (input) => {
      const text = input.toString('latin1')
      const { argon2id: read, expected } = parsePasswordHash(text)
      assert.ok(expected.length >= 16 && expected.length <= 64)
      if (read !== undefined) assert.equal(formatArgon2id(read, expected), text)
      return true
    },
  }
}

function frontierParser(): FuzzedParser {
  const leaves = [1, 2, 3, 4, 5, 6, 7].map((byte) => leafHash(Uint8Array.of(byte)))
  const encoded = encodeFrontier(appendLeaves(EMPTY_FRONTIER, leaves))
  return {
    name: 'audit-frontier',
    seeds: [Buffer.concat([Buffer.of(0, 0, 0, 7), encoded])],
    parse: (input) => {
      if (input.length < 4) return false
      const frontier = parseFrontier(input.readUInt32BE(), input.subarray(4))
      if (frontier === undefined) return false
      assert.equal(Buffer.compare(encodeFrontier(frontier), input.subarray(4)), 0)
      return true
    },
  }
}

function keyParsers(): FuzzedParser[] {
  const pairs = [
    { shape: ED25519_SHAPE, pair: generateKeyPairSync('ed25519') },
    { shape: EC_SHAPES.p256, pair: generateKeyPairSync('ec', { namedCurve: 'prime256v1' }) },
    { shape: rsaShape(2_048), pair: generateKeyPairSync('rsa', { modulusLength: 2_048 }) },
  ]
  const publics = pairs.map(({ pair }) => pair.publicKey.export({ format: 'der', type: 'spki' }))
  const privates = pairs.map(({ pair }) => pair.privateKey.export({ format: 'der', type: 'pkcs8' }))
  return [
    {
      name: 'public-key-pem',
      seeds: publics.map((der) => Buffer.from(spkiPem(der))),
      parse: (input) => {
        const der = parseSpkiPem(input.toString('latin1'))
        if (der === undefined) return false
        assert.equal(Buffer.compare(parseSpkiPem(spkiPem(der)) ?? Buffer.alloc(0), der), 0)
        return true
      },
    },
    {
      name: 'public-key',
      seeds: publics,
      isSlow: true,
      parse: (input) => {
        const read = pairs.map(({ shape }) =>
          accepts(() => {
            const key = parsePublicKey(input, shape)
            assert.ok(key.export({ format: 'der', type: 'spki' }).equals(input))
          }),
        )
        return read.includes(true)
      },
    },
    {
      name: 'private-key',
      seeds: privates,
      isSlow: true,
      parse: (input) => {
        const read = pairs.map(({ shape }) => accepts(() => checkPrivateKey(materialOf(input), shape)))
        return read.includes(true)
      },
    },
  ]
}

function signatureParser(): FuzzedParser {
  const pair = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  const material = materialOf(pair.privateKey.export({ format: 'der', type: 'pkcs8' }))
  const message = Buffer.from('message')
  const { signing } = algorithmFor('ecdsa-p256')
  assert.ok(signing)
  const signature = Buffer.from(signing.sign(material, message))
  return {
    name: 'signature',
    seeds: [signature],
    isSlow: true,
    parse: (input) => {
      const isValid = signing.verify(material, message, input)
      assert.equal(isValid, input.equals(signature))
      return isValid
    },
  }
}

function accepts(work: () => void): boolean {
  try {
    work()
    return true
  } catch (error) {
    if (error instanceof CoffreError) return false
    throw error
  }
}

export function makeCodecParsers(): FuzzedParser[] {
  return [
    ...ciphertextParsers(),
    chunkedParser(),
    wrappedKeyParser(),
    ...keyWrapParsers(),
    ...fernetParsers(),
    passwordHashParser(),
    frontierParser(),
    ...keyParsers(),
    signatureParser(),
  ]
}
