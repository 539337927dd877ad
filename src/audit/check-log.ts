import { utf8 } from '../crypto/bytes.ts'
import {
  appendLeaves,
  EMPTY_FRONTIER,
  type Frontier,
  leafHash,
  rootHash,
  type TreeNode,
} from '../crypto/merkle.ts'
import { DEFAULT_TENANT } from '../model/ids.ts'

export const NO_PREVIOUS = '0'.repeat(64)

/** What is wrong with a log, and the first record that does not fit. */
export interface LogFault {
  readonly index?: number
  readonly reason: string
}

/** A record as it is found: from the store, or a line of an export, which has no stored hash. */
export interface FoundRecord {
  readonly index: number
  readonly body: string
  readonly leafHash?: Uint8Array
  /** The column by which a tenant's records are found; absent: the default one. It is not hashed. */
  readonly tenant?: string
}

export interface LogCheckOptions {
  /** Where to begin, when the log up to there is known. */
  readonly frontier?: Frontier
  /** Hex leaf hash of the record before. */
  readonly previous?: string
  /** Sizes at which the root hash is asked for. */
  readonly sizes?: readonly number[]
  readonly onRoot?: (size: number, rootHash: Uint8Array) => void
  readonly onNode?: (node: TreeNode) => void
}

/**
 * Recomputes a log from its bodies: leaf, place, chain and tree (docs/spec/audit-log.md, "Verifying"). It
 * shares no code with the writer but the hashes.
 */
export class LogCheck {
  readonly #options: LogCheckOptions
  /** The sizes still to come, the next one last. */
  readonly #sizes: number[]
  #frontier: Frontier
  #previous: string

  constructor(options: LogCheckOptions = {}) {
    this.#options = options
    this.#frontier = options.frontier ?? EMPTY_FRONTIER
    this.#previous = options.previous ?? NO_PREVIOUS
    const sizes = [...new Set(options.sizes ?? [])].filter((size) => size >= this.#frontier.size)
    this.#sizes = sizes.toSorted((left, right) => right - left)
    this.#tellRoot()
  }

  get frontier(): Frontier {
    return this.#frontier
  }

  /** Hex leaf hash of the last record. */
  get previous(): string {
    return this.#previous
  }

  /** The records that follow. At the first that does not fit it stops, and nothing later is believed. */
  add(records: readonly FoundRecord[]): LogFault | undefined {
    let leaves: Uint8Array[] = []
    for (const record of records) {
      const index = this.#frontier.size + leaves.length
      const leaf = leafHash(utf8(record.body))
      const fault = findFault(record, { index, leaf: hex(leaf), previous: this.#previous })
      if (fault !== undefined) return fault
      this.#previous = hex(leaf)
      leaves.push(leaf)
      if (index + 1 === this.#sizes.at(-1)) {
        this.#append(leaves)
        leaves = []
      }
    }
    this.#append(leaves)
    return undefined
  }

  #append(leaves: readonly Uint8Array[]): void {
    this.#frontier = appendLeaves(this.#frontier, leaves, this.#options.onNode)
    this.#tellRoot()
  }

  #tellRoot(): void {
    if (this.#sizes.at(-1) !== this.#frontier.size) return
    this.#sizes.pop()
    this.#options.onRoot?.(this.#frontier.size, rootHash(this.#frontier))
  }
}

interface Expected {
  readonly index: number
  readonly leaf: string
  readonly previous: string
}

function findFault(record: FoundRecord, expected: Expected): LogFault | undefined {
  const { index, leaf, previous } = expected
  if (record.index !== index) return { index, reason: 'missing' }
  if (record.leafHash !== undefined && leaf !== hex(record.leafHash)) return { index, reason: 'changed' }
  const claims = readClaims(record.body)
  if (claims === undefined || claims.index !== index) return { index, reason: 'misplaced' }
  const isStored = record.leafHash !== undefined
  if (isStored && (record.tenant ?? DEFAULT_TENANT) !== claims.tenant) return { index, reason: 'changed' }
  // The leaf of this record is sound, so it is the one before that was changed together with its hash.
  if (claims.previous !== previous) return { index: Math.max(index - 1, 0), reason: 'chain' }
  return undefined
}

interface Claims {
  readonly index: unknown
  readonly previous: unknown
  readonly tenant: unknown
}

function readClaims(body: string): Claims | undefined {
  try {
    const record: unknown = JSON.parse(body)
    if (typeof record !== 'object' || record === null) return undefined
    const members = new Map<string, unknown>(Object.entries(record))
    return { index: members.get('i'), previous: members.get('prev'), tenant: members.get('tenant') }
  } catch {
    return undefined
  }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
