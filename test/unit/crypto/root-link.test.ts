import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openChunked, sealChunked } from '../../../src/crypto/chunked.ts'
import { rawBytes } from '../../../src/crypto/key-material.ts'
import { randomBytes, randomKeyMaterial } from '../../../src/crypto/random.ts'
import { unwrapFromSibling, unwrapRoot, wrapForSibling, wrapRoot } from '../../../src/crypto/root-link.ts'
import { toWrapped } from '../../../src/model/wrapped.ts'

// docs/spec/wrapped-key.md, "Root link" and "For a sibling process", by hand.

const LINK = Buffer.concat([
  Buffer.from('coffre root link v1\0\x01'),
  Buffer.from('00000001', 'hex'),
  Buffer.from('9'),
  Buffer.from('00000002', 'hex'),
  Buffer.from('10'),
])
const SIBLING = Buffer.from('coffre sibling v1\0\x01')
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const from = { generation: 9, key: randomKeyMaterial(32) }

test('a link is a format and a chunked message with both numbers as context', () => {
  const to = { generation: 10, key: randomKeyMaterial(32) }
  const link = wrapRoot(from, to)
  assert.deepEqual([link[0], link.length], [1, 1 + 24 + 32 + 32 + 16])
  assert.equal(hex(openChunked(from.key, link.subarray(1), LINK)), hex(rawBytes(to.key)))
})

test('a link that another wrote so is read', () => {
  const key = randomBytes(32)
  const link = toWrapped(Buffer.concat([Buffer.of(1), sealChunked(from.key, key, LINK)]))
  const opened = unwrapRoot(from, 10, link)
  assert.deepEqual([opened.generation, hex(rawBytes(opened.key))], [10, hex(key)])
})

test('a bundle holds each root key behind its number, in their order', () => {
  const transport = randomKeyMaterial(32)
  const roots = [70_000, 9].map((generation) => ({ generation, key: randomKeyMaterial(32) }))
  const plain = roots.map(({ key }, at) => (at === 0 ? '00011170' : '00000009') + hex(rawBytes(key))).join('')
  const bundle = wrapForSibling(transport, roots)
  assert.equal(bundle[0], 1)
  assert.equal(hex(openChunked(transport, bundle.subarray(1), SIBLING)), plain)
  const body = sealChunked(transport, Buffer.from(plain, 'hex'), SIBLING)
  const opened = unwrapFromSibling(transport, toWrapped(Buffer.concat([Buffer.of(1), body])))
  assert.deepEqual(
    opened.map(({ generation, key }) => [generation, hex(rawBytes(key))]),
    roots.map(({ generation, key }) => [generation, hex(rawBytes(key))]),
  )
})
