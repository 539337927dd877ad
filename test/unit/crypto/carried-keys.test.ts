import assert from 'node:assert/strict'
import { constants, generateKeyPairSync, publicEncrypt } from 'node:crypto'
import { describe, test } from 'node:test'
import { inspect } from 'node:util'
import type { VersionKey } from '../../../src/crypto/algorithm.ts'
import { algorithmFor } from '../../../src/crypto/algorithms.ts'
import { deriveFromShared } from '../../../src/crypto/derived-key.ts'
import { KeyMaterial, rawBytes } from '../../../src/crypto/key-material.ts'
import { unwrapAsRecipient, wrapForRecipient } from '../../../src/crypto/key-transport.ts'
import { parseSpkiPem, spkiPem } from '../../../src/crypto/pem.ts'
import { randomBytes, randomFraction, randomKeyMaterial, randomUuid } from '../../../src/crypto/random.ts'
import { unwrapFromSibling, unwrapRoot, wrapForSibling, wrapRoot } from '../../../src/crypto/root-link.ts'
import { DEFAULT_TENANT, parseKeyId, parseVersionNumber } from '../../../src/model/ids.ts'
import { toWrapped } from '../../../src/model/wrapped.ts'
import { CoffreError } from '../../../src/model/errors.ts'
import { failsWith } from '../../temporary.ts'

const failed = failsWith('DECRYPTION_FAILED')

function refusedFor(rule: string): (error: unknown) => true {
  return (error) => {
    assert.ok(error instanceof CoffreError)
    assert.deepEqual([error.code, Object.values(error.facts)], ['KEY_REFUSED', [rule]])
    return true
  }
}

function flipped(bytes: Uint8Array, at: number): Uint8Array {
  const copy = Uint8Array.from(bytes)
  copy[at] = (copy[at] ?? 0) ^ 1
  return copy
}

function versionKey(material: KeyMaterial): VersionKey {
  return {
    tenant: DEFAULT_TENANT,
    keyId: parseKeyId('00000000-0000-4000-8000-000000000001'),
    version: parseVersionNumber(3),
    purpose: 'encrypt',
    material,
  }
}

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const pair = new KeyMaterial(rsa.privateKey.export({ format: 'der', type: 'pkcs8' }))
const pem = rsa.publicKey.export({ format: 'pem', type: 'spki' }).toString()

describe('a key on its way to somebody with an RSA pair', () => {
  test('arrives, whole or under an ephemeral key', () => {
    for (const [transport, bytes, blobBytes] of [
      ['rsa-oaep-sha256', 32, 256],
      ['rsa-oaep-sha256', 190, 256],
      ['rsa-aes-key-wrap', 32, 256 + 40],
      ['rsa-aes-key-wrap', 1_218, 256 + 1_232],
    ] as const) {
      const inner = randomKeyMaterial(bytes)
      const blob = wrapForRecipient(pem, inner, transport)
      assert.equal(blob.length, blobBytes)
      assert.equal(unwrapAsRecipient(pair, blob, transport)?.equals(inner), true)
      for (const at of [0, 255, blob.length - 1]) {
        assert.equal(unwrapAsRecipient(pair, flipped(blob, at), transport), undefined)
      }
      assert.equal(unwrapAsRecipient(pair, blob.subarray(0, -1), transport), undefined)
      assert.equal(unwrapAsRecipient(pair, Buffer.concat([blob, Buffer.of(0)]), transport), undefined)
      assert.equal(unwrapAsRecipient(pair, new Uint8Array(0), transport), undefined)
    }
  })
  test('under an ephemeral key has one of 32 bytes', () => {
    const inner = randomKeyMaterial(32)
    const { wrapping } = algorithmFor('aes256-kwp')
    assert.ok(wrapping !== undefined)
    for (const [bytes, opens] of [
      [32, true],
      [31, false],
      [16, false],
    ] as const) {
      const ephemeral = randomBytes(bytes)
      const padding = constants.RSA_PKCS1_OAEP_PADDING
      const block = publicEncrypt({ key: rsa.publicKey, padding, oaepHash: 'sha256' }, ephemeral)
      const kwp = bytes === 32 ? wrapping.wrap(new KeyMaterial(ephemeral), inner) : Buffer.alloc(40)
      const blob = Buffer.concat([block, kwp])
      assert.equal(unwrapAsRecipient(pair, blob, 'rsa-aes-key-wrap') !== undefined, opens)
    }
  })
  test('is not wrapped when it is too long for one block', () => {
    assert.throws(
      () => wrapForRecipient(pem, randomKeyMaterial(191), 'rsa-oaep-sha256'),
      refusedFor('key-bytes'),
    )
  })
  test('is not wrapped for anything but an RSA key of an ordinary size', () => {
    const inner = randomKeyMaterial(32)
    const wrap = (recipient: string) => () => wrapForRecipient(recipient, inner, 'rsa-oaep-sha256')
    const pemOf = (key: { export(options: object): string | Buffer }) =>
      String(key.export({ format: 'pem', type: 'spki' }))
    assert.throws(wrap('no key'), refusedFor('spki'))
    assert.throws(wrap(spkiPem(Buffer.from('no DER'))), refusedFor('spki'))
    assert.throws(
      wrap(pemOf(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey)),
      refusedFor('type'),
    )
    assert.throws(
      wrap(pemOf(generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey)),
      refusedFor('rsa-modulus-bits'),
    )
  })
})

describe('a root key under another', () => {
  const root = (generation: number, key = randomKeyMaterial(32)) => ({ generation, key })

  test('opens between exactly these two', () => {
    const [from, to] = [root(1), root(2)]
    const link = wrapRoot(from, to)
    const opened = unwrapRoot(from, 2, link)
    assert.equal(opened.generation, 2)
    assert.ok(opened.key.equals(to.key))
    assert.throws(() => unwrapRoot(from, 3, link), failed)
    assert.throws(() => unwrapRoot(root(2, from.key), 2, link), failed)
    assert.throws(() => unwrapRoot(root(1), 2, link), failed)
    for (const at of [0, 1, link.length - 1]) {
      assert.throws(() => unwrapRoot(from, 2, toWrapped(flipped(link, at))), failed)
    }
  })
  test('goes with its brothers to another process of the same Coffre', () => {
    const transport = randomKeyMaterial(32)
    const roots = [root(1), root(2), root(300)]
    const blob = wrapForSibling(transport, roots)
    const opened = unwrapFromSibling(transport, blob)
    assert.deepEqual(
      opened.map(({ generation }) => generation),
      [1, 2, 300],
    )
    for (const [at, { key }] of opened.entries()) assert.ok(roots[at]?.key.equals(key))
    assert.deepEqual(unwrapFromSibling(transport, wrapForSibling(transport, [])), [])
    assert.throws(() => unwrapFromSibling(randomKeyMaterial(32), blob), failed)
    for (const at of [0, 1, blob.length - 1]) {
      assert.throws(() => unwrapFromSibling(transport, toWrapped(flipped(blob, at))), failed)
    }
    assert.throws(() => unwrapFromSibling(root(1).key, wrapRoot(root(1), root(2))), failed)
  })
  test('is no link where it is a bundle, nor a bundle where it is a link', () => {
    const [from, to] = [root(1), root(2)]
    assert.throws(() => unwrapFromSibling(from.key, wrapRoot(from, to)), failed)
    assert.throws(() => unwrapRoot(from, 2, wrapForSibling(from.key, [to])), failed)
  })
})

describe('a data key under a wrapping key', () => {
  for (const name of ['aes256-kw', 'aes256-kwp'] as const) {
    test(`comes back from ${name}, and from nothing else`, () => {
      const { encryption } = algorithmFor(name)
      assert.ok(encryption !== undefined)
      const key = versionKey(randomKeyMaterial(32))
      const plaintext = randomBytes(32)
      const [ciphertext = ''] = encryption.sealMany(key, [{ plaintext, context: {} }])
      const open = (text: string, as = key, context = {}) =>
        encryption.openMany(as, [{ ciphertext: text, context }])[0]
      assert.deepEqual(open(ciphertext), plaintext)
      const bytes = Buffer.from(ciphertext, 'base64url')
      assert.equal(bytes[3], 4)
      assert.equal(bytes.length, 24 + 40)
      for (const at of [0, 3, 4, 23, 24, 63]) {
        assert.equal(open(Buffer.from(flipped(bytes, at)).toString('base64url')), undefined)
      }
      assert.equal(open('no base64url!'), undefined)
      assert.equal(open(''), undefined)
      assert.equal(open(ciphertext, versionKey(randomKeyMaterial(32))), undefined)
      assert.equal(open(ciphertext, { ...key, version: parseVersionNumber(4) }), undefined)
      assert.equal(open(ciphertext, key, { tenant: 'a' }), undefined)
    })
  }
  test('takes no context, which it could not bind', () => {
    const { encryption } = algorithmFor('aes256-kw')
    const message = { plaintext: randomBytes(32), context: { tenant: 'a' } }
    assert.throws(
      () => encryption?.sealMany(versionKey(randomKeyMaterial(32)), [message]),
      (error: unknown) => {
        assert.ok(error instanceof CoffreError)
        assert.deepEqual(error.facts, { at: 'context', expected: 'none for this algorithm' })
        return true
      },
    )
  })
})

describe('a message under RSA-OAEP', () => {
  const { encryption } = algorithmFor('rsa-2048')
  assert.ok(encryption !== undefined)
  const key = versionKey(pair)
  const plaintext = Buffer.from('bonjour')
  const open = (ciphertext: string, context = {}, as = key) => {
    const [opened] = encryption.openMany(as, [{ ciphertext, context }])
    return opened === undefined ? undefined : Buffer.from(opened).toString()
  }

  test('opens under its own context, key and version alone', () => {
    const context = { tenant: 'a' }
    const [ciphertext = ''] = encryption.sealMany(key, [{ plaintext, context }])
    assert.equal(open(ciphertext, context), 'bonjour')
    assert.equal(open(ciphertext), undefined)
    assert.equal(open(ciphertext, { tenant: 'b' }), undefined)
    assert.equal(open(ciphertext, context, { ...key, version: parseVersionNumber(4) }), undefined)
    assert.equal(open(ciphertext, context, { ...key, purpose: 'wrap' }), undefined)
    const bytes = Buffer.from(ciphertext, 'base64url')
    assert.deepEqual([bytes[3], bytes.length], [2, 24 + 256])
    for (const at of [0, 3, 23, 24, 279]) {
      assert.equal(open(Buffer.from(flipped(bytes, at)).toString('base64url'), context), undefined)
    }
  })
  test('may be a bare block of another program, without a context', () => {
    const padding = constants.RSA_PKCS1_OAEP_PADDING
    const block = publicEncrypt({ key: rsa.publicKey, padding, oaepHash: 'sha256' }, plaintext)
    assert.equal(open(block.toString('base64')), 'bonjour')
    assert.equal(open(block.toString('base64'), { tenant: 'a' }), undefined)
    assert.equal(open(`${block.toString('base64')}\n`), undefined)
    assert.equal(open(Buffer.from(flipped(block, 9)).toString('base64')), undefined)
    assert.equal(open(''), undefined)
  })
})

describe('key material', () => {
  test('shows nothing of itself', () => {
    const material = new KeyMaterial(Buffer.from('a secret of thirty-two bytes ...'))
    const shown = [
      material.toString(),
      ''.concat(material as never),
      JSON.stringify({ material }),
      inspect({ material }),
    ]
    assert.deepEqual(shown, [
      '[key material]',
      '[key material]',
      '{"material":"[key material]"}',
      '{ material: KeyMaterial(32) }',
    ])
    assert.deepEqual(Object.entries(material), [])
  })
  test('is its own copy, and once wiped it is no key at all', () => {
    const bytes = randomBytes(32)
    const material = new KeyMaterial(bytes)
    const before = Uint8Array.from(bytes)
    bytes.fill(0)
    const live = rawBytes(material)
    assert.deepEqual(live, before)
    let made = 0
    const slot = Symbol('slot')
    const derive = () => material.derive(slot, () => (made += 1))
    assert.deepEqual([derive(), derive()], [1, 1])
    material.wipe()
    assert.deepEqual(live, new Uint8Array(32))
    assert.equal(derive(), 2)
    const isWiped = (error: unknown) => {
      assert.ok(error instanceof CoffreError)
      assert.deepEqual([error.code, error.facts], ['KEY_VERSION_UNUSABLE', { state: 'wiped' }])
      return true
    }
    assert.throws(() => rawBytes(material), isWiped)
    assert.throws(() => material.secretKey(), isWiped)
    assert.throws(() => material.equals(randomKeyMaterial(32)), isWiped)
  })
  test('is equal to the same bytes alone', () => {
    const bytes = randomBytes(32)
    const material = new KeyMaterial(bytes)
    assert.ok(material.equals(new KeyMaterial(bytes)))
    assert.ok(!material.equals(new KeyMaterial(flipped(bytes, 31))))
    assert.ok(!material.equals(new KeyMaterial(bytes.subarray(1))))
  })
  test('from a shared secret is HKDF-SHA-256 without a salt, and the secret is wiped', () => {
    const shared = new KeyMaterial(new Uint8Array(22).fill(0x0b))
    const derived = Buffer.from(deriveFromShared(shared, '', 42)).toString('hex')
    // RFC 5869, appendix A.3.
    assert.equal(
      derived,
      '8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8',
    )
    assert.throws(() => rawBytes(shared))
  })
})

describe('a public key in PEM', () => {
  test('is read as it was written', () => {
    const der = rsa.publicKey.export({ format: 'der', type: 'spki' })
    assert.equal(spkiPem(der), pem)
    assert.deepEqual(parseSpkiPem(pem), der)
    assert.deepEqual(parseSpkiPem(` \n${pem.replaceAll('\n', '\r\n')}\n `), der)
  })
  test('is one whole block and nothing else', () => {
    const spoiled = [
      '',
      'text',
      `${pem}${pem}`,
      `text\n${pem}`,
      `${pem}text`,
      pem.replaceAll('PUBLIC', 'PRIVATE'),
      '-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n',
      '-----BEGIN PUBLIC KEY-----\nAB\n-----END PUBLIC KEY-----\n',
      `${pem}${' '.repeat(4_096)}`,
    ]
    for (const text of spoiled) assert.equal(parseSpkiPem(text), undefined, text.slice(0, 60))
  })
})

test('random numbers are of the kind that was asked for', () => {
  for (let round = 0; round < 100; round += 1) {
    const fraction = randomFraction()
    assert.ok(fraction >= 0 && fraction < 1)
    assert.match(randomUuid(), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  }
  const fractions = new Set(Array.from({ length: 100 }, randomFraction))
  assert.ok(fractions.size > 90)
  assert.ok([...fractions].some((each) => each > 0.5) && [...fractions].some((each) => each < 0.5))
})
