import {
  appendLeaves,
  EMPTY_FRONTIER,
  encodeFrontier,
  type Frontier,
  leafHash,
  parseFrontier,
  rootHash,
} from '../crypto/merkle.ts'
import { utf8 } from '../crypto/bytes.ts'
import type { AuditEvent } from '../model/audit-event.ts'
import type { Clock } from '../model/clock.ts'
import { CoffreError } from '../model/errors.ts'
import type { AuditHead, Store, StoredAuditRecord, StoreTransaction } from '../store/store.ts'
import { formatRecord, NO_PREVIOUS } from './audit-record.ts'
import { GroupCommit } from './group-commit.ts'

export interface AuditLogParts {
  readonly store: Store
  readonly clock: Clock
}

/** Writes the log. Verifying it is verify-log.ts, which shares no code with this file but the hashes. */
export class AuditLog {
  readonly #store: Store
  readonly #clock: Clock
  readonly #group: GroupCommit<AuditEvent>
  /** The end of the last commit of this process; another process may have moved on since. */
  #end: { readonly size: number; readonly previous: string } = { size: 0, previous: NO_PREVIOUS }

  constructor(parts: AuditLogParts) {
    this.#store = parts.store
    this.#clock = parts.clock
    this.#group = new GroupCommit((events) =>
      this.#store.transaction((tx) => this.append(tx, events)).then(() => undefined),
    )
  }

  /** Records a change in the transaction that makes it. */
  async append(tx: StoreTransaction, events: readonly AuditEvent[]): Promise<void> {
    const head = await tx.readAuditHead()
    const frontier = readFrontier(head)
    let previous = await this.#previousHash(tx, frontier.size)
    // What is written together has one moment.
    const at = this.#clock()
    const records = events.map((event, offset): StoredAuditRecord => {
      const index = frontier.size + offset
      const body = formatRecord({ index, previous, at }, event)
      const hash = leafHash(utf8(body))
      previous = Buffer.from(hash).toString('hex')
      return { index, body, leafHash: hash }
    })
    const grown = appendLeaves(
      frontier,
      records.map((record) => record.leafHash),
    )
    await tx.appendAudit(records, {
      size: grown.size,
      rootHash: rootHash(grown),
      frontier: encodeFrontier(grown),
    })
    // Only a guess if the commit fails: the next append compares it with the stored size and reads again.
    this.#end = { size: grown.size, previous }
  }

  /** Records a data operation together with others. The caller gives its result only after this resolves. */
  commit(event: AuditEvent): Promise<void> {
    return this.#group.add(event)
  }

  async #previousHash(tx: StoreTransaction, size: number): Promise<string> {
    if (size === 0) return NO_PREVIOUS
    if (this.#end.size === size) return this.#end.previous
    const [last] = await tx.readAuditRecords(size - 1, 1)
    if (last === undefined) throw new CoffreError('AUDIT_DAMAGED', { facts: { index: size - 1 } })
    return Buffer.from(last.leafHash).toString('hex')
  }
}

function readFrontier(head: AuditHead): Frontier {
  if (head.size === 0) return EMPTY_FRONTIER
  const frontier = parseFrontier(head.size, head.frontier)
  if (frontier === undefined) throw new CoffreError('AUDIT_DAMAGED', { facts: { part: 'head' } })
  return frontier
}
