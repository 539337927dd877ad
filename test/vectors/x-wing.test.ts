import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { KeyMaterial, rawBytes } from '../../src/crypto/key-material.ts'
import {
  ENCAPSULATED_BYTES,
  PUBLIC_BYTES,
  xWingDecapsulate,
  xWingEncapsulate,
  xWingPublicKey,
} from '../../src/crypto/x-wing.ts'

const FILE = join(
  process.env['COFFRE_VECTORS'] ?? join(import.meta.dirname, '../../../shared/vectors'),
  'xwing/spec/test-vectors.json',
)

interface Case {
  readonly seed: string
  readonly pk: string
  readonly ct: string
  readonly ss: string
}

const bytes = (hex: string) => Buffer.from(hex, 'hex')

test('X-Wing makes the public keys of the draft and opens what it encapsulates', {
  skip: existsSync(FILE) ? false : 'no X-Wing vectors; put them at ../shared/vectors or set COFFRE_VECTORS',
}, () => {
  const cases: readonly Case[] = JSON.parse(readFileSync(FILE, 'utf8'))
  assert.ok(cases.length > 0)
  for (const { seed, pk, ct, ss } of cases) {
    const secret = new KeyMaterial(bytes(seed))
    assert.deepEqual(Buffer.from(xWingPublicKey(secret)), bytes(pk))
    assert.deepEqual(Buffer.from(rawBytes(xWingDecapsulate(secret, bytes(ct)))), bytes(ss))
  }
  console.log(`vectors: xwing: run ${cases.length}, passed ${cases.length}, not expressible 0`)
})

describe('X-Wing', () => {
  const seed = new KeyMaterial(Buffer.alloc(32, 7))
  const publicKey = xWingPublicKey(seed)

  test('gives both sides one secret, another one each time', () => {
    const first = xWingEncapsulate(publicKey)
    const second = xWingEncapsulate(publicKey)
    assert.equal(first.encapsulated.length, ENCAPSULATED_BYTES)
    assert.ok(xWingDecapsulate(seed, first.encapsulated).equals(first.shared))
    assert.ok(!first.shared.equals(second.shared))
  })

  test('gives another secret for a changed byte anywhere, and for another seed', () => {
    const { encapsulated, shared } = xWingEncapsulate(publicKey)
    assert.ok(!xWingDecapsulate(new KeyMaterial(Buffer.alloc(32, 8)), encapsulated).equals(shared))
    for (let at = 0; at < encapsulated.length; at += 37) {
      const changed = Buffer.from(encapsulated)
      changed[at] = (changed[at] ?? 0) ^ 1
      assert.ok(!xWingDecapsulate(seed, changed).equals(shared), `byte ${at}`)
    }
  })

  test('refuses other lengths, keys that are not reduced and points of low order', () => {
    const refused = { name: 'CoffreError', code: 'KEY_REFUSED' }
    assert.throws(() => xWingPublicKey(new KeyMaterial(Buffer.alloc(31))), refused)
    assert.throws(() => xWingEncapsulate(publicKey.subarray(1)), refused)
    assert.throws(() => xWingDecapsulate(seed, Buffer.alloc(ENCAPSULATED_BYTES - 1)), refused)
    const unreduced = Buffer.from(publicKey).fill(0xff, 0, 3)
    assert.throws(() => xWingEncapsulate(unreduced), refused)
    const zeroPoint = Buffer.from(publicKey).fill(0, PUBLIC_BYTES - 32)
    assert.throws(() => xWingEncapsulate(zeroPoint), refused)
    const { encapsulated } = xWingEncapsulate(publicKey)
    const low = Buffer.from(encapsulated).fill(0, ENCAPSULATED_BYTES - 32)
    assert.throws(() => xWingDecapsulate(seed, low), refused)
  })
})
