import { setImmediate } from 'node:timers/promises'
import { encodeFrontier, type Frontier, rootHash, type TreeNode } from '../../crypto/merkle.ts'
import { type Checkpoint, parseCheckpoint, type TreeHead } from '../../crypto/transparency/checkpoint.ts'
import { judgeNote } from '../../crypto/transparency/signed-note.ts'
import { CoffreError, hasCode } from '../../model/errors.ts'
import type { AuditHead, Store, StoredCheckpoint } from '../../store/store.ts'
import { LogCheck, NO_PREVIOUS } from '../check-log.ts'
import { STORED_LEVEL_STEP, TreeReader } from '../tree-reader.ts'
import type { CheckpointCopy } from './checkpoint-copy.ts'
import { readCopy } from './compare-copy.ts'
import { addToHistory, formatHistory, type History, type KeptCheckpoint, newestOf } from './history.ts'
import { findIdentity } from './signing-key.ts'
import { KEPT_CHECKPOINTS } from './stored-checkpoints.ts'

/** Signs with a key that only an unsealed Coffre has. */
export interface CheckpointSigner {
  readonly origin: string
  /** A signed note. */
  sign(checkpoint: Checkpoint): Promise<string>
}

/** What went wrong without stopping anything; `app.ts` tells the operator. */
export type CheckpointAlert = 'copy-unwritable' | 'copy-missing' | 'copy-damaged' | 'log-damaged' | 'unsigned'

export interface CheckpointerParts {
  readonly store: Store
  readonly copy?: CheckpointCopy
  readonly onAlert?: (alert: CheckpointAlert, error?: unknown) => void
}

const PAGE = 1_000

interface Verified {
  readonly frontier: Frontier
  /** Hex leaf hash of the last record. */
  readonly previous: string
}

/** Absent: from the first record. */
type CheckStart = Partial<Verified>

/** Writes checkpoints of one log: it verifies what came since the last one, signs, stores, and writes the copy. */
export class Checkpointer {
  readonly #store: Store
  readonly #copy: CheckpointCopy | undefined
  readonly #onAlert: (alert: CheckpointAlert, error?: unknown) => void
  /** How far this process has recomputed the log, and found it to be as signed. */
  #verified: Verified | undefined
  #written: { readonly size: number; readonly copied: boolean } = { size: -1, copied: false }

  constructor(parts: CheckpointerParts) {
    this.#store = parts.store
    this.#copy = parts.copy
    this.#onAlert = parts.onAlert ?? (() => undefined)
  }

  /** The size of the last checkpoint that this process wrote, -1 before it; and whether the copy holds it. */
  get written(): { readonly size: number; readonly copied: boolean } {
    return this.#written
  }

  /**
   * A checkpoint of the log as it is now; the one that there is where nothing came since. `restored` begins a new
   * line. Throws AUDIT_DAMAGED, and signs nothing, where the stored bodies do not give the stored root.
   */
  async write(signer: CheckpointSigner, restored?: TreeHead): Promise<StoredCheckpoint> {
    const head = await this.#store.readAuditHead()
    const known = restored === undefined ? await this.#findSigned(signer, head) : undefined
    const checkpoint = known ?? (await this.#sign(signer, head, restored))
    if (known === undefined || !this.#written.copied) await this.#writeCopy(checkpoint.note)
    return checkpoint
  }

  async #findSigned(signer: CheckpointSigner, head: AuditHead): Promise<StoredCheckpoint | undefined> {
    const found = await this.#store.findCheckpoint(head.size)
    const checkpoint = found === undefined ? undefined : parseCheckpoint(found.note)?.checkpoint
    const same = checkpoint?.origin === signer.origin && isEqual(checkpoint.rootHash, head.rootHash)
    return same && (await this.#isCurrentSignature(found?.note ?? '')) ? found : undefined
  }

  /** After a rotation the same size is signed again, by the new generation. */
  async #isCurrentSignature(note: string): Promise<boolean> {
    const identity = await findIdentity(this.#store)
    const parsed = parseCheckpoint(note)
    const newest = identity?.keys.at(-1)
    return parsed !== undefined && newest !== undefined && judgeNote(parsed.note, [newest]) === 'signed'
  }

  async #sign(signer: CheckpointSigner, head: AuditHead, restored?: TreeHead): Promise<StoredCheckpoint> {
    const afresh = restored !== undefined
    const { nodes, frontier, previous } = await this.#verify(
      head,
      afresh ? {} : await this.#startOfCheck(head),
    )
    const { size, rootHash: root } = head
    const checkpoint = {
      origin: signer.origin,
      size,
      rootHash: root,
      ...(restored === undefined ? {} : { restored }),
    }
    const stored = { size, note: await signer.sign(checkpoint) }
    await this.#store.transaction((tx) =>
      tx.storeCheckpoint({ checkpoint: stored, nodes, keep: KEPT_CHECKPOINTS, afresh }),
    )
    this.#verified = { frontier, previous }
    this.#written = { size, copied: false }
    return stored
  }

  /** Every leaf since the last checkpoint, from its body: a flipped bit must not be signed for ever. */
  async #verify(
    head: AuditHead,
    start: CheckStart,
  ): Promise<Verified & { readonly nodes: readonly TreeNode[] }> {
    const nodes: TreeNode[] = []
    const onNode = (node: TreeNode) => {
      if (node.level % STORED_LEVEL_STEP === 0) nodes.push(node)
    }
    const check = new LogCheck({ ...start, onNode })
    while (check.frontier.size < head.size) {
      const from = check.frontier.size
      const records = await this.#store.readAuditRecords(from, Math.min(PAGE, head.size - from))
      const fault = records.length === 0 ? { index: from } : check.add(records)
      if (fault !== undefined) throw damaged({ index: fault.index ?? from })
      // A first checkpoint after an upgrade reads the whole log.
      await setImmediate()
    }
    const { frontier, previous } = check
    const whole =
      isEqual(rootHash(frontier), head.rootHash) && isEqual(encodeFrontier(frontier), head.frontier)
    if (!whole) throw damaged({ part: 'head' })
    return { nodes, frontier, previous }
  }

  /** The end of what this process has verified, or the newest signed checkpoint of the database, or nothing. */
  async #startOfCheck(head: AuditHead): Promise<CheckStart> {
    if (this.#verified !== undefined && this.#verified.frontier.size <= head.size) return this.#verified
    const [newest] = await this.#store.readCheckpoints(1)
    const identity = await findIdentity(this.#store)
    const parsed = newest === undefined ? undefined : parseCheckpoint(newest.note)
    if (parsed === undefined || judgeNote(parsed.note, identity?.keys ?? []) !== 'signed') return {}
    const { size, rootHash: signed } = parsed.checkpoint
    if (size > head.size)
      throw new CoffreError('AUDIT_ROLLED_BACK', { facts: { checkpointSize: size, size: head.size } })
    const frontier = await new TreeReader(this.#store).frontierAt(size)
    if (!isEqual(rootHash(frontier), signed)) {
      throw new CoffreError('AUDIT_FORKED', { facts: { checkpointSize: size, size: head.size } })
    }
    return { frontier, previous: await this.#leafBefore(size) }
  }

  async #leafBefore(size: number): Promise<string> {
    if (size === 0) return NO_PREVIOUS
    const [last] = await this.#store.readAuditNodes({ level: 0, from: size - 1, limit: 1 })
    if (last?.index !== size - 1) throw damaged({ index: size - 1 })
    return Buffer.from(last.hash).toString('hex')
  }

  /** A copy that cannot be written stops nothing: it is an alert, and the next checkpoint tries again. */
  async #writeCopy(note: string): Promise<void> {
    if (this.#copy === undefined) {
      this.#written = { ...this.#written, copied: true }
      return
    }
    try {
      await this.#copy.write(formatHistory(await this.#extendHistory(this.#copy, note)))
      const size = parseCheckpoint(note)?.checkpoint.size ?? -1
      this.#written = { size, copied: true }
    } catch (error) {
      this.#written = { ...this.#written, copied: false }
      this.#onAlert('copy-unwritable', error)
    }
  }

  /** Read again each time: another process may write the same file, and it may have been put aside. */
  async #extendHistory(copy: CheckpointCopy, note: string): Promise<History> {
    const parsed = parseCheckpoint(note)
    if (parsed === undefined) throw new Error('unreachable: we have just signed it')
    const added: KeptCheckpoint = { checkpoint: parsed.checkpoint, note, verdict: 'signed' }
    const { history, finding } = await readCopy(copy, await findIdentity(this.#store))
    if (finding === 'copy-damaged') this.#onAlert('copy-damaged')
    const newest = newestOf(history.kept)
    const isBehind =
      added.checkpoint.restored === undefined && (newest?.checkpoint.size ?? -1) > added.checkpoint.size
    if (isBehind || newest?.note === note) return history
    return addToHistory(history, added)
  }
}

export function alertOf(error: unknown): CheckpointAlert {
  const isDamage = ['AUDIT_DAMAGED', 'AUDIT_ROLLED_BACK', 'AUDIT_FORKED', 'STORE_DAMAGED'] as const
  return isDamage.some((code) => hasCode(error, code)) ? 'log-damaged' : 'unsigned'
}

function damaged(facts: Readonly<Record<string, string | number>>): CoffreError {
  return new CoffreError('AUDIT_DAMAGED', { facts })
}

function isEqual(left: Uint8Array, right: Uint8Array): boolean {
  return Buffer.compare(left, right) === 0
}
