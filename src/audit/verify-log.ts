import { appendLeaves, EMPTY_FRONTIER, encodeFrontier, leafHash, rootHash } from '../crypto/merkle.ts'
import { utf8 } from '../crypto/bytes.ts'
import type { AuditVerification } from '../model/coffre.ts'
import type { ReadStore, StoredAuditRecord } from '../store/store.ts'

const PAGE = 1_000
const NO_PREVIOUS = '0'.repeat(64)

/**
 * Recomputes the whole log from its bodies and names the first record that does not fit
 * (docs/spec/audit-log.md, "Verifying").
 */
export async function verifyLog(store: ReadStore): Promise<AuditVerification> {
  const head = await store.readAuditHead()
  let frontier = EMPTY_FRONTIER
  let previous = NO_PREVIOUS
  while (frontier.size <= head.size) {
    const from = frontier.size
    const records = await store.readAuditRecords(from, PAGE)
    for (const [offset, record] of records.entries()) {
      const fault = findFault(record, { index: from + offset, previous, size: head.size })
      if (fault !== undefined) return bad(head, fault)
      previous = hex(record.leafHash)
    }
    frontier = appendLeaves(
      frontier,
      records.map((record) => record.leafHash),
    )
    if (records.length < PAGE) break
  }
  if (frontier.size < head.size) return bad(head, { index: frontier.size, reason: 'missing' })
  const root = rootHash(frontier)
  const whole = hex(root) === hex(head.rootHash) && hex(encodeFrontier(frontier)) === hex(head.frontier)
  if (!whole) return bad(head, { reason: 'head' })
  return { valid: true, size: head.size, rootHash: hex(root) }
}

interface Expected {
  readonly index: number
  readonly previous: string
  readonly size: number
}

interface Fault {
  readonly index?: number
  readonly reason: string
}

function findFault(record: StoredAuditRecord, expected: Expected): Fault | undefined {
  const { index } = expected
  if (record.index !== index) return { index, reason: 'missing' }
  if (index >= expected.size) return { index, reason: 'behind the head' }
  if (hex(leafHash(utf8(record.body))) !== hex(record.leafHash)) return { index, reason: 'changed' }
  const claims = readClaims(record.body)
  if (claims === undefined || claims.index !== index) return { index, reason: 'misplaced' }
  // The leaf of this record is sound, so it is the one before that was changed together with its hash.
  if (claims.previous !== expected.previous) return { index: Math.max(index - 1, 0), reason: 'chain' }
  return undefined
}

function readClaims(body: string): { readonly index: unknown; readonly previous: unknown } | undefined {
  try {
    const record: unknown = JSON.parse(body)
    if (typeof record !== 'object' || record === null) return undefined
    const { i: index, prev: previous } = record as { readonly i?: unknown; readonly prev?: unknown } // members may be anything
    return { index, previous }
  } catch {
    return undefined
  }
}

function bad(
  head: { readonly size: number; readonly rootHash: Uint8Array },
  fault: Fault,
): AuditVerification {
  const answer = { valid: false, size: head.size, rootHash: hex(head.rootHash), reason: fault.reason }
  return fault.index === undefined ? answer : { ...answer, firstBadIndex: fault.index }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
