import { appendLeaves, EMPTY_FRONTIER, encodeFrontier, leafHash, rootHash } from '../crypto/merkle.ts'
import { utf8 } from '../crypto/bytes.ts'
import type { AuditVerification } from '../model/coffre.ts'
import type { Store, StoredAuditRecord } from '../store/store.ts'

const PAGE = 1_000
const NO_PREVIOUS = '0'.repeat(64)

/**
 * Recomputes the log from its bodies up to the head of this moment, and names the first record that does not
 * fit (docs/spec/audit-log.md, "Verifying"). Others may append meanwhile.
 */
export async function verifyLog(store: Store): Promise<AuditVerification> {
  const head = await store.readAuditHead()
  let frontier = EMPTY_FRONTIER
  let previous = NO_PREVIOUS
  while (frontier.size < head.size) {
    const from = frontier.size
    const records = await store.readAuditRecords(from, Math.min(PAGE, head.size - from))
    if (records.length === 0) return bad(head, { index: from, reason: 'missing' })
    for (const [offset, record] of records.entries()) {
      const fault = findFault(record, from + offset, previous)
      if (fault !== undefined) return bad(head, fault)
      previous = hex(record.leafHash)
    }
    frontier = appendLeaves(
      frontier,
      records.map((record) => record.leafHash),
    )
  }
  const root = rootHash(frontier)
  const whole = hex(root) === hex(head.rootHash) && hex(encodeFrontier(frontier)) === hex(head.frontier)
  if (!whole) return bad(head, { reason: 'head' })
  const stray = await findStray(store)
  if (stray !== undefined) return bad(head, { index: stray, reason: 'behind the head' })
  return { valid: true, size: head.size, rootHash: hex(root) }
}

/** The first record that no head covers. One transaction, so that an append cannot come between the reads. */
function findStray(store: Store): Promise<number | undefined> {
  return store.transaction(async (tx) => {
    const { size } = await tx.readAuditHead()
    const [stray] = await tx.readAuditRecords(size, 1)
    return stray?.index
  })
}

interface Fault {
  readonly index?: number
  readonly reason: string
}

function findFault(record: StoredAuditRecord, index: number, expectedPrevious: string): Fault | undefined {
  if (record.index !== index) return { index, reason: 'missing' }
  if (hex(leafHash(utf8(record.body))) !== hex(record.leafHash)) return { index, reason: 'changed' }
  const claims = readClaims(record.body)
  if (claims === undefined || claims.index !== index) return { index, reason: 'misplaced' }
  // The leaf of this record is sound, so it is the one before that was changed together with its hash.
  if (claims.previous !== expectedPrevious) return { index: Math.max(index - 1, 0), reason: 'chain' }
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
