import { CoffreError, type ErrorCode } from '../../model/errors.ts'

/** An error that the server reported, as `pg` gives it. */
export interface ServerError extends Error {
  readonly code: string
  readonly severity: string
}

/**
 * SQLSTATE by its class, the first two characters (PostgreSQL's documentation, appendix A). What is neither
 * damage nor a mistake of ours is the server's trouble: STORE_UNAVAILABLE.
 */
const BY_CLASS: ReadonlyMap<string, ErrorCode> = new Map([
  ['0A', 'INTERNAL'], // feature not supported
  ['21', 'INTERNAL'], // cardinality violation
  ['22', 'INTERNAL'], // data exception
  ['23', 'INTERNAL'], // integrity constraint: the caller wrote what the schema forbids
  ['34', 'INTERNAL'], // invalid cursor name
  ['42', 'INTERNAL'], // syntax error or access rule violation
  ['54', 'LIMIT_EXCEEDED'], // program limit exceeded
])

const BY_STATE: ReadonlyMap<string, ErrorCode> = new Map([
  ['0A000', 'STORE_UNAVAILABLE'], // a cached plan of a table that another node has just migrated
  ['42501', 'STORE_UNAVAILABLE'], // insufficient privilege: the operator's to give
  ['XX001', 'STORE_DAMAGED'], // data corrupted
  ['XX002', 'STORE_DAMAGED'], // index corrupted
])

/** What a server refuses at the door, and what the operator has to correct for each. */
const REFUSALS: ReadonlyMap<string, string> = new Map([
  ['28000', 'the server does not admit this user from here'],
  ['28P01', 'the password is not the right one'],
  ['3D000', 'there is no such database'],
  ['42501', 'this user may not create tables there'],
])

const SERIALIZATION_FAILURE = '40001'
const DEADLOCK_DETECTED = '40P01'
const IDLE_IN_TRANSACTION = '25P03'

/** Every error of `pg` as a CoffreError. Only the SQLSTATE is kept as a fact: messages hold values and names. */
export function toStoreError(error: unknown): CoffreError {
  if (error instanceof CoffreError) return error
  if (!isServerError(error))
    return new CoffreError(isMistake(error) ? 'INTERNAL' : 'STORE_UNAVAILABLE', { cause: error })
  const { code } = error
  const ours = BY_STATE.get(code) ?? BY_CLASS.get(code.slice(0, 2)) ?? 'STORE_UNAVAILABLE'
  return new CoffreError(ours, { facts: { sqlstate: code }, cause: error })
}

/** As `toStoreError`, while a store is being opened: what only the operator can mend is a setting. */
export function toOpenError(error: unknown): CoffreError {
  const ours = toStoreError(error)
  const reason = REFUSALS.get(sqlState(ours) ?? '')
  if (reason === undefined) return ours
  return new CoffreError('CONFIG_REFUSED', { facts: { COFFRE_DATABASE_URL: reason }, cause: error })
}

/** Whether the connection is of no more use: it is lost, or the server has said that it ends it. */
export function endsConnection(error: unknown): boolean {
  if (!isServerError(error)) return true
  return error.severity === 'FATAL' || error.severity === 'PANIC' || error.code === IDLE_IN_TRANSACTION
}

/** The server chose this transaction as the one to give way. Nothing of it was written; it may run again. */
export function mayRunAgain(error: unknown): boolean {
  const state = sqlState(error)
  return state === SERIALIZATION_FAILURE || state === DEADLOCK_DETECTED
}

function isServerError(error: unknown): error is ServerError {
  return error instanceof Error && 'severity' in error && 'code' in error && typeof error.code === 'string'
}

function sqlState(error: unknown): string | undefined {
  if (!(error instanceof CoffreError)) return undefined
  const state = error.facts['sqlstate']
  return typeof state === 'string' ? state : undefined
}

/** `pg` reports lost connections as plain errors; these are bugs of ours. */
function isMistake(error: unknown): boolean {
  return error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError
}
