import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { appendLeaves, EMPTY_FRONTIER, leafHash, rootHash } from '../../src/crypto/merkle.ts'
import type { TreeHead } from '../../src/crypto/transparency/checkpoint.ts'
import {
  type Inclusion,
  verifyConsistency,
  verifyInclusion,
} from '../../src/crypto/transparency/merkle-proof.ts'

const folder =
  process.env['COFFRE_VECTORS'] ?? join(import.meta.dirname, '..', '..', '..', 'shared', 'vectors')
const path = join(folder, 'transparency', 'rfc6962_vectors.json')
const skip = existsSync(path) ? false : `the vectors are absent: ${path}`

interface VectorFile {
  readonly leaves_hex: readonly string[]
  readonly roots_hex_by_size: readonly string[]
  readonly inclusion_1based_leaf: readonly {
    readonly leaf: number
    readonly size: number
    readonly proof: string[]
  }[]
  readonly consistency: readonly {
    readonly size1: number
    readonly size2: number
    readonly proof: string[]
  }[]
}

const vectors: VectorFile =
  skip === false
    ? JSON.parse(readFileSync(path, 'utf8'))
    : { leaves_hex: [], roots_hex_by_size: [], inclusion_1based_leaf: [], consistency: [] }
const fromHex = (hex: string): Uint8Array => Buffer.from(hex, 'hex')
const leaves = vectors.leaves_hex.map((hex) => leafHash(fromHex(hex)))
const garbage = new Uint8Array(32).fill(7)

function headOf(size: number): TreeHead {
  return { size, rootHash: fromHex(vectors.roots_hex_by_size[size] ?? '') }
}

function flipBit(hash: Uint8Array, bit: number): Uint8Array {
  const bytes = Uint8Array.from(hash)
  bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7))
  return bytes
}

/** The ways in which upstream spoils a path: garbage around it, roots in it, parts more, fewer, or changed. */
function* spoiledPaths(good: readonly Uint8Array[], root: Uint8Array): Generator<readonly Uint8Array[]> {
  yield [...good, new Uint8Array(0)]
  yield [...good, garbage]
  yield [...good, root]
  yield [garbage, ...good]
  yield [root, ...good]
  for (const [at, hash] of good.entries()) {
    yield good.toSpliced(at, 1)
    yield good.toSpliced(at, 0, new Uint8Array(0))
    yield good.toSpliced(at, 0, garbage)
    for (let bit = 0; bit < 256; bit += 1) yield good.with(at, flipBit(hash, bit))
  }
  if (good.length > 0) yield good.slice(0, -1)
  if (good.length > 0) yield []
}

function* spoiledSizes(size: number): Generator<number> {
  yield* [size - 1, size + 1, size ^ 2, size * 2, Math.floor(size / 2), -1, 0.5, Number.NaN, 2 ** 53]
}

describe('the RFC 6962 vectors', { skip }, () => {
  test('have the roots that we compute', () => {
    assert.equal(vectors.roots_hex_by_size.length, 9)
    for (const [size, root] of vectors.roots_hex_by_size.entries()) {
      const computed = rootHash(appendLeaves(EMPTY_FRONTIER, leaves.slice(0, size)))
      assert.equal(Buffer.from(computed).toString('hex'), root, `size ${size}`)
    }
  })

  test('include what they say, and nothing that was changed', () => {
    assert.equal(vectors.inclusion_1based_leaf.length, 5)
    let refused = 0
    for (const { leaf, size, proof } of vectors.inclusion_1based_leaf) {
      const head = headOf(size)
      const good: Inclusion = {
        index: leaf - 1,
        leafHash: leaves[leaf - 1] ?? garbage,
        path: proof.map(fromHex),
      }
      assert.equal(verifyInclusion(good, head), true, `leaf ${leaf} of ${size}`)
      for (const [bad, at] of spoiledInclusions(good, head)) {
        assert.equal(verifyInclusion(bad, at), false, JSON.stringify({ leaf, size, bad, at }))
        refused += 1
      }
    }
    console.log(`vectors: rfc6962 inclusion: 5 accepted, ${refused} mutated ones refused`)
  })

  test('are consistent where they say, and nowhere after a change', () => {
    assert.equal(vectors.consistency.length, 5)
    let refused = 0
    for (const { size1, size2, proof } of vectors.consistency) {
      const [older, newer, good] = [headOf(size1), headOf(size2), proof.map(fromHex)]
      assert.equal(verifyConsistency(older, newer, good), true, `${size1} to ${size2}`)
      for (const [first, second, bad] of spoiledConsistencies(older, newer, good)) {
        assert.equal(
          verifyConsistency(first, second, bad),
          false,
          JSON.stringify({ size1, size2, first, second, bad }),
        )
        refused += 1
      }
    }
    console.log(`vectors: rfc6962 consistency: 5 accepted, ${refused} mutated ones refused`)
  })
})

function* spoiledInclusions(good: Inclusion, head: TreeHead): Generator<[Inclusion, TreeHead]> {
  const { index, path: proof } = good
  for (const other of [index - 1, index + 1, index ^ 2, -1, 0.5, Number.NaN]) {
    // Of one leaf alone every path is empty, and so is every other index refused.
    yield [{ ...good, index: other }, head]
  }
  // The path does not bind the size where it goes the same ways; upstream leaves those out too.
  for (const size of spoiledSizes(head.size)) {
    if (!goesTheSameWay(index, head.size, size)) yield [good, { ...head, size }]
  }
  yield [{ ...good, leafHash: leafHash(Buffer.from('WrongLeaf')) }, head]
  yield [good, { ...head, rootHash: new Uint8Array(0) }]
  yield [good, { ...head, rootHash: garbage }]
  for (const bad of spoiledPaths(proof, head.rootHash)) yield [{ ...good, path: bad }, head]
}

/** Whether the path of `index` turns in a tree of `other` leaves as in one of `size`. */
function goesTheSameWay(index: number, size: number, other: number): boolean {
  const turns = (count: number): string => {
    let text = ''
    let [fn, sn] = [index, count - 1]
    for (; sn > 0; [fn, sn] = [fn >> 1, sn >> 1]) {
      if (fn % 2 === 1 || fn === sn) {
        text += 'L'
        while (fn % 2 === 0 && fn !== 0) [fn, sn] = [fn >> 1, sn >> 1]
      } else text += 'R'
    }
    return text
  }
  return Number.isSafeInteger(other) && other > index && turns(size) === turns(other)
}

function* spoiledConsistencies(
  older: TreeHead,
  newer: TreeHead,
  good: readonly Uint8Array[],
): Generator<[TreeHead, TreeHead, readonly Uint8Array[]]> {
  const wrong = [new Uint8Array(0), garbage]
  for (const size of spoiledSizes(older.size)) yield [{ ...older, size }, newer, good]
  for (const size of spoiledSizes(newer.size)) {
    if (older.size === newer.size || !goesTheSameWay(older.size - 1, newer.size, size)) {
      yield [older, { ...newer, size }, good]
    }
  }
  for (const root of wrong) yield [{ ...older, rootHash: root }, newer, good]
  for (const root of wrong) yield [older, { ...newer, rootHash: root }, good]
  if (older.size !== newer.size) {
    yield [{ ...older, rootHash: newer.rootHash }, { ...newer, rootHash: older.rootHash }, good]
  }
  for (const bad of spoiledPaths(good, newer.rootHash)) yield [older, newer, bad]
  for (const bad of spoiledPaths(good, older.rootHash)) yield [older, newer, bad]
}
