import { parseCheckpoint } from '../crypto/transparency/checkpoint.ts'
import {
  consistencyPath,
  inclusionPath,
  type LeafRange,
  verifyConsistency,
  verifyInclusion,
} from '../crypto/transparency/merkle-proof.ts'
import { formatConsistencyProof, formatInclusionProof } from '../crypto/transparency/proof-text.ts'
import { utf8 } from '../crypto/bytes.ts'
import { leafHash } from '../crypto/merkle.ts'
import type { ConsistencyProof, InclusionProof } from '../model/audit.ts'
import { CoffreError } from '../model/errors.ts'
import type { ReadStore } from '../store/store.ts'
import { TreeReader } from './tree-reader.ts'

/** Throws INVALID_REQUEST for an index outside, AUDIT_DAMAGED where the log gives no proof that verifies. */
export async function proveInclusion(
  store: ReadStore,
  index: number,
  asked: number | undefined,
): Promise<InclusionProof> {
  const size = await chooseSize(store, asked)
  requireWhole('index', index, { from: 0, to: size - 1 })
  const [record] = await store.readAuditRecords(index, 1)
  if (record?.index !== index) throw damaged(index)
  const tree = new TreeReader(store)
  const path = await hashRanges(tree, inclusionPath(index, size))
  const head = await tree.headAt(size)
  const leaf = leafHash(utf8(record.body))
  // A proof that does not verify would be held against the log for ever.
  if (!verifyInclusion({ index, leafHash: leaf, path }, head)) throw damaged(index)
  const checkpoint = await findNote(store, size, head.rootHash)
  const extra = utf8(record.body)
  return {
    index,
    size,
    rootHash: hex(head.rootHash),
    leafHash: hex(leaf),
    path: path.map(hex),
    body: record.body,
    ...(checkpoint === undefined ? {} : { text: formatInclusionProof({ index, extra, path, checkpoint }) }),
  }
}

/** As `proveInclusion`, for two sizes. */
export async function proveConsistency(
  store: ReadStore,
  from: number,
  asked: number | undefined,
): Promise<ConsistencyProof> {
  const to = await chooseSize(store, asked)
  requireWhole('from', from, { from: 0, to })
  const tree = new TreeReader(store)
  const [older, newer] = [await tree.headAt(from), await tree.headAt(to)]
  const path = await hashRanges(tree, from === 0 ? [] : consistencyPath(from, to))
  if (!verifyConsistency(older, newer, path)) throw damaged(from)
  const checkpoint = await findNote(store, to, newer.rootHash)
  return {
    from,
    to,
    fromRootHash: hex(older.rootHash),
    toRootHash: hex(newer.rootHash),
    path: path.map(hex),
    ...(checkpoint === undefined ? {} : { text: formatConsistencyProof({ from, path, checkpoint }) }),
  }
}

/** What was asked for; else the newest checkpoint, whose note makes the proof whole; else the whole log. */
async function chooseSize(store: ReadStore, asked: number | undefined): Promise<number> {
  const { size } = await store.readAuditHead()
  if (asked !== undefined) {
    requireWhole('size', asked, { from: 0, to: size })
    return asked
  }
  const [newest] = await store.readCheckpoints(1)
  return newest !== undefined && newest.size <= size ? newest.size : size
}

async function hashRanges(tree: TreeReader, ranges: readonly LeafRange[]): Promise<readonly Uint8Array[]> {
  const hashes: Uint8Array[] = []
  for (const range of ranges) hashes.push(await tree.rangeHash(range))
  return hashes
}

async function findNote(store: ReadStore, size: number, root: Uint8Array): Promise<string | undefined> {
  const found = await store.findCheckpoint(size)
  const signed = found === undefined ? undefined : parseCheckpoint(found.note)?.checkpoint
  return signed !== undefined && hex(signed.rootHash) === hex(root) ? found?.note : undefined
}

function requireWhole(
  at: string,
  value: number,
  bounds: { readonly from: number; readonly to: number },
): void {
  if (Number.isSafeInteger(value) && value >= bounds.from && value <= bounds.to) return
  throw new CoffreError('INVALID_REQUEST', { facts: { at, ...bounds } })
}

function damaged(index: number): CoffreError {
  return new CoffreError('AUDIT_DAMAGED', { facts: { index } })
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
