import { CoffreError } from '../../../model/errors.ts'
import { toOpenError } from '../../postgres/postgres-errors.ts'
import { asBackupError, type FailureCode, printable, ProgramFailure } from '../reasons.ts'

/** Errors of `pg`, of the server and of its programs in the words of a backup. */
export function toBackupError(code: FailureCode, error: unknown): unknown {
  if (error instanceof ProgramFailure) return asBackupError(code, error)
  if (error instanceof CoffreError && error.code !== 'CONFIG_REFUSED') return error
  const { facts } = toOpenError(error)
  // A URL that is refused, or what the server refused at the door.
  const refusal = facts['COFFRE_DATABASE_URL']
  if (refusal !== undefined) return new CoffreError(code, { facts: { reason: refusal }, cause: error })
  const state = facts['sqlstate']
  if (state === undefined) return asBackupError(code, error)
  return new CoffreError(code, { facts: { reason: reasonOf(error), sqlstate: state }, cause: error })
}

/** The server's own sentence: for whoever runs the backup, who may read the database anyway. */
function reasonOf(error: unknown): string {
  return error instanceof Error ? printable(error.message) : 'the server refused'
}
