import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  countSealedBytes,
  layBlocks,
  splitIntoRuns,
  takePlaintext,
  takeSlab,
} from '../../../src/crypto/fernet-slab.ts'
import { assertCode } from './fernet-sample.ts'

const SLAB = 96 * 1024

test('items share a run as long as they fit into a slab', () => {
  const split = (...sizes: readonly number[]) =>
    splitIntoRuns(sizes, (size) => size).map(({ items, bytes }) => [items, bytes])
  assert.deepEqual(split(), [])
  assert.deepEqual(split(1, 2, 3), [[[1, 2, 3], 6]])
  assert.deepEqual(split(SLAB - 1, 1), [[[SLAB - 1, 1], SLAB]])
  assert.deepEqual(split(SLAB - 1, 2, 5), [
    [[SLAB - 1], SLAB - 1],
    [[2, 5], 7],
  ])
  assert.deepEqual(split(1, SLAB + 1, 1), [
    [[1], 1],
    [[SLAB + 1], SLAB + 1],
    [[1], 1],
  ])
})

test('a slab is shared up to its size', () => {
  assert.equal(takeSlab(1), takeSlab(SLAB))
  assert.notEqual(takeSlab(SLAB + 1), takeSlab(SLAB + 1))
  assert.equal(takeSlab(SLAB + 1).length, SLAB + 1)
})

test('a string counts as its UTF-8, padded to whole blocks behind the random one', () => {
  for (const [plaintext, bytes] of [
    ['', 32],
    ['é'.repeat(7), 32],
    ['é'.repeat(8), 48],
    ['a'.repeat(15), 32],
    ['a'.repeat(16), 48],
    [new Uint8Array(16), 48],
  ] as const) {
    assert.equal(countSealedBytes(plaintext), bytes)
  }
  assertCode('LIMIT_EXCEEDED', 'plaintext', () => countSealedBytes('é'.repeat(8 * 1024 * 1024 + 1)))
})

test('blocks come back without their padding, and not with a wrong one', () => {
  const fill = (target: Uint8Array, offset: number, length: number) =>
    void target.fill(9, offset, offset + length)
  for (const text of ['', 'a', 'a'.repeat(15), 'a'.repeat(16), 'é']) {
    const blocks = Buffer.alloc(80, 1)
    const end = layBlocks(blocks, 5, { plaintext: text, fill })
    assert.equal(end, 5 + countSealedBytes(text))
    assert.deepEqual([...blocks.subarray(5, 21)], Array(16).fill(9))
    assert.deepEqual([...blocks.subarray(0, 5)], Array(5).fill(1))
    assert.equal(String(takePlaintext(blocks, 5, end)), text)
    assert.deepEqual([...blocks.subarray(5, 21)], Array(16).fill(0))
  }
  const padded = (...end: readonly number[]) => {
    const blocks = Buffer.alloc(32, 7)
    blocks.set(end, 32 - end.length)
    return takePlaintext(blocks, 0, 32)
  }
  assert.equal(padded(1).length, 15)
  assert.equal(padded(...Array(16).fill(16)).length, 0)
  for (const end of [[0], [17], [1, 2], [3, 2, 3], Array(17).fill(17)])
    assert.equal(padded(...end), 'padding')
})
