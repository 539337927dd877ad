import { type Checkpoint, parseCheckpoint } from '../../crypto/transparency/checkpoint.ts'
import { judgeNote } from '../../crypto/transparency/signed-note.ts'
import type { ReadStore } from '../../store/store.ts'
import type { LogFault } from '../check-log.ts'
import type { LogIdentity } from './signing-key.ts'

/** About an hour of a busy log; auditors keep their own, and the copy outside reaches further back. */
export const KEPT_CHECKPOINTS = 1_000

export interface StoredCheckpoints {
  /** Those of the present line. */
  readonly checkpoints: readonly Checkpoint[]
  /** The size of the largest that is stored; -1 when there is none. */
  readonly newest: number
  readonly fault?: LogFault
}

/** The checkpoints in the database itself: each has to be signed, and to be what its row says. */
export async function checkStoredCheckpoints(
  store: ReadStore,
  identity: LogIdentity | undefined,
): Promise<StoredCheckpoints> {
  const rows = await store.readCheckpoints(KEPT_CHECKPOINTS + 1)
  const checkpoints: Checkpoint[] = []
  let isPresentLine = true
  for (const { size, note } of rows) {
    const parsed = parseCheckpoint(note)
    const signed = parsed !== undefined && judgeNote(parsed.note, identity?.keys ?? []) === 'signed'
    if (!signed || parsed.checkpoint.size !== size) {
      return { checkpoints, newest: rows[0]?.size ?? -1, fault: { reason: 'checkpoint' } }
    }
    if (isPresentLine) checkpoints.push(parsed.checkpoint)
    if (parsed.checkpoint.restored !== undefined) isPresentLine = false
  }
  return { checkpoints, newest: rows[0]?.size ?? -1 }
}
