import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, test } from 'node:test'
import {
  appendLeaves,
  EMPTY_FRONTIER,
  encodeFrontier,
  leafHash,
  parseFrontier,
  rootHash,
  type TreeNode,
} from '../../../src/crypto/merkle.ts'

const FILE = resolve(
  process.env['COFFRE_VECTORS'] ?? '../shared/vectors',
  'transparency/rfc6962_vectors.json',
)
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

/** RFC 6962, section 2.1, word for word and by recursion. */
function treeHash(entries: readonly Uint8Array[]): Uint8Array {
  const digest = (...parts: readonly Uint8Array[]) =>
    createHash('sha256').update(Buffer.concat(parts)).digest()
  const [first] = entries
  if (first === undefined) return digest()
  if (entries.length === 1) return digest(Uint8Array.of(0), first)
  let split = 1
  while (split * 2 < entries.length) split *= 2
  return digest(Uint8Array.of(1), treeHash(entries.slice(0, split)), treeHash(entries.slice(split)))
}

test('the published roots of RFC 6962 come out', { skip: !existsSync(FILE) && `no ${FILE}` }, () => {
  const vectors = JSON.parse(readFileSync(FILE, 'utf8')) as {
    leaves_hex: string[]
    roots_hex_by_size: string[]
  }
  const leaves = vectors.leaves_hex.map((leaf) => leafHash(Buffer.from(leaf, 'hex')))
  assert.equal(vectors.roots_hex_by_size.length, 9)
  for (const [size, root] of vectors.roots_hex_by_size.entries()) {
    assert.equal(hex(rootHash(appendLeaves(EMPTY_FRONTIER, leaves.slice(0, size)))), root)
  }
})

describe('a tree that grows', () => {
  const entries = Array.from({ length: 130 }, (_, index) => Buffer.from(`entry ${index}`))
  test('has the root of the definition at every size, in whatever steps it grew', () => {
    let grown = EMPTY_FRONTIER
    for (const [index, entry] of entries.entries()) {
      grown = appendLeaves(grown, [leafHash(entry)])
      assert.equal(hex(rootHash(grown)), hex(treeHash(entries.slice(0, index + 1))))
    }
    const half = appendLeaves(EMPTY_FRONTIER, entries.slice(0, 61).map(leafHash))
    assert.deepEqual(appendLeaves(half, entries.slice(61).map(leafHash)), grown)
  })
  test('goes on from its stored frontier', () => {
    const frontier = appendLeaves(EMPTY_FRONTIER, entries.slice(0, 77).map(leafHash))
    const again = parseFrontier(77, encodeFrontier(frontier))
    assert.ok(again !== undefined)
    const next = entries.slice(77).map(leafHash)
    assert.equal(hex(rootHash(appendLeaves(again, next))), hex(treeHash(entries)))
  })
  test('tells of each subtree that becomes whole, from below', () => {
    const told: [number, number, string][] = []
    const tell = ({ level, index, hash }: TreeNode) => told.push([level, index, hex(hash)])
    const grown = appendLeaves(EMPTY_FRONTIER, entries.slice(0, 3).map(leafHash), tell)
    appendLeaves(grown, entries.slice(3, 8).map(leafHash), tell)
    const whole = (level: number, index: number) => {
      const leaves = 2 ** level
      return [level, index, hex(treeHash(entries.slice(index * leaves, (index + 1) * leaves)))]
    }
    assert.deepEqual(told, [
      whole(1, 0),
      whole(1, 1),
      whole(2, 0),
      whole(1, 2),
      whole(1, 3),
      whole(2, 1),
      whole(3, 0),
    ])
  })
  test('is not continued from a frontier of another size', () => {
    const bytes = encodeFrontier(appendLeaves(EMPTY_FRONTIER, entries.slice(0, 3).map(leafHash)))
    for (const size of [0, 1, 2, 4, 7, -1, 1.5, Number.NaN])
      assert.equal(parseFrontier(size, bytes), undefined)
    assert.equal(parseFrontier(3, bytes.subarray(1)), undefined)
    // Of as many bytes as the digits of such a size would ask for.
    for (const [size, hashes] of [
      [-1, 2],
      [1.5, 3],
      [2 ** 53, 1],
      [Number.NaN, 3],
    ] as const) {
      assert.equal(parseFrontier(size, new Uint8Array(32 * hashes)), undefined, String(size))
    }
    assert.deepEqual(parseFrontier(0, new Uint8Array(0)), EMPTY_FRONTIER)
    assert.equal(parseFrontier(2 ** 53 - 1, new Uint8Array(32 * 53))?.roots.length, 53)
  })
})
