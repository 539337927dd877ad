import { BACKUP_ERRORS } from './backup-errors.ts'
import { OBJECT_ERRORS } from './object-errors.ts'

/** Who has to act: the caller, the operator of this installation, or the system itself. */
export type Fault = 'caller' | 'operator' | 'system'

export interface ErrorRow {
  readonly fault: Fault
  /** One fixed sentence. It never holds ids, inputs or secrets. */
  readonly sentence: string
  /** What the reader does next. */
  readonly next: string
}

/**
 * Every error that Coffre shows. HTTP status, CLI exit code and translations are exhaustive maps over
 * this table; docs/errors.md is generated from it. A released code is never renamed or removed.
 */
export const ERRORS = {
  INVALID_REQUEST: {
    fault: 'caller',
    sentence: 'The request is not valid.',
    next: 'Correct the field that is named here and send the request again.',
  },
  LIMIT_EXCEEDED: {
    fault: 'caller',
    sentence: 'The input is larger than this operation accepts.',
    next: 'Split the input, or use a batch within the limits of the reference.',
  },
  BUSY: {
    fault: 'caller',
    sentence: 'Too much costly work is waiting already.',
    next: 'Wait a moment and try again.',
  },
  NOT_FOUND: {
    fault: 'caller',
    sentence: 'There is nothing at this address.',
    next: 'Check the path and the method against /openapi.json.',
  },
  METHOD_NOT_ALLOWED: {
    fault: 'caller',
    sentence: 'This address does not take that method.',
    next: 'Use a method of the `Allow` header; /openapi.json has every route.',
  },
  MEDIA_TYPE_UNSUPPORTED: {
    fault: 'caller',
    sentence: 'The body is of a type that this address does not take.',
    next: 'Send the `Content-Type` that is named here.',
  },
  HEADERS_TOO_LARGE: {
    fault: 'caller',
    sentence: 'The head of the request is larger than 16 KiB.',
    next: 'Send fewer or shorter headers and a shorter address.',
  },
  REQUEST_TIMEOUT: {
    fault: 'caller',
    sentence: 'The request did not arrive in time.',
    next: 'Send it again over a faster connection, or in smaller parts.',
  },
  UNAUTHENTICATED: {
    fault: 'caller',
    sentence: 'A valid token is needed.',
    next: 'Send `Authorization: Bearer <token>` with a token that is neither expired nor revoked.',
  },
  FORBIDDEN: {
    fault: 'caller',
    sentence: 'This token may not do that.',
    next: 'Use a token whose role and policies allow it; `coffre policy test` tells which rule decides.',
  },
  TOKEN_NOT_FOUND: {
    fault: 'caller',
    sentence: 'There is no such token.',
    next: 'List the tokens with `coffre token list`.',
  },
  POLICY_NOT_FOUND: {
    fault: 'caller',
    sentence: 'There is no such policy.',
    next: 'List the policies with `coffre policy list`.',
  },
  POLICY_EXISTS: {
    fault: 'caller',
    sentence: 'A policy of that name exists already.',
    next: 'Choose another name, or change it with `coffre policy update`.',
  },
  RATE_LIMITED: {
    fault: 'caller',
    sentence: 'Too many attempts failed, so no more are taken for a while.',
    next: 'Wait for the seconds that are named here, then try again with the right credential.',
  },
  LOGIN_ROLE_NOT_FOUND: {
    fault: 'caller',
    sentence: 'There is no such login role.',
    next: 'List the login roles with `coffre login-role list`.',
  },
  LOGIN_ROLE_EXISTS: {
    fault: 'caller',
    sentence: 'A login role of that name exists already.',
    next: 'Choose another name, or delete the existing one.',
  },
  USER_NOT_FOUND: {
    fault: 'caller',
    sentence: 'There is no such user.',
    next: 'List the users with `coffre user list`, or create one with `coffre user create`.',
  },
  USER_EXISTS: {
    fault: 'caller',
    sentence: 'A user of that client id exists already.',
    next: 'Choose another client id, or give the existing user a new secret with `coffre user rotate-secret`.',
  },
  API_KEY_REFUSED: {
    fault: 'caller',
    sentence: 'This cannot be a key of a provider.',
    next: 'Copy the whole key from the provider again, without a line break, and send it as `api_key`.',
  },
  API_KEY_REQUIRED: {
    fault: 'caller',
    sentence: 'No key of a provider is stored for this user.',
    next: 'Store one with `PATCH /users/me/api-key` or `coffre apikey set`.',
  },
  API_KEY_UNREADABLE: {
    fault: 'caller',
    sentence: 'The stored key of the provider does not open.',
    next: 'Store it again with `PATCH /users/me/api-key` or `coffre apikey set`; the audit log says what is wrong with the old one.',
  },
  KEY_NOT_FOUND: {
    fault: 'caller',
    sentence: 'There is no such key.',
    next: 'List the keys with `coffre key list`, or create it with `coffre key create`.',
  },
  KEY_EXISTS: {
    fault: 'caller',
    sentence: 'A key of that name exists already.',
    next: 'Choose another name, or rotate the existing key.',
  },
  KEY_VERSION_NOT_FOUND: {
    fault: 'caller',
    sentence: 'The key has no such version.',
    next: 'Show its versions with `coffre key show`.',
  },
  KEY_VERSION_UNUSABLE: {
    fault: 'caller',
    sentence: 'The state of this key version does not allow the operation.',
    next: 'Show the key; resume, roll back or rotate it, or lower its floor.',
  },
  KEY_VERSION_EXHAUSTED: {
    fault: 'caller',
    sentence: 'This key version has reached its limit of uses.',
    next: 'Rotate the key; old data stays readable.',
  },
  KEY_VERSION_NEEDED: {
    fault: 'caller',
    sentence: 'Data may still need this key version.',
    next: 'Rewrap the data to the current version, raise the floor above it, then destroy it.',
  },
  KEY_SUSPENDED: {
    fault: 'caller',
    sentence: 'The key is suspended.',
    next: 'Resume it with `coffre key resume`.',
  },
  KEY_PENDING_DESTRUCTION: {
    fault: 'caller',
    sentence: 'The key is scheduled for destruction.',
    next: 'Cancel with `coffre key cancel-destroy` while the window is open.',
  },
  KEY_REFUSED: {
    fault: 'caller',
    sentence: 'This key material is too weak or malformed.',
    next: 'Use a key that meets the rule that is named here.',
  },
  SECRET_FILE_REFUSED: {
    fault: 'operator',
    sentence: 'A secret file is not as it must be to be read or changed safely; nothing was changed.',
    next: 'Correct what is named here and run it again.',
  },
  SECRET_FILE_BUSY: {
    fault: 'operator',
    sentence: 'Another run is changing the secret files of this project.',
    next: 'Wait until it has ended and try again.',
  },
  SECRET_KEY_EXISTS: {
    fault: 'operator',
    sentence: 'A key stands in these files already.',
    next: 'Rotate it with `coffre secret-key rotate`, or replace it at once with --force.',
  },
  SECRET_KEY_ROLLED_BACK: {
    fault: 'operator',
    sentence: 'The application did not come up with the new key, so every file is as it was before.',
    next: 'Look at why the restart or the probe failed, then rotate again.',
  },
  SECRET_BACKUP_NOT_FOUND: {
    fault: 'operator',
    sentence: 'There is no backup of such a key.',
    next: 'List the backups with `coffre secret-key recover`.',
  },
  MOVE_REFUSED: {
    fault: 'caller',
    sentence: 'The key cannot make this move from its present state.',
    next: 'Show the key; the lifecycle table is in docs/design/lifecycle.md.',
  },
  PURPOSE_MISMATCH: {
    fault: 'caller',
    sentence: 'The key was created for another purpose.',
    next: 'Use a key whose purpose fits the operation.',
  },
  ALGORITHM_UNSUPPORTED: {
    fault: 'caller',
    sentence: 'The algorithm is unknown, or does not serve that purpose.',
    next: 'List algorithms and purposes with `coffre key create --help`.',
  },
  PARAMETERS_REFUSED: {
    fault: 'caller',
    sentence: 'The derivation parameters are below the floor or above the ceiling.',
    next: 'Stay within the bounds that are named here.',
  },
  DECRYPTION_FAILED: {
    fault: 'caller',
    sentence: 'The ciphertext could not be decrypted.',
    next: 'Check the key, the context and that the ciphertext is complete; `coffre inspect` shows what it is.',
  },
  SIGNATURE_INVALID: {
    fault: 'caller',
    sentence: 'The signature or MAC is not valid for this message.',
    next: 'Check the message, the key and the version.',
  },
  NOT_EXPORTABLE: {
    fault: 'caller',
    sentence: 'This key was not made to be exported.',
    next: 'Make or import a key with `--exportable`; a key that has not got it never gets it.',
  },
  IMPORT_TOKEN_INVALID: {
    fault: 'caller',
    sentence: 'The import token is not valid, was used, or is over.',
    next: 'Get another with `coffre key import-params` and wrap the key again.',
  },
  TOO_MANY_STREAMS: {
    fault: 'caller',
    sentence: 'As many streams as are allowed are under way.',
    next: 'Wait until one has ended and try again, or raise COFFRE_MAX_STREAMS.',
  },
  STREAM_INCOMPLETE: {
    fault: 'system',
    sentence: 'The stream ended before it was complete.',
    next: 'Discard what came; the audit record of this request id says why it ended.',
  },
  CONFLICT: {
    fault: 'caller',
    sentence: 'Somebody else changed this at the same time.',
    next: 'Read it again and repeat the change.',
  },
  SEALED: {
    fault: 'operator',
    sentence: 'Coffre is sealed: the root key is not in memory.',
    next: 'Unseal it with `coffre unseal`.',
  },
  PASSPHRASE_WRONG: {
    fault: 'operator',
    sentence: 'The passphrase or seal key is not the one that sealed this store.',
    next: 'Try the right one; the stored seal itself is intact.',
  },
  SEAL_DAMAGED: {
    fault: 'operator',
    sentence: 'The stored seal is damaged.',
    next: 'Restore the data folder from a backup; the passphrase was not judged.',
  },
  SEAL_KEY_MISSING: {
    fault: 'operator',
    sentence: 'The seal key is missing or unreadable.',
    next: 'Put back the key file (COFFRE_SEAL_KEY_PATH), set the variable, or give the passphrase (COFFRE_PASSPHRASE_FILE).',
  },
  SHARE_INVALID: {
    fault: 'operator',
    sentence: 'This is not a complete share or seal key: something in it is mistyped or missing.',
    next: 'Compare it with its sheet, letter by letter, and give it again. Nothing was counted.',
  },
  SHARE_FOREIGN: {
    fault: 'operator',
    sentence: 'This share does not belong to the seal that is there.',
    next: 'Use a sheet that was printed for this Coffre at its last change of shares.',
  },
  SHARE_REPEATED: {
    fault: 'operator',
    sentence: 'This share was given already.',
    next: 'Give another one; each counts once.',
  },
  CEREMONY_UNDER_WAY: {
    fault: 'operator',
    sentence: 'Another ceremony is under way.',
    next: 'Let it end or expire, let its starter cancel it, or take its place with enough shares: `coffre operator ceremony take-over`.',
  },
  CEREMONY_NOT_FOUND: {
    fault: 'operator',
    sentence: 'There is no such ceremony, or it is not ready for that.',
    next: 'Look at `coffre operator ceremony show`, and begin again.',
  },
  NOT_INITIALISED: {
    fault: 'operator',
    sentence: 'There is no Coffre here yet.',
    next: 'Create one with `coffre init`.',
  },
  ALREADY_INITIALISED: {
    fault: 'operator',
    sentence: 'There is a Coffre here already.',
    next: 'Use it, or choose another data folder.',
  },
  STORE_MOVED: {
    fault: 'operator',
    sentence: 'This store was moved to a database and is closed for good.',
    next: 'Set COFFRE_DATABASE_URL to the database that is named here; keep the folder until that is backed up.',
  },
  STORE_INCOMPLETE: {
    fault: 'operator',
    sentence: 'A store is being moved into this database, and only a part of it is here.',
    next: 'Run `coffre store migrate-to` again from the data folder; it goes on where it stopped.',
  },
  STORE_IN_USE: {
    fault: 'operator',
    sentence: 'Another process holds this data folder.',
    next: 'Talk to that server with COFFRE_ADDR and COFFRE_TOKEN, or stop it first.',
  },
  STORE_UNAVAILABLE: {
    fault: 'system',
    sentence: 'The store did not answer.',
    next: 'Check disk space, permissions and the database, then try again.',
  },
  STORE_DAMAGED: {
    fault: 'system',
    sentence: 'A stored record does not open under its own name.',
    next: 'Stop writing, keep a copy, and restore from a backup.',
  },
  AUDIT_UNAVAILABLE: {
    fault: 'system',
    sentence: 'The audit log could not record the operation, so it was not done.',
    next: 'Check disk space and the database, then try again.',
  },
  AUDIT_DAMAGED: {
    fault: 'operator',
    sentence: 'The audit log does not verify.',
    next: 'Keep a copy of the store; `coffre audit log verify` names the first bad record.',
  },
  PROOF_INVALID: {
    fault: 'operator',
    sentence: 'The proof does not lead to the root hash of its checkpoint.',
    next: 'Get it again; if it stays, keep both: they show that somebody changed the log or the proof.',
  },
  AUDIT_ROLLED_BACK: {
    fault: 'operator',
    sentence:
      'The audit log is shorter than its checkpoint outside the database: records are missing at its end.',
    next: 'Put the newer database back; after a wanted restore, accept it with `coffre audit accept-restore`.',
  },
  AUDIT_FORKED: {
    fault: 'operator',
    sentence: 'The audit log is another one than its checkpoint outside the database says.',
    next: 'Check COFFRE_CHECKPOINT_FILE and who changed the database; accept a wanted restore with `coffre audit accept-restore`.',
  },
  CACHE_MISS: {
    fault: 'caller',
    sentence: 'The cache has no such entry, or it has expired.',
    next: 'Fetch the value from its source and set it again.',
  },
  CACHE_KEY_WRONG: {
    fault: 'caller',
    sentence: 'This cache entry was written under another key.',
    next: 'Use the secret of the user who wrote it; after a change of secret, run `coffre cache rekey`.',
  },
  CACHE_CONFLICT: {
    fault: 'caller',
    sentence: 'The cache holds an entry of another key under this name.',
    next: 'Use the form with a namespace for each user, or delete the entry first.',
  },
  CACHE_NOT_JSON: {
    fault: 'operator',
    sentence: 'This cache entry is authentic and holds no JSON.',
    next: 'Set it again as JSON, or delete it; Python’s NaN and Infinity are no JSON either.',
  },
  CACHE_TAMPERED: {
    fault: 'operator',
    sentence: 'This cache entry was changed by somebody else.',
    next: 'Find out who writes to the cache server; set the entry again from its source.',
  },
  CACHE_UNAVAILABLE: {
    fault: 'system',
    sentence: 'The cache server did not answer.',
    next: 'Check COFFRE_CACHE_URL, the server and its memory; until then every read is a miss.',
  },
  ...BACKUP_ERRORS,
  ...OBJECT_ERRORS,
  SELF_TEST_FAILED: {
    fault: 'system',
    sentence: 'A cryptographic self-test failed, so nothing was started.',
    next: 'Do not use this machine or build; run `coffre selftest` for the name of the test.',
  },
  CONFIG_REFUSED: {
    fault: 'operator',
    sentence: 'The configuration is not acceptable.',
    next: 'Correct every setting that is named here.',
  },
  CSRF_REFUSED: {
    fault: 'caller',
    sentence: 'This request may come from a page of another site.',
    next: 'Send it from the application’s own page, as JSON, with the value of the cookie `csrf` in `X-CSRF-Token`.',
  },
  SECRET_KEY_MISSING: {
    fault: 'operator',
    // The sentence of the program that these sessions come from, which people search for.
    sentence: 'SECRET_KEY non configurée',
    next: 'Set SECRET_KEY, or give the file that holds it (SECRET_KEY_FILE).',
  },
  SERVER_UNREACHABLE: {
    fault: 'operator',
    sentence: 'The server did not answer.',
    next: 'Check COFFRE_ADDR and that `coffre serve` runs.',
  },
  INTERNAL: {
    fault: 'system',
    sentence: 'An unexpected error happened inside Coffre.',
    next: 'Report it with the request id; nothing secret is in the log line of that id.',
  },
} as const satisfies Record<string, ErrorRow>

export type ErrorCode = keyof typeof ERRORS

export const ERROR_CODES = Object.keys(ERRORS).filter(isErrorCode)

export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(ERRORS, value)
}

/** Safe typed fields: names of settings and fields, counts, states. Never a secret or a user's value. */
export type ErrorFacts = Readonly<Record<string, string | number>>

interface ErrorDetails {
  readonly facts?: ErrorFacts
  /** For our own log and tests; never leaves the process. */
  readonly cause?: unknown
}

/** The one error class. `code` is stable; `message` is the table's sentence. */
export class CoffreError extends Error {
  override readonly name = 'CoffreError'
  readonly code: ErrorCode
  readonly facts: ErrorFacts

  constructor(code: ErrorCode, details: ErrorDetails = {}) {
    super(ERRORS[code].sentence, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    this.facts = details.facts ?? {}
  }

  get next(): string {
    return ERRORS[this.code].next
  }

  /** What may be shown outside: no cause, no stack. */
  toJSON(): { code: ErrorCode; message: string; next: string; facts: ErrorFacts } {
    return { code: this.code, message: this.message, next: this.next, facts: this.facts }
  }
}

/** What is no error of ours is a fault of ours. */
export function errorCodeOf(error: unknown): ErrorCode {
  return error instanceof CoffreError ? error.code : 'INTERNAL'
}

export function hasCode(error: unknown, code: ErrorCode): boolean {
  return error instanceof CoffreError && error.code === code
}
