import assert from 'node:assert/strict'
import { createHash, createHmac } from 'node:crypto'
import { describe, test } from 'node:test'
import {
  decodeCacheKey,
  deriveSourceKey,
  encodeCacheKey,
  hashCacheName,
  makeCacheKey,
  sourceIndexId,
  unwrapWithSecret,
  wrapUnderSecret,
} from '../../../src/crypto/cache-key.ts'
import { openChunked, sealChunked } from '../../../src/crypto/chunked.ts'
import { deriveArgon2idUncheckedSync } from '../../../src/crypto/derive-unchecked.ts'
import { KeyMaterial, rawBytes } from '../../../src/crypto/key-material.ts'
import { DEFAULT_TENANT, parseTenantId } from '../../../src/model/ids.ts'
import { failsWith } from '../../temporary.ts'

const ID = '0193a73a-b400-7000-8000-000000000001'
const DATA_KEY = '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f'
const BLOB = Buffer.from(`01${ID.replaceAll('-', '')}${DATA_KEY}`, 'hex')
const refused = failsWith('DECRYPTION_FAILED')
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

/** docs/spec/cache.md, "LP". */
function lengthPrefixed(text: string): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(Buffer.byteLength(text))
  return Buffer.concat([length, Buffer.from(text)])
}

function fixedKey(bytes: Uint8Array = BLOB) {
  const key = decodeCacheKey(bytes)
  assert.ok(key !== undefined)
  return key
}

describe('a data key of a cache', () => {
  test('is new each time, of 32 bytes, for a tenant or the default one', () => {
    const [one, other] = [makeCacheKey(), makeCacheKey(parseTenantId('acme'))]
    assert.deepEqual([one.tenant, other.tenant], [DEFAULT_TENANT, 'acme'])
    assert.deepEqual([one.version, one.purpose, one.material.length], [1, 'encrypt', 32])
    assert.notEqual(one.keyId, other.keyId)
    assert.ok(!one.material.equals(other.material))
  })
  test('is read from its bytes and written to the same', () => {
    const key = fixedKey()
    assert.deepEqual([key.tenant, key.keyId, key.version, key.purpose], [DEFAULT_TENANT, ID, 1, 'encrypt'])
    assert.equal(hex(rawBytes(key.material)), DATA_KEY)
    assert.equal(hex(encodeCacheKey(key)), hex(BLOB))
    assert.equal(decodeCacheKey(BLOB, parseTenantId('acme'))?.tenant, 'acme')
  })
  test('is not read from bytes of another length or format', () => {
    for (const format of [0, 2, 255]) {
      assert.equal(decodeCacheKey(Buffer.concat([Buffer.of(format), BLOB.subarray(1)])), undefined)
    }
    for (const bytes of [BLOB.subarray(0, -1), Buffer.concat([BLOB, Buffer.alloc(1)]), Buffer.alloc(0)]) {
      assert.equal(decodeCacheKey(bytes), undefined)
    }
  })
})

describe('what is derived', () => {
  test('the key of format 1 is SHA-256 of the secret', () => {
    const digest = createHash('sha256').update('clé').digest()
    assert.equal(hex(rawBytes(deriveSourceKey('clé'))), hex(digest))
    assert.equal(
      sourceIndexId(deriveSourceKey('clé')),
      expand(digest, Buffer.from('coffre cache index v1\0')),
    )
    assert.notEqual(sourceIndexId(deriveSourceKey('clé')), sourceIndexId(deriveSourceKey('cle')))
  })
  test('the hash of a name keeps user and name apart', () => {
    const info = Buffer.concat([
      Buffer.from('coffre cache name v1\0'),
      lengthPrefixed('u-1'),
      lengthPrefixed('daily'),
    ])
    const hashed = hashCacheName(fixedKey(), 'u-1', 'daily')
    assert.equal(hashed, expand(Buffer.from(DATA_KEY, 'hex'), info))
    assert.notEqual(hashCacheName(fixedKey(), 'u-1d', 'aily'), hashed)
    assert.notEqual(hashCacheName(makeCacheKey(), 'u-1', 'daily'), hashed)
  })
})

/** HKDF-Expand (RFC 5869, section 2.3) by hand: one block of SHA-512, of which 16 bytes are taken. */
function expand(key: Uint8Array, info: Uint8Array): string {
  const block = createHmac('sha512', key).update(info).update(Uint8Array.of(1)).digest()
  return block.subarray(0, 16).toString('base64url')
}

describe('a data key under the secret of its user', async () => {
  const SECRET = 'demo-client-secret-5f2d9c7b1e'
  const HEAD_BYTES = 1 + 16 + 6
  const wrapped = await wrapUnderSecret(fixedKey(), 'u-1', SECRET)
  const bytes = Buffer.from(wrapped, 'base64url')

  /** As docs/spec/cache.md says it, for any parameters. */
  function wrapByHand(parameters: Buffer, blob: Uint8Array): string {
    const key = deriveArgon2idUncheckedSync(Buffer.from(SECRET), {
      salt: parameters.subarray(0, 16),
      memoryKib: parameters.readUInt32BE(16),
      passes: parameters.readUInt8(20),
      parallelism: parameters.readUInt8(21),
      length: 32,
    })
    const sealed = sealChunked(key, blob, contextOf(parameters))
    return Buffer.concat([Buffer.of(1), parameters, sealed]).toString('base64url')
  }

  function contextOf(parameters: Buffer): Buffer {
    const label = Buffer.from('coffre cache secret v1\0\x01')
    return Buffer.concat([label, parameters, lengthPrefixed('u-1')])
  }

  test('has the layout of docs/spec/cache.md and opens', async () => {
    assert.deepEqual([bytes.length, bytes[0]], [HEAD_BYTES + 121, 1])
    assert.equal(hex(bytes.subarray(17, HEAD_BYTES)), '000100000301')
    const parameters = bytes.subarray(1, HEAD_BYTES)
    const key = deriveArgon2idUncheckedSync(Buffer.from(SECRET), {
      salt: bytes.subarray(1, 17),
      memoryKib: 65_536,
      passes: 3,
      parallelism: 1,
      length: 32,
    })
    assert.equal(hex(openChunked(key, bytes.subarray(HEAD_BYTES), contextOf(parameters))), hex(BLOB))
    assert.equal(hex(encodeCacheKey(await unwrapWithSecret(wrapped, 'u-1', SECRET))), hex(BLOB))
  })
  test('is stretched as it says itself, within bounds', async () => {
    const salt = Buffer.alloc(16, 7)
    const other = Buffer.concat([salt, Buffer.from('00004c000202', 'hex')]) // 19 MiB, 2 passes, 2 lanes.
    const opened = await unwrapWithSecret(wrapByHand(other, BLOB), 'u-1', SECRET)
    assert.equal(hex(encodeCacheKey(opened)), hex(BLOB))
    for (const hostile of ['ffffffff0301', '000100000b01', '000100000311', '000000000301']) {
      const parameters = Buffer.concat([Buffer.of(1), salt, Buffer.from(hostile, 'hex'), Buffer.alloc(121)])
      const text = parameters.toString('base64url')
      await assert.rejects(unwrapWithSecret(text, 'u-1', SECRET), refused, hostile)
    }
  })
  test('takes the secret as it is, without normalisation', async () => {
    const composed = await wrapUnderSecret(fixedKey(), 'u-1', 'caf\u00e9')
    await assert.rejects(unwrapWithSecret(composed, 'u-1', 'cafe\u0301'), refused)
  })
  test('opens with nothing else', async () => {
    await assert.rejects(unwrapWithSecret(wrapped, 'u-1', `${SECRET} `), refused)
    await assert.rejects(unwrapWithSecret(wrapped, 'u-2', SECRET), refused)
    const format2 = Buffer.concat([Buffer.of(2), bytes.subarray(1)])
    for (const other of [
      format2,
      bytes.subarray(0, HEAD_BYTES),
      bytes.subarray(0, HEAD_BYTES - 1),
      Buffer.alloc(0),
    ]) {
      await assert.rejects(unwrapWithSecret(other.toString('base64url'), 'u-1', SECRET), refused)
    }
    for (const text of [`${wrapped}=`, ` ${wrapped}`, '*']) {
      await assert.rejects(unwrapWithSecret(text, 'u-1', SECRET), refused)
    }
  })
  test('has another salt each time, and leaves no other key in memory', async (t) => {
    const wipe = t.mock.method(KeyMaterial.prototype, 'wipe')
    const key = makeCacheKey()
    const another = await wrapUnderSecret(key, 'u-1', SECRET)
    const opened = await unwrapWithSecret(another, 'u-1', SECRET)
    assert.notEqual(another.slice(0, 22), wrapped.slice(0, 22))
    const wiped = wipe.mock.calls.map((call) => call.this)
    assert.equal(wiped.length, 2)
    assert.ok(!wiped.includes(key.material) && !wiped.includes(opened.material))
  })
})
