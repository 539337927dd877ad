import { appendLeaves, EMPTY_FRONTIER, type Frontier, rootHash } from '../crypto/merkle.ts'
import type { TreeHead } from '../crypto/transparency/checkpoint.ts'
import type { LeafRange } from '../crypto/transparency/merkle-proof.ts'
import { CoffreError } from '../model/errors.ts'
import type { ReadStore } from '../store/store.ts'

/** Every so many levels of the tree are stored: one hash for 256 of the level below. */
export const STORED_LEVEL_STEP = 8

/**
 * The tree over the stored hashes, read a few hundred at a time whatever its size. It does not look at bodies:
 * what it gives is worth as much as the signed root hash that it is compared with.
 */
export class TreeReader {
  readonly #store: ReadStore

  constructor(store: ReadStore) {
    this.#store = store
  }

  async headAt(size: number): Promise<TreeHead> {
    return { size, rootHash: rootHash(await this.frontierAt(size)) }
  }

  async frontierAt(size: number): Promise<Frontier> {
    return { size, roots: await this.#perfectRoots({ start: 0, end: size }) }
  }

  /** The root of the subtree over a range that a path of crypto/transparency/merkle-proof.ts names. */
  async rangeHash(range: LeafRange): Promise<Uint8Array> {
    const roots = await this.#perfectRoots(range)
    return rootHash({ size: range.end - range.start, roots })
  }

  /** From left to right. `start` is a multiple of every subtree's size, as in all paths. */
  async #perfectRoots({ start, end }: LeafRange): Promise<readonly Uint8Array[]> {
    const roots: Uint8Array[] = []
    let from = start
    while (from < end) {
      let level = 0
      while (2 ** (level + 1) <= end - from) level += 1
      roots.push(await this.#perfectRoot(level, from / 2 ** level))
      from += 2 ** level
    }
    return roots
  }

  async #perfectRoot(level: number, index: number): Promise<Uint8Array> {
    const below = level - (level % STORED_LEVEL_STEP)
    const width = 2 ** (level - below)
    return joinPerfect(await this.#storedRow({ level: below, from: index * width, count: width }))
  }

  async #storedRow(row: { level: number; from: number; count: number }): Promise<readonly Uint8Array[]> {
    const { level, from, count } = row
    const nodes = await this.#store.readAuditNodes({ level, from, limit: count })
    const found = new Map(nodes.map((node) => [node.index, node.hash]))
    const hashes: Uint8Array[] = []
    for (let index = from; index < from + count; index += 1) {
      hashes.push(found.get(index) ?? (await this.#computeStored(level, index)))
    }
    return hashes
  }

  /** A hash that no checkpoint has stored yet. */
  async #computeStored(level: number, index: number): Promise<Uint8Array> {
    if (level === 0) throw new CoffreError('AUDIT_DAMAGED', { facts: { index } })
    const count = 2 ** STORED_LEVEL_STEP
    const row = { level: level - STORED_LEVEL_STEP, from: index * count, count }
    return joinPerfect(await this.#storedRow(row))
  }
}

function joinPerfect(hashes: readonly Uint8Array[]): Uint8Array {
  return rootHash(appendLeaves(EMPTY_FRONTIER, hashes))
}
