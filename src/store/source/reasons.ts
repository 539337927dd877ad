import { CoffreError, type ErrorCode, type ErrorFacts } from '../../model/errors.ts'

interface Reason extends ErrorFacts {
  readonly reason: string
}

type BackupError = Extract<
  ErrorCode,
  'BACKUP_SOURCE_FAILED' | 'BACKUP_CONTENT_REFUSED' | 'RESTORE_REFUSED' | 'RESTORE_FAILED'
>

export function restoreRefused(facts: Reason, cause?: unknown): CoffreError {
  return new CoffreError('RESTORE_REFUSED', { facts, cause })
}

/** What is not a CoffreError yet, under this code. An abort stays one: it is nobody's failure. */
export function asBackupError(code: BackupError, error: unknown, facts: ErrorFacts = {}): unknown {
  if (error instanceof CoffreError || isAbort(error)) return error
  return new CoffreError(code, { facts: { reason: systemReason(error), ...facts }, cause: error })
}

/** `ENOSPC` and the like. */
export function systemReason(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown'
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError'
}
