import { setImmediate } from 'node:timers/promises'
import { encodeFrontier, rootHash, type TreeNode } from '../crypto/merkle.ts'
import { parseCheckpoint } from '../crypto/transparency/checkpoint.ts'
import { judgeNote, parseVerifierKey } from '../crypto/transparency/signed-note.ts'
import type { AuditFinding, AuditVerification, AuditVerifyOptions } from '../model/audit.ts'
import { CoffreError, hasCode } from '../model/errors.ts'
import type { AuditHead, Store, StoredAuditRecord } from '../store/store.ts'
import { LogCheck, type LogFault } from './check-log.ts'
import type { CheckpointCopy } from './checkpoint/checkpoint-copy.ts'
import { readCopy } from './checkpoint/compare-copy.ts'
import { currentLine } from './checkpoint/history.ts'
import { findIdentity, type LogIdentity } from './checkpoint/signing-key.ts'
import { checkStoredCheckpoints } from './checkpoint/stored-checkpoints.ts'
import { STORED_LEVEL_STEP } from './tree-reader.ts'
import { findDisagreement, type Vouching } from './vouching.ts'

const PAGE = 1_000

export interface VerifyOptions extends AuditVerifyOptions {
  /** Absent where this process keeps none. */
  readonly copy?: CheckpointCopy
}

/**
 * Recomputes the log from its bodies up to the head of this moment, and names the first record that does not
 * fit (docs/spec/audit-log.md, "Verifying"); then compares it with every checkpoint at hand. Others may append
 * meanwhile.
 */
export async function verifyLog(store: Store, options: VerifyOptions = {}): Promise<AuditVerification> {
  const identity = await findIdentity(store)
  const given = readGiven(options, identity)
  const { history, finding } = await readCopy(options.copy, identity)
  const stored = await checkStoredCheckpoints(store, identity)
  const copied = currentLine(history.kept).map(({ checkpoint }) => checkpoint)
  // Each source by itself: what the database says of itself does not vouch for where a fork began.
  const sources = [stored.checkpoints, copied, given]
  const vouching = sources.flat()
  const head = await store.readAuditHead()
  const findings: AuditFinding[] = finding === undefined ? [] : [finding]
  const walked = await walkLog(store, head, { signedSize: stored.newest, vouching })
  const compared = { ...walked, origin: identity?.origin, head }
  const disagreements = sources.map((source) => findDisagreement({ ...compared, vouching: source }))
  const fault = walked.fault ?? stored.fault ?? disagreements.find((found) => found !== undefined)
  if (fault !== undefined) return { ...bad(head, fault), findings }
  const signedSize = vouching.reduce((most, { size }) => Math.max(most, size), -1)
  if (signedSize < 0 && head.size > 0) findings.push('unsigned')
  const answer = { valid: true, size: head.size, rootHash: hex(head.rootHash), findings }
  return signedSize < 0 ? answer : { ...answer, signedSize }
}

/** The checkpoint that an auditor kept, once its signature is known to be good. */
function readGiven(options: AuditVerifyOptions, identity: LogIdentity | undefined): readonly Vouching[] {
  const { checkpoint: text, verifierKeys } = options
  if (text === undefined) return []
  const parsed = parseCheckpoint(text)
  if (parsed === undefined) throw refused('checkpoint', 'a signed note of a checkpoint')
  const keys = verifierKeys?.map(
    (key) =>
      parseVerifierKey(key) ?? refuse('verifierKeys', 'name+hash+key, as `coffre audit key list` shows'),
  )
  if (judgeNote(parsed.note, keys ?? identity?.keys ?? []) !== 'signed') {
    throw new CoffreError('SIGNATURE_INVALID', { facts: { at: 'checkpoint' } })
  }
  return [parsed.checkpoint]
}

interface Walk {
  /** Up to this size every complete subtree has its stored hash. */
  readonly signedSize: number
  readonly vouching: readonly Vouching[]
}

interface Walked {
  readonly roots: ReadonlyMap<number, Uint8Array>
  readonly fault?: LogFault
}

async function walkLog(store: Store, head: AuditHead, walk: Walk): Promise<Walked> {
  const roots = new Map<number, Uint8Array>()
  let nodes: TreeNode[] = []
  const check = new LogCheck({
    sizes: walk.vouching.map(({ size }) => size),
    onRoot: (size, root) => roots.set(size, root),
    onNode: (node) => {
      if (node.level % STORED_LEVEL_STEP === 0) nodes.push(node)
    },
  })
  while (check.frontier.size < head.size) {
    const from = check.frontier.size
    const records = await readPage(store, from, Math.min(PAGE, head.size - from))
    if (records.length === 0) return { roots, fault: { index: from, reason: 'missing' } }
    const fault = check.add(records) ?? (await findWrongNode(store, nodes, walk.signedSize))
    if (fault !== undefined) return { roots, fault }
    nodes = []
    await setImmediate()
  }
  const whole =
    hex(rootHash(check.frontier)) === hex(head.rootHash) &&
    hex(encodeFrontier(check.frontier)) === hex(head.frontier)
  if (!whole) return { roots, fault: { reason: 'head' } }
  const stray = await findStray(store)
  return stray === undefined ? { roots } : { roots, fault: stray }
}

/** One row that does not even read must not hide which one it is. */
async function readPage(store: Store, from: number, limit: number): Promise<readonly StoredAuditRecord[]> {
  try {
    return await store.readAuditRecords(from, limit)
  } catch (error) {
    if (!hasCode(error, 'STORE_DAMAGED')) throw error
    return store.readAuditRecords(from, 1).catch(() => [])
  }
}

async function findWrongNode(
  store: Store,
  nodes: readonly TreeNode[],
  signedSize: number,
): Promise<LogFault | undefined> {
  for (const node of nodes) {
    const index = node.index * 2 ** node.level
    const mayLack = index + 2 ** node.level > signedSize
    if (!(await isStored(store, node, mayLack))) return { index, reason: 'tree' }
  }
  return undefined
}

async function isStored(store: Store, { level, index, hash }: TreeNode, mayLack: boolean): Promise<boolean> {
  try {
    const [found] = await store.readAuditNodes({ level, from: index, limit: 1 })
    return found?.index === index ? hex(found.hash) === hex(hash) : mayLack
  } catch (error) {
    if (!hasCode(error, 'STORE_DAMAGED')) throw error
    return false
  }
}

/**
 * The first record that no head covers, or a stored hash that no subtree has. One transaction, so that an append
 * cannot come between the reads.
 */
function findStray(store: Store): Promise<LogFault | undefined> {
  return store.transaction(async (tx) => {
    const { size } = await tx.readAuditHead()
    const [stray] = await tx.readAuditRecords(size, 1)
    if (stray !== undefined) return { index: stray.index, reason: 'behind the head' }
    const [before] = await tx.readAuditRecords(Number.MIN_SAFE_INTEGER, 1)
    if (before !== undefined && before.index < 0) return { index: 0, reason: 'before the first' }
    let possible = 0
    for (let width = 2 ** STORED_LEVEL_STEP; width <= size; width *= 2 ** STORED_LEVEL_STEP) {
      possible += Math.floor(size / width)
    }
    return (await tx.countAuditNodes()) > possible ? { reason: 'tree' } : undefined
  })
}

function bad(head: AuditHead, fault: LogFault): Omit<AuditVerification, 'findings'> {
  const answer = { valid: false, size: head.size, rootHash: hex(head.rootHash), reason: fault.reason }
  return fault.index === undefined ? answer : { ...answer, firstBadIndex: fault.index }
}

function refuse(at: string, expected: string): never {
  throw refused(at, expected)
}

function refused(at: string, expected: string): CoffreError {
  return new CoffreError('INVALID_REQUEST', { facts: { at, expected } })
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
