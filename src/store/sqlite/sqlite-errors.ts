import { CoffreError, type ErrorCode } from '../../model/errors.ts'

/** Primary result codes of SQLite (https://sqlite.org/rescode.html); the low byte of an extended code. */
export const SQLITE_BUSY = 5

const BY_PRIMARY_CODE: ReadonlyMap<number, ErrorCode> = new Map([
  [1, 'INTERNAL'], // SQLITE_ERROR: the statement itself is wrong
  [11, 'STORE_DAMAGED'], // SQLITE_CORRUPT
  [18, 'LIMIT_EXCEEDED'], // SQLITE_TOOBIG
  [19, 'INTERNAL'], // SQLITE_CONSTRAINT: the caller wrote what the schema forbids
  [20, 'INTERNAL'], // SQLITE_MISMATCH
  [21, 'INTERNAL'], // SQLITE_MISUSE
  [24, 'STORE_DAMAGED'], // SQLITE_FORMAT
  [25, 'INTERNAL'], // SQLITE_RANGE
  [26, 'STORE_DAMAGED'], // SQLITE_NOTADB
])

/** Every error of node:sqlite as a CoffreError. What is neither damage nor a bug is the medium's trouble. */
export function toStoreError(error: unknown): CoffreError {
  if (error instanceof CoffreError) return error
  const primary = primaryCode(error)
  if (primary !== undefined) {
    const code = BY_PRIMARY_CODE.get(primary) ?? 'STORE_UNAVAILABLE'
    return new CoffreError(code, { facts: { sqlite: primary }, cause: error })
  }
  // An integer that no double holds: nothing of ours writes one.
  if (nodeCode(error) === 'ERR_OUT_OF_RANGE') return new CoffreError('STORE_DAMAGED', { cause: error })
  // The connection is closed.
  if (nodeCode(error) === 'ERR_INVALID_STATE') return new CoffreError('STORE_UNAVAILABLE', { cause: error })
  return new CoffreError('INTERNAL', { cause: error })
}

/** `undefined` when the error is not SQLite's. */
export function primaryCode(error: unknown): number | undefined {
  const code = extendedCode(error)
  return code === undefined ? undefined : code & 0xff
}

/** SQLITE_IOERR_FSYNC and SQLITE_IOERR_DIR_FSYNC: what was written may not be on the disk. */
export function isSyncFailure(error: unknown): boolean {
  const code = extendedCode(error)
  return code === 1_034 || code === 1_290
}

function extendedCode(error: unknown): number | undefined {
  if (nodeCode(error) !== 'ERR_SQLITE_ERROR' || !(error instanceof Error) || !('errcode' in error))
    return undefined
  return typeof error.errcode === 'number' ? error.errcode : undefined
}

function nodeCode(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}
