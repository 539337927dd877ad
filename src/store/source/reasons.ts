import { CoffreError, type ErrorCode, type ErrorFacts } from '../../model/errors.ts'

/** A file system's or a program's last words, at most. */
const MAX_SAID_CHARACTERS = 300

interface Reason extends ErrorFacts {
  readonly reason: string
}

export type FailureCode = Extract<ErrorCode, 'BACKUP_SOURCE_FAILED' | 'RESTORE_REFUSED' | 'RESTORE_FAILED'>

/** A program did not end well. */
export class ProgramFailure extends Error {
  override readonly name = 'ProgramFailure'
  readonly facts: Reason

  constructor(facts: Reason) {
    super(facts.reason)
    this.facts = facts
  }
}

export function sourceFailed(facts: Reason, cause?: unknown): CoffreError {
  return new CoffreError('BACKUP_SOURCE_FAILED', { facts, cause })
}

export function contentRefused(facts: Reason): CoffreError {
  return new CoffreError('BACKUP_CONTENT_REFUSED', { facts })
}

export function restoreRefused(facts: Reason, cause?: unknown): CoffreError {
  return new CoffreError('RESTORE_REFUSED', { facts, cause })
}

/** What is not a CoffreError yet, under this code. An abort stays one: it is nobody's failure. */
export function asBackupError(code: FailureCode, error: unknown, facts: ErrorFacts = {}): unknown {
  if (error instanceof CoffreError || isAbort(error)) return error
  if (error instanceof ProgramFailure)
    return new CoffreError(code, { facts: { ...facts, ...error.facts }, cause: error })
  return new CoffreError(code, { facts: { reason: systemReason(error), ...facts }, cause: error })
}

/** `ENOSPC` and the like. */
export function systemReason(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown'
}

/** Text of another program, or a name from a disk or a backup, for one line of a terminal. */
export function printable(text: string): string {
  // Control and format characters could move the cursor, or make one name look like another.
  const clean = text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '?')
  return clean.length > MAX_SAID_CHARACTERS ? `${clean.slice(0, MAX_SAID_CHARACTERS)}…` : clean
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError'
}
