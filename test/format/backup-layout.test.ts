import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import {
  LAYOUT_HEAD_BYTES,
  LAYOUT_TAG_BYTES,
  LayoutOpener,
  parseLayoutKey,
  readLayoutHead,
  sealLayout,
} from '../../src/crypto/backup-layout.ts'
import { rawBytes } from '../../src/crypto/key-material.ts'

const KEY = Buffer.from(Array.from({ length: 32 }, (_, at) => at))
const PLAINTEXT = '-- PostgreSQL database dump\nSELECT 1;\n'
const LAYOUT_A = Buffer.from(
  '00000001000102030405060708090a0b1334494897ba6cbce63020dace8f548f5889de1bc5e5c21b8f42445ee4e1b042ad9fa87efd75ab2d702ec9cc51232cfc54588731822118ee81d50ae3d9b79cdeec598ee142a085da3f97',
  'hex',
)
const LAYOUT_C = Buffer.from(
  '00000001000102030405060708090a0bfd2b74d69f1060adc2124a3c688fc66bfa99dd5aff92af22a526b32ce83275ed1676a6b54a0c506cb52e8776bab91efad589b7185e2ba773ae99c5122762406424067d6b76511043dac1',
  'hex',
)

function keyOf(value: string | Uint8Array) {
  const parsed = parseLayoutKey(value)
  assert.ok(parsed !== undefined)
  return parsed
}

function open(file: Buffer, value: string | Uint8Array, tagAt: number): Buffer {
  const iv = readLayoutHead(file, file.length)
  assert.ok(iv !== undefined)
  const body = Buffer.concat([
    file.subarray(LAYOUT_HEAD_BYTES, tagAt),
    file.subarray(tagAt + LAYOUT_TAG_BYTES),
  ])
  const opener = new LayoutOpener(keyOf(value).key, iv, file.subarray(tagAt, tagAt + LAYOUT_TAG_BYTES))
  const plain = opener.update(body)
  opener.finish()
  return gunzipSync(plain)
}

describe('the layouts of IMP-008', () => {
  test('A opens, and is written byte for byte', () => {
    assert.equal(open(LAYOUT_A, KEY, LAYOUT_HEAD_BYTES).toString(), PLAINTEXT)
    const sealing = sealLayout(keyOf(KEY).key, LAYOUT_A.subarray(4, 16))
    const opener = new LayoutOpener(keyOf(KEY).key, LAYOUT_A.subarray(4, 16), LAYOUT_A.subarray(16, 32))
    const gzip = opener.update(LAYOUT_A.subarray(32))
    opener.finish()
    const body = sealing.update(gzip)
    assert.deepEqual(Buffer.concat([sealing.head, sealing.tag(), body]), LAYOUT_A)
  })

  test('C opens under the SHA-256 of a text', () => {
    const legacy = 'sha256:correct-horse-battery-staple-backup'
    const tagAt = LAYOUT_C.length - LAYOUT_TAG_BYTES
    assert.equal(open(LAYOUT_C, legacy, tagAt).toString(), PLAINTEXT)
    assert.equal(keyOf(legacy).isForReading, true)
  })

  test('a flipped bit of the IV, the tag or the ciphertext does not open', () => {
    for (let at = 4; at < LAYOUT_A.length; at += 1) {
      const changed = Buffer.from(LAYOUT_A)
      changed[at] = (changed[at] ?? 0) ^ 1
      assert.throws(() => open(changed, KEY, LAYOUT_HEAD_BYTES), { code: 'DECRYPTION_FAILED' }, `byte ${at}`)
    }
  })

  test('every written file has an IV of its own', () => {
    const heads = Array.from({ length: 100 }, () =>
      Buffer.from(sealLayout(keyOf(KEY).key).head).toString('hex'),
    )
    assert.equal(new Set(heads).size, heads.length)
  })

  test('a head of another version, a short file and one above 64 GiB are none', () => {
    assert.equal(readLayoutHead(Buffer.from('3028af2c'.padEnd(32, '0'), 'hex'), 75), undefined)
    assert.equal(readLayoutHead(LAYOUT_A, LAYOUT_HEAD_BYTES + LAYOUT_TAG_BYTES - 1), undefined)
    assert.throws(() => readLayoutHead(LAYOUT_A, 2 ** 36 + 1), { code: 'LIMIT_EXCEEDED' })
  })
})

test('BACKUP_ENCRYPTION_KEY has these forms and no other', () => {
  const accepted = [KEY.toString('hex'), KEY.toString('base64'), KEY.toString('base64url'), KEY]
  for (const value of [...accepted, Buffer.from(`${KEY.toString('hex')}\n`)]) {
    const { key, isForReading } = keyOf(value)
    assert.deepEqual(Buffer.from(rawBytes(key)), KEY)
    assert.equal(isForReading, false)
  }
  const repeated = Buffer.alloc(32, 7)
  for (const value of [repeated, repeated.toString('hex'), repeated.toString('base64')])
    assert.equal(keyOf(value).isForReading, true)
  const refused = [
    'your-32-byte-key-here',
    '',
    KEY.toString('hex').slice(1),
    `${KEY.toString('hex')}0`,
    KEY.toString('base64').slice(0, -2),
    `${KEY.toString('base64url').slice(0, -1)}9`,
    'sha256:too short',
    'a text of 32 characters, no more',
    KEY.subarray(1),
  ]
  for (const value of refused) assert.equal(parseLayoutKey(value), undefined, String(value))
})
