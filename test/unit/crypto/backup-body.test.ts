import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  BODY_PREFIX_BYTES,
  type BodyBinding,
  bodyIdOf,
  makeBackupKey,
  openBackupBody,
  openBackupRecord,
  sealBackupBody,
  sealBackupRecord,
} from '../../../src/crypto/backup-body.ts'
import type { PieceTransform } from '../../../src/crypto/chunked-pieces.ts'

const key = makeBackupKey()
const binding: BodyBinding = { id: Buffer.alloc(16, 5), header: '{"id":"x"}' }
const plain = Buffer.alloc(40_000, 'row of a table\n')

/** In pieces of `size` bytes. */
function pass(transform: PieceTransform, input: Uint8Array, size = 7_001): Buffer {
  const out: Uint8Array[] = []
  for (let at = 0; at < input.length; at += size) out.push(...transform.update(input.subarray(at, at + size)))
  out.push(transform.finish())
  return Buffer.concat(out)
}

describe('the body of a backup', () => {
  const body = pass(sealBackupBody(key, binding), plain)

  test('comes back whole, in pieces of any size, and says whose it is', () => {
    for (const size of [1, 19, 20, 21, 16_400, body.length]) {
      assert.deepEqual(pass(openBackupBody(key, binding), body, size), plain)
    }
    assert.deepEqual(Buffer.from(bodyIdOf(body) ?? []), Buffer.from(binding.id))
    assert.equal(bodyIdOf(body.subarray(0, BODY_PREFIX_BYTES - 1)), undefined)
    assert.deepEqual(
      pass(openBackupBody(key, binding), pass(sealBackupBody(key, binding), Buffer.alloc(0))),
      Buffer.alloc(0),
    )
  })

  test('of another key, id or header, cut, longer or changed is refused', () => {
    const failed = { code: 'DECRYPTION_FAILED' }
    const open = (bytes: Uint8Array, as: BodyBinding = binding) => pass(openBackupBody(key, as), bytes)
    assert.throws(() => pass(openBackupBody(makeBackupKey(), binding), body), failed)
    assert.throws(() => open(body, { ...binding, id: Buffer.alloc(16, 6) }), failed)
    assert.throws(() => open(body, { ...binding, header: '{"id":"y"}' }), failed)
    for (const length of [0, 19, 20, 75, 76, 100, 16_476, body.length - 1]) {
      assert.throws(() => open(body.subarray(0, length)), failed, `${length} bytes`)
    }
    assert.throws(() => open(Buffer.concat([body, Buffer.alloc(1)])), failed)
    for (let at = 0; at < body.length; at += 97) {
      const changed = Buffer.from(body)
      changed[at] = (changed[at] ?? 0) ^ 0x80
      assert.throws(() => open(changed), failed, `byte ${at}`)
    }
  })
})

test('the record of a backup opens with its own lines alone', () => {
  const lines = { header: binding.header, body: '{"sequence":1}' }
  const sealed = sealBackupRecord(key, lines, '{"plainBytes":1}')
  assert.equal(openBackupRecord(key, lines, sealed), '{"plainBytes":1}')
  const failed = { code: 'DECRYPTION_FAILED' }
  assert.throws(() => openBackupRecord(key, { ...lines, body: '{"sequence":2}' }, sealed), failed)
  assert.throws(() => openBackupRecord(key, { ...lines, header: '{"id":"z"}' }, sealed), failed)
  assert.throws(() => openBackupRecord(key, lines, `${sealed}=`), failed)
})
