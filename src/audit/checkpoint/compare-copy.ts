import type { Checkpoint } from '../../crypto/transparency/checkpoint.ts'
import type { AuditFinding } from '../../model/audit.ts'
import { CoffreError } from '../../model/errors.ts'
import type { ReadStore } from '../../store/store.ts'
import { TreeReader } from '../tree-reader.ts'
import type { CheckpointCopy } from './checkpoint-copy.ts'
import { EMPTY_HISTORY, type History, newestOf, parseHistory } from './history.ts'
import { findIdentity, type LogIdentity } from './signing-key.ts'

export interface ReadCopy {
  readonly history: History
  readonly finding?: AuditFinding
}

/** What the copy holds. One that cannot be read is a finding like one that is not there: it accuses nobody. */
export async function readCopy(
  copy: CheckpointCopy | undefined,
  identity: LogIdentity | undefined,
): Promise<ReadCopy> {
  if (copy === undefined) return { history: EMPTY_HISTORY }
  let text: string | undefined
  try {
    text = await copy.read()
  } catch {
    return { history: EMPTY_HISTORY, finding: 'copy-damaged' }
  }
  if (text === undefined || text === '') {
    return identity === undefined
      ? { history: EMPTY_HISTORY }
      : { history: EMPTY_HISTORY, finding: 'copy-missing' }
  }
  const history = parseHistory(text, identity?.keys ?? [])
  return history.isDamaged ? { history, finding: 'copy-damaged' } : { history }
}

/** The log beside the newest checkpoint of its copy. */
export interface CopyComparison {
  readonly verdict: 'agrees' | 'rolled-back' | 'forked'
  /** How long the log in the database is. */
  readonly size: number
  readonly newest?: Checkpoint
  readonly finding?: AuditFinding
}

/** Quick, for every start: it reads a few hundred stored hashes. The bodies are for `verifyLog`. */
export async function compareWithCopy(store: ReadStore, copy: CheckpointCopy): Promise<CopyComparison> {
  const identity = await findIdentity(store)
  const { history, finding } = await readCopy(copy, identity)
  const { size } = await store.readAuditHead()
  const newest = newestOf(history.kept)?.checkpoint
  const found = finding === undefined ? {} : { finding }
  if (newest === undefined) return { verdict: 'agrees', size, ...found }
  return { verdict: await judge(store, { newest, size, identity }), size, newest, ...found }
}

interface Judged {
  readonly newest: Checkpoint
  readonly size: number
  readonly identity: LogIdentity | undefined
}

async function judge(store: ReadStore, judged: Judged): Promise<CopyComparison['verdict']> {
  const { newest, size, identity } = judged
  if (identity !== undefined && identity.origin !== newest.origin) return 'forked'
  if (size < newest.size) return 'rolled-back'
  const { rootHash } = await new TreeReader(store).headAt(newest.size)
  return Buffer.compare(rootHash, newest.rootHash) === 0 ? 'agrees' : 'forked'
}

/** Throws AUDIT_ROLLED_BACK or AUDIT_FORKED, with both sizes. */
export function requireAgreement(comparison: CopyComparison, place: string): void {
  const { verdict, size, newest } = comparison
  if (verdict === 'agrees') return
  const facts = { checkpointSize: newest?.size ?? 0, size, checkpointFile: place }
  throw new CoffreError(verdict === 'forked' ? 'AUDIT_FORKED' : 'AUDIT_ROLLED_BACK', { facts })
}
