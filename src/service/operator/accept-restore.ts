import type { TreeHead } from '../../crypto/transparency/checkpoint.ts'
import type { AuditAction, AuditEvent } from '../../model/audit-event.ts'
import type { AuditFinding } from '../../model/audit.ts'
import { type Caller, localCaller, systemCaller } from '../caller.ts'
import { CoffreError } from '../../model/errors.ts'
import type { Core } from './core.ts'

/** The log beside the newest checkpoint of its copy. */
export interface ComparedLog {
  readonly verdict: 'agrees' | 'rolled-back' | 'forked'
  readonly size: number
  readonly newest?: TreeHead
}

export interface AcceptedRestore extends ComparedLog {
  /** False where there was nothing to accept, or for a dry run. */
  readonly accepted: boolean
}

/** The discontinuity stays visible: a record in the log, and a new line in the copy that names what was given up. */
export async function acceptRestored(
  core: Core,
  compared: ComparedLog,
  dryRun: boolean,
): Promise<AcceptedRestore> {
  if (!(await core.isInitialised())) throw new CoffreError('NOT_INITIALISED')
  const { verdict, size, newest } = compared
  if (dryRun) return { ...compared, accepted: false }
  const caller = localCaller()
  await core.unseal(caller)
  if (verdict === 'agrees' || newest === undefined) return { ...compared, accepted: false }
  const detail = {
    verdict,
    size,
    checkpointSize: newest.size,
    checkpointRoot: Buffer.from(newest.rootHash).toString('base64'),
  }
  await core.store.transaction((tx) =>
    core.trail.append(tx, [eventOf(caller, 'audit.accept-restore', detail)]),
  )
  await core.checkpoints.write({ size: newest.size, rootHash: newest.rootHash })
  return { ...compared, accepted: true }
}

/** A new copy begins at once, so that the old one was missing has to stand in the log. */
export async function recordLostCopy(core: Core, finding: AuditFinding): Promise<void> {
  await core.trail.commit(eventOf(systemCaller('start'), 'audit.copy-lost', { finding }))
}

function eventOf(
  caller: Caller,
  action: AuditAction,
  detail: Readonly<Record<string, string | number>>,
): AuditEvent {
  const { principal, requestId } = caller
  return { action, principal, requestId, outcome: 'ok', detail }
}
