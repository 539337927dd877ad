import { EMPTY_FRONTIER, nodeHash, rootHash as rootOf } from '../merkle.ts'
import type { TreeHead } from './checkpoint.ts'

/** Leaves `start` to `end - 1`; the subtree over them is the one of RFC 6962, section 2.1. */
export interface LeafRange {
  readonly start: number
  readonly end: number
}

/** A path in a tree of 2^53 leaves. */
const MAX_PATH_HASHES = 63

/** PATH(index, D[size]) of RFC 6962, section 2.1.1: from the leaf's sibling upwards. */
export function inclusionPath(index: number, size: number): readonly LeafRange[] {
  const path: LeafRange[] = []
  let range: LeafRange = { start: 0, end: size }
  while (range.end - range.start > 1) {
    const { left, right } = divide(range)
    const isLeft = index < left.end
    path.push(isLeft ? right : left)
    range = isLeft ? left : right
  }
  return path.toReversed()
}

/** PROOF(from, D[to]) of RFC 6962, section 2.1.2, for 0 < from <= to. */
export function consistencyPath(from: number, to: number): readonly LeafRange[] {
  const path: LeafRange[] = []
  let range: LeafRange = { start: 0, end: to }
  while (range.end !== from) {
    const { left, right } = divide(range)
    const isLeft = from <= left.end
    path.push(isLeft ? right : left)
    range = isLeft ? left : right
  }
  // The whole old tree is known to the reader by its root hash.
  if (range.start > 0) path.push(range)
  return path.toReversed()
}

/** The left one has the greatest power of two of leaves that is smaller than the range. */
function divide({ start, end }: LeafRange): { readonly left: LeafRange; readonly right: LeafRange } {
  let half = 1
  while (half * 2 < end - start) half *= 2
  return { left: { start, end: start + half }, right: { start: start + half, end } }
}

export interface Inclusion {
  readonly index: number
  readonly leafHash: Uint8Array
  readonly path: readonly Uint8Array[]
}

/** RFC 9162, section 2.1.3.2. */
export function verifyInclusion(inclusion: Inclusion, head: TreeHead): boolean {
  const { index, leafHash, path } = inclusion
  if (!isCount(head.size) || !isCount(index) || index >= head.size || path.length > MAX_PATH_HASHES)
    return false
  let fn = index
  let sn = head.size - 1
  let root = leafHash
  for (const hash of path) {
    if (sn === 0) return false
    if (fn % 2 === 1 || fn === sn) {
      root = nodeHash(hash, root)
      while (fn % 2 === 0 && fn !== 0) [fn, sn] = [half(fn), half(sn)]
    } else root = nodeHash(root, hash)
    ;[fn, sn] = [half(fn), half(sn)]
  }
  return sn === 0 && isEqual(root, head.rootHash)
}

/** RFC 9162, section 2.1.4.2. From an empty tree everything follows, so only an empty path is right. */
export function verifyConsistency(older: TreeHead, newer: TreeHead, path: readonly Uint8Array[]): boolean {
  if (!isCount(older.size) || !isCount(newer.size) || older.size > newer.size) return false
  if (path.length > MAX_PATH_HASHES) return false
  if (older.size === newer.size) return path.length === 0 && isEqual(older.rootHash, newer.rootHash)
  if (older.size === 0) return path.length === 0 && isEqual(older.rootHash, rootOf(EMPTY_FRONTIER))
  const [first, ...rest] = isPowerOfTwo(older.size) ? [older.rootHash, ...path] : path
  if (first === undefined) return false
  return followConsistency({ older, newer, first, rest })
}

interface ConsistencyWalk {
  readonly older: TreeHead
  readonly newer: TreeHead
  readonly first: Uint8Array
  readonly rest: readonly Uint8Array[]
}

function followConsistency({ older, newer, first, rest }: ConsistencyWalk): boolean {
  let fn = older.size - 1
  let sn = newer.size - 1
  while (fn % 2 === 1) [fn, sn] = [half(fn), half(sn)]
  let [oldRoot, newRoot] = [first, first]
  for (const hash of rest) {
    if (sn === 0) return false
    if (fn % 2 === 1 || fn === sn) {
      oldRoot = nodeHash(hash, oldRoot)
      newRoot = nodeHash(hash, newRoot)
      while (fn % 2 === 0 && fn !== 0) [fn, sn] = [half(fn), half(sn)]
    } else newRoot = nodeHash(newRoot, hash)
    ;[fn, sn] = [half(fn), half(sn)]
  }
  return sn === 0 && isEqual(oldRoot, older.rootHash) && isEqual(newRoot, newer.rootHash)
}

/** Shifts of JavaScript end at 32 bits. */
function half(value: number): number {
  return Math.floor(value / 2)
}

function isPowerOfTwo(value: number): boolean {
  let rest = value
  while (rest % 2 === 0) rest /= 2
  return rest === 1
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}

function isEqual(left: Uint8Array, right: Uint8Array): boolean {
  return Buffer.compare(left, right) === 0
}
