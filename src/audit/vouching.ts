import type { TreeHead } from '../crypto/transparency/checkpoint.ts'
import type { LogFault } from './check-log.ts'

/** A checkpoint that the log has to agree with. */
export interface Vouching extends TreeHead {
  readonly origin: string
}

export interface Compared {
  readonly head: TreeHead
  /** Of the key that signs; absent before there was one. */
  readonly origin: string | undefined
  /** The recomputed root hashes by size. */
  readonly roots: ReadonlyMap<number, Uint8Array>
  readonly vouching: readonly Vouching[]
}

/** The first checkpoint, by size, that the log does not agree with. */
export function findDisagreement({ head, origin, roots, vouching }: Compared): LogFault | undefined {
  let agreed = 0
  for (const checkpoint of vouching.toSorted((left, right) => left.size - right.size)) {
    if (origin !== undefined && checkpoint.origin !== origin) return { index: agreed, reason: 'forked' }
    if (checkpoint.size > head.size) return { index: head.size, reason: 'rolled back' }
    const root = roots.get(checkpoint.size)
    if (root === undefined || Buffer.compare(root, checkpoint.rootHash) !== 0)
      return { index: agreed, reason: 'forked' }
    agreed = checkpoint.size
  }
  return undefined
}
