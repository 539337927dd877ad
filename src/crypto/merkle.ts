import { concat } from './bytes.ts'
import { sha256 } from './digest.ts'

/** RFC 6962, section 2.1, with SHA-256. */
const HASH_BYTES = 32
const LEAF = Uint8Array.of(0)
const NODE = Uint8Array.of(1)

const EMPTY_ROOT: Uint8Array = sha256(new Uint8Array(0))

export function leafHash(entry: Uint8Array): Uint8Array {
  return sha256(concat(LEAF, entry))
}

/** A tree that only grows, kept as the roots of its perfect subtrees from left to right. */
export interface Frontier {
  readonly size: number
  readonly roots: readonly Uint8Array[]
}

export const EMPTY_FRONTIER: Frontier = { size: 0, roots: [] }

/** A perfect subtree of 2^level leaves that an append has completed. */
export interface TreeNode {
  readonly level: number
  /** 0, 1, 2 … from the left, among those of its level. */
  readonly index: number
  readonly hash: Uint8Array
}

/** The frontier after more leaves. `onNode` hears of each subtree of two or more leaves that becomes perfect. */
export function appendLeaves(
  frontier: Frontier,
  leaves: readonly Uint8Array[],
  onNode?: (node: TreeNode) => void,
): Frontier {
  const roots = [...frontier.roots]
  let size = frontier.size
  for (const leaf of leaves) {
    let root = leaf
    let level = 0
    // Each trailing one bit of the size is a perfect subtree of equal height to join with.
    for (let rest = size; rest % 2 === 1; rest = Math.floor(rest / 2)) {
      root = nodeHash(pop(roots), root)
      level += 1
      onNode?.({ level, index: Math.floor(rest / 2), hash: root })
    }
    roots.push(root)
    size += 1
  }
  return { size, roots }
}

export function rootHash(frontier: Frontier): Uint8Array {
  const roots = [...frontier.roots]
  let root = roots.pop()
  if (root === undefined) return EMPTY_ROOT
  for (const left of roots.toReversed()) root = nodeHash(left, root)
  return root
}

export function encodeFrontier(frontier: Frontier): Uint8Array {
  return concat(...frontier.roots)
}

/** `undefined` where the bytes cannot be the frontier of a tree of `size` leaves. */
export function parseFrontier(size: number, bytes: Uint8Array): Frontier | undefined {
  if (!Number.isSafeInteger(size) || size < 0 || bytes.length !== countOnes(size) * HASH_BYTES)
    return undefined
  const roots: Uint8Array[] = []
  for (let offset = 0; offset < bytes.length; offset += HASH_BYTES) {
    roots.push(Uint8Array.from(bytes.subarray(offset, offset + HASH_BYTES)))
  }
  return { size, roots }
}

export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  return sha256(concat(NODE, left, right))
}

function pop(roots: Uint8Array[]): Uint8Array {
  const root = roots.pop()
  if (root === undefined) throw new Error('unreachable: the size says that there is a subtree')
  return root
}

function countOnes(size: number): number {
  return size.toString(2).replaceAll('0', '').length
}
