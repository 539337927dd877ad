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
import type { Reliance } from '../store/changes.ts'
import { DEFAULT_TENANT } from '../model/ids.ts'
import type { AuditHead, Store, StoredAuditRecord, StoreTransaction } from '../store/store.ts'
import { formatRecord, NO_PREVIOUS } from './audit-record.ts'
import { GroupCommit } from './group-commit.ts'
import { judge } from './judge.ts'

interface Entry {
  readonly event: AuditEvent
  readonly reliance: Reliance | undefined
  isCurrent: boolean
}

export interface AuditLogParts {
  readonly store: Store
  readonly clock: Clock
  /** How long an answer may wait for its record; GroupCommit's own bound when absent. */
  readonly maxWaitMs?: number
  /** Hears of records that were handed to a commit; it may still fail. */
  readonly onAppend?: (count: number) => void
}

/** Writes the log. Verifying it is verify-log.ts, which shares no code with this file but the hashes. */
export class AuditLog {
  readonly #store: Store
  readonly #clock: Clock
  readonly #onAppend: (count: number) => void
  readonly #group: GroupCommit<Entry>
  /** The end of the last append of this process; it may have failed, and others may have appended since. */
  #end: { readonly rootHash: Uint8Array; readonly previous: string } | undefined

  constructor(parts: AuditLogParts) {
    this.#store = parts.store
    this.#clock = parts.clock
    this.#onAppend = parts.onAppend ?? (() => undefined)
    const write = (entries: readonly Entry[]) =>
      this.#store.transaction((tx) => this.#appendCurrent(tx, entries))
    this.#group = new GroupCommit(write, parts.maxWaitMs)
  }

  /** Records a change in the transaction that makes it. */
  async append(tx: StoreTransaction, events: readonly AuditEvent[]): Promise<void> {
    const head = await tx.readAuditHead()
    const frontier = readFrontier(head)
    let previous = await this.#previousHash(tx, head)
    // What is written together has one moment.
    const at = this.#clock()
    const records = events.map((event, offset): StoredAuditRecord => {
      const index = frontier.size + offset
      const body = formatRecord({ index, previous, at }, event)
      const hash = leafHash(utf8(body))
      previous = Buffer.from(hash).toString('hex')
      const { tenant } = event.principal
      const record = { index, body, leafHash: hash }
      return tenant === DEFAULT_TENANT ? record : { ...record, tenant }
    })
    const grown = appendLeaves(
      frontier,
      records.map((record) => record.leafHash),
    )
    const root = rootHash(grown)
    await tx.appendAudit(records, { size: grown.size, rootHash: root, frontier: encodeFrontier(grown) })
    // Only a guess if the commit fails: the next append compares it with the stored root and reads again.
    this.#end = { rootHash: root, previous }
    this.#onAppend(records.length)
  }

  /**
   * Records a data operation together with others. The caller gives its result only after this answers true. False:
   * what it relies on has changed, and nothing was recorded.
   */
  async commit(event: AuditEvent, reliance?: Reliance): Promise<boolean> {
    const entry: Entry = { event, reliance, isCurrent: true }
    await this.#group.add(entry)
    return entry.isCurrent
  }

  /** In the log, no use of a key follows the record that forbids it. */
  async #appendCurrent(tx: StoreTransaction, entries: readonly Entry[]): Promise<void> {
    await judge(tx, entries)
    const current = entries.filter((entry) => entry.isCurrent)
    if (current.length > 0)
      await this.append(
        tx,
        current.map((entry) => entry.event),
      )
  }

  async #previousHash(tx: StoreTransaction, head: AuditHead): Promise<string> {
    const { size } = head
    if (size === 0) return NO_PREVIOUS
    if (this.#end !== undefined && isEqual(this.#end.rootHash, head.rootHash)) return this.#end.previous
    const [last] = await tx.readAuditRecords(size - 1, 1)
    if (last === undefined) throw new CoffreError('AUDIT_DAMAGED', { facts: { index: size - 1 } })
    return Buffer.from(last.leafHash).toString('hex')
  }
}

function isEqual(left: Uint8Array, right: Uint8Array): boolean {
  return Buffer.compare(left, right) === 0
}

function readFrontier(head: AuditHead): Frontier {
  if (head.size === 0) return EMPTY_FRONTIER
  const frontier = parseFrontier(head.size, head.frontier)
  if (frontier === undefined) throw new CoffreError('AUDIT_DAMAGED', { facts: { part: 'head' } })
  return frontier
}
