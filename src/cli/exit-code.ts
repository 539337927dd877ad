import { CoffreError, type ErrorCode } from '../model/errors.ts'
import { UsageError } from './usage-error.ts'

export const OK = 0 as const
/** A check found something. */
export const FINDING = 1 as const
export const USAGE = 2 as const
export const INTEGRITY = 3 as const
/** A wrong, revoked or missing key. */
export const KEY = 4 as const
export const UNAVAILABLE = 5 as const
/** EX_CONFIG of sysexits.h: supervisors such as systemd do not restart on it. */
export const CONFIGURATION = 78 as const
/** 128 + SIGINT, as shells report it. */
export const INTERRUPTED = 130 as const

export type ExitCode =
  | typeof OK
  | typeof FINDING
  | typeof USAGE
  | typeof INTEGRITY
  | typeof KEY
  | typeof UNAVAILABLE
  | typeof CONFIGURATION
  | typeof INTERRUPTED

export const EXIT_CODES: Readonly<Record<ErrorCode, ExitCode>> = {
  INVALID_REQUEST: USAGE,
  LIMIT_EXCEEDED: USAGE,
  BUSY: UNAVAILABLE,
  NOT_FOUND: USAGE,
  UNAUTHENTICATED: KEY,
  FORBIDDEN: KEY,
  TOKEN_NOT_FOUND: KEY,
  POLICY_NOT_FOUND: KEY,
  POLICY_EXISTS: USAGE,
  RATE_LIMITED: UNAVAILABLE,
  KEY_NOT_FOUND: KEY,
  KEY_EXISTS: USAGE,
  KEY_VERSION_NOT_FOUND: KEY,
  KEY_VERSION_UNUSABLE: KEY,
  KEY_VERSION_EXHAUSTED: KEY,
  KEY_VERSION_NEEDED: USAGE,
  KEY_SUSPENDED: KEY,
  KEY_PENDING_DESTRUCTION: KEY,
  KEY_REFUSED: KEY,
  MOVE_REFUSED: USAGE,
  PURPOSE_MISMATCH: KEY,
  ALGORITHM_UNSUPPORTED: USAGE,
  PARAMETERS_REFUSED: USAGE,
  DECRYPTION_FAILED: INTEGRITY,
  SIGNATURE_INVALID: INTEGRITY,
  CONFLICT: UNAVAILABLE,
  SEALED: UNAVAILABLE,
  PASSPHRASE_WRONG: KEY,
  SEAL_DAMAGED: INTEGRITY,
  SEAL_KEY_MISSING: KEY,
  SHARE_INVALID: KEY,
  SHARE_FOREIGN: KEY,
  SHARE_REPEATED: KEY,
  CEREMONY_UNDER_WAY: UNAVAILABLE,
  CEREMONY_NOT_FOUND: USAGE,
  NOT_INITIALISED: UNAVAILABLE,
  ALREADY_INITIALISED: USAGE,
  STORE_IN_USE: UNAVAILABLE,
  STORE_UNAVAILABLE: UNAVAILABLE,
  STORE_DAMAGED: INTEGRITY,
  AUDIT_UNAVAILABLE: UNAVAILABLE,
  AUDIT_DAMAGED: INTEGRITY,
  SELF_TEST_FAILED: INTEGRITY,
  CONFIG_REFUSED: CONFIGURATION,
  SERVER_UNREACHABLE: UNAVAILABLE,
  INTERNAL: UNAVAILABLE,
}

export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof UsageError) return error.key === 'error.interrupted' ? INTERRUPTED : USAGE
  return EXIT_CODES[error instanceof CoffreError ? error.code : 'INTERNAL']
}
