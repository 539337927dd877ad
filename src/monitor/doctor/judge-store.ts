import { type Instant, SECOND } from '../../model/clock.ts'
import type { AuditFinding } from '../../model/audit.ts'
import type { Finding } from './finding.ts'

export interface StoreView {
  readonly state: 'open' | 'in-use' | 'absent' | 'refused'
  /** Of SQLite: its first complaint, `ok`, or `skipped`. */
  readonly check?: string
  readonly schema?: number
  /** The schema that this Coffre makes. */
  readonly newest?: number
  readonly log?: LogFacts
  readonly fernet?: FernetView
}

/** Whether FERNET_SECRET_KEY is the one under which keys of providers are stored; else what is refused, and what it should be. */
export type FernetView =
  | { readonly isKnown: true }
  | { readonly isKnown: false; readonly setting: string; readonly expected: string }

export interface LogFacts {
  readonly valid: boolean
  readonly reason?: string
  readonly firstBadIndex?: number
  readonly findings: readonly AuditFinding[]
  /** Of the last audit record. */
  readonly lastRecordAt?: Instant
}

/** A clock that NTP keeps is within a second; tokens and destruction follow it. */
const MAX_AHEAD = 60 * SECOND
const RESTORE = 'docs/runbook/restore-data-folder.md: keep a copy of the folder, then restore the last backup'
/** What `verify` says when a signed checkpoint knows more, or other, than the log. */
const AGAINST_CHECKPOINT: ReadonlySet<string> = new Set(['rolled back', 'forked'])

export function judgeStore(store: StoreView, now: Instant): readonly Finding[] {
  if (store.state === 'absent')
    return [{ id: 'store', state: 'problem', cause: 'there is no Coffre here', next: 'coffre init' }]
  const damage = judgeCheck(store)
  const schema = judgeSchema(store)
  const access = judgeAccess(store, damage?.state === 'problem')
  return [access, damage, schema, ...judgeLog(store, now), judgeFernet(store)].flatMap((each) => each ?? [])
}

function judgeAccess({ state }: StoreView, isDamaged: boolean): Finding {
  const id = 'store'
  if (state === 'refused' && !isDamaged)
    return { id, state: 'problem', cause: 'it does not open', next: 'coffre status says why' }
  if (state !== 'in-use') return { id, state: 'ok' }
  const cause = 'a server holds it: ask it with coffre status and coffre audit log verify'
  return { id, state: 'ok', cause }
}

function judgeCheck({ check }: StoreView): Finding | undefined {
  const id = 'database file'
  if (check === undefined) return undefined
  if (check === 'ok') return { id, state: 'ok' }
  if (check !== 'skipped') return { id, state: 'problem', cause: check, next: RESTORE }
  const cause = 'too large to be read here'
  return { id, state: 'ok', cause, next: "sqlite3 coffre.db 'pragma quick_check'" }
}

function judgeSchema({ schema, newest }: StoreView): Finding | undefined {
  const id = 'schema'
  if (schema === undefined || newest === undefined) return undefined
  if (schema === newest) return { id, state: 'ok' }
  if (schema > newest) {
    const cause = `${schema}, of a newer Coffre; this one knows ${newest}`
    return { id, state: 'warning', cause, next: 'npm install coffre@latest, as docs/en/upgrade.md says' }
  }
  const cause = `${schema}; the next start brings it to ${newest}. The audit log is looked at after that`
  return { id, state: 'warning', cause, next: 'back up, then start Coffre' }
}

function judgeLog({ log }: StoreView, now: Instant): readonly Finding[] {
  if (log === undefined) return []
  return [judgeRecords(log), judgeCheckpoint(log), judgeClock(log, now)]
}

function judgeFernet({ fernet }: StoreView): Finding | undefined {
  const id = 'FERNET_SECRET_KEY'
  if (fernet === undefined) return undefined
  if (fernet.isKnown) return { id, state: 'ok' }
  const cause = `a start with these settings is refused: ${fernet.setting} has to be ${fernet.expected}`
  const next = 'coffre config show says where it was found; docs/en/api-keys.md, "With FERNET_SECRET_KEY"'
  return { id, state: 'problem', cause, next }
}

function judgeRecords({ valid, reason, firstBadIndex }: LogFacts): Finding {
  const id = 'audit log'
  if (valid || AGAINST_CHECKPOINT.has(reason ?? '')) return { id, state: 'ok' }
  const cause = `record ${firstBadIndex ?? 0} is not what was written`
  return { id, state: 'problem', cause, next: 'keep a copy of the data folder, then coffre audit log verify' }
}

function judgeCheckpoint({ valid, reason, findings }: LogFacts): Finding {
  const id = 'audit checkpoint'
  if (!valid && reason !== undefined && AGAINST_CHECKPOINT.has(reason)) {
    const next = 'docs/runbook/audit-log-rolled-back.md'
    return { id, state: 'problem', cause: `against its signed checkpoints, the log is ${reason}`, next }
  }
  const next = 'coffre audit checkpoint'
  if (findings.includes('copy-missing'))
    return { id, state: 'warning', cause: 'the copy outside the database is not there', next }
  if (findings.includes('copy-damaged'))
    return { id, state: 'warning', cause: 'the copy outside the database does not verify', next }
  return { id, state: 'ok' }
}

function judgeClock({ lastRecordAt }: LogFacts, now: Instant): Finding {
  const id = 'clock'
  const ahead = lastRecordAt === undefined ? 0 : lastRecordAt - now
  if (ahead <= MAX_AHEAD) return { id, state: 'ok' }
  const cause = `the last audit record is ${Math.ceil(ahead / SECOND)} seconds in the future`
  return { id, state: 'problem', cause, next: 'timedatectl status' }
}
