import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { openChunked, sealChunked } from '../../../src/crypto/chunked.ts'
import { rawBytes } from '../../../src/crypto/key-material.ts'
import { randomKeyMaterial } from '../../../src/crypto/random.ts'
import { unwrapKey, wrapKey } from '../../../src/crypto/wrapped-key.ts'
import { parseKeyId, parseTenantId, parseVersionNumber } from '../../../src/model/ids.ts'
import { rootOf, toWrapped, type WrapBinding } from '../../../src/model/wrapped.ts'
import { failsWith } from '../../temporary.ts'

const KEY_ID = '0193a73a-b400-7000-8000-000000000001'
const binding: WrapBinding = {
  tenant: parseTenantId('default'),
  keyId: parseKeyId(KEY_ID),
  version: parseVersionNumber(12),
  algorithm: 'aes256-gcm',
  purpose: 'encrypt',
}
const root = randomKeyMaterial(32)
const inner = randomKeyMaterial(32)
const refused = failsWith('DECRYPTION_FAILED')
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

/** docs/spec/wrapped-key.md: four bytes of length before each field. */
function lengthPrefixed(field: string | Uint8Array): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(Buffer.byteLength(field))
  return Buffer.concat([length, Buffer.from(field)])
}

const ROW = Buffer.concat(['default', KEY_ID, '12', 'aes256-gcm', 'encrypt'].map(lengthPrefixed))

for (const { generation, header, context } of [
  { generation: 1, header: '01', context: Buffer.concat([Buffer.from('coffre wrapped key v1\0\x01'), ROW]) },
  {
    generation: 70_000,
    header: '0200011170',
    context: Buffer.concat([
      Buffer.from('coffre wrapped key v2\0\x02'),
      lengthPrefixed(Buffer.from('00011170', 'hex')),
      ROW,
    ]),
  },
])
  describe(`a key under root ${generation}`, () => {
    const rootKey = { generation, key: root }
    const wrapped = wrapKey(rootKey, inner, binding)
    const headerBytes = header.length / 2

    test('is a header and a chunked message with its row as context', () => {
      assert.equal(hex(wrapped.subarray(0, headerBytes)), header)
      assert.equal(hex(openChunked(root, wrapped.subarray(headerBytes), context)), hex(rawBytes(inner)))
      assert.equal(rootOf(wrapped), generation)
    })
    test('is read where another wrote it so, of whatever length', () => {
      const pair = randomKeyMaterial(1_218)
      const body = sealChunked(root, rawBytes(pair), context)
      const written = toWrapped(Buffer.concat([Buffer.from(header, 'hex'), body]))
      assert.ok(unwrapKey(rootKey, written, binding).equals(pair))
    })
    test('is refused in another row, under another root, and with another header', () => {
      for (const other of [
        { tenant: parseTenantId('other') },
        { keyId: parseKeyId('0193a73a-b400-7000-8000-000000000002') },
        { version: parseVersionNumber(1) },
        { algorithm: 'fernet' },
        { purpose: 'wrap' },
      ] as const) {
        assert.throws(() => unwrapKey(rootKey, wrapped, { ...binding, ...other }), refused)
      }
      assert.throws(() => unwrapKey({ generation, key: randomKeyMaterial(32) }, wrapped, binding), refused)
      assert.throws(() => unwrapKey({ generation: generation + 1, key: root }, wrapped, binding), refused)
      for (const at of [0, headerBytes - 1, headerBytes, wrapped.length - 1]) {
        const copy = Buffer.from(wrapped)
        copy[at] = copy.readUInt8(at) ^ 2
        assert.throws(() => unwrapKey(rootKey, toWrapped(copy), binding), refused, `byte ${at}`)
      }
      for (const end of [0, headerBytes, wrapped.length - 1]) {
        assert.throws(() => unwrapKey(rootKey, toWrapped(wrapped.subarray(0, end)), binding), refused)
      }
    })
  })

test('the first root key does not read a blob without a number that says another format', () => {
  const wrapped = wrapKey({ generation: 1, key: root }, inner, binding)
  for (const format of [0, 3, 255]) {
    const copy = Buffer.from(wrapped)
    copy[0] = format
    assert.throws(() => unwrapKey({ generation: 1, key: root }, toWrapped(copy), binding), refused)
  }
})
