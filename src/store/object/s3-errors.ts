import { CoffreError, type ErrorCode, type ErrorFacts } from '../../model/errors.ts'

const MAX_REASON_LENGTH = 64
const REFUSED_STATUS: ReadonlySet<number> = new Set([301, 307, 401, 403])
/** With another status than 403. */
const REFUSED_REASONS: ReadonlySet<string> = new Set([
  'AuthorizationHeaderMalformed',
  'CredentialsProviderError',
  'ExpiredToken',
  'InvalidToken',
  'TokenRefreshRequired',
])
const BUCKET_REASONS: ReadonlySet<string> = new Set(['NoSuchBucket', 'InvalidBucketName'])
/** Servers say AccessDenied for a lock as well, each in words of its own. */
const LOCK_WORDS = /object ?lock|\bWORM\b|retention|legal ?hold/i

/**
 * What the server said, or that it said nothing. Only its word is kept: its text may repeat what we sent, and the SDK's
 * error holds the whole request.
 */
export class S3Failure extends Error {
  /** The server's own word, or the system's: `SlowDown`, `ECONNREFUSED`. */
  readonly reason: string
  /** 0 where there was no answer. */
  readonly status: number
  readonly isLock: boolean

  constructor(error: unknown) {
    const { reason, status, text } = describe(error)
    super(reason)
    this.reason = reason
    this.status = status
    this.isLock = reason === 'ObjectLocked' || LOCK_WORDS.test(text)
  }
}

/** Runs one request of the SDK. Throws S3Failure, so that no other error is taken for the server's. */
export async function asked<Answer>(request: () => Promise<Answer>): Promise<Answer> {
  try {
    return await request()
  } catch (error) {
    throw new S3Failure(error)
  }
}

/** Anything but an S3Failure passes as it is. */
export function toCoffreError(error: unknown, facts: ErrorFacts): unknown {
  if (!(error instanceof S3Failure)) return error
  return new CoffreError(codeFor(error), { facts: { ...facts, reason: error.reason }, cause: error.reason })
}

export function isStatus(error: unknown, ...statuses: readonly number[]): boolean {
  return error instanceof S3Failure && statuses.includes(error.status)
}

function codeFor({ reason, status, isLock }: S3Failure): ErrorCode {
  if (BUCKET_REASONS.has(reason)) return 'BUCKET_NOT_FOUND'
  if (isLock && status >= 400 && status < 500) return 'OBJECT_LOCKED'
  if (REFUSED_STATUS.has(status) || REFUSED_REASONS.has(reason)) return 'OBJECT_STORE_REFUSED'
  return 'OBJECT_STORE_UNAVAILABLE'
}

function describe(error: unknown): {
  readonly reason: string
  readonly status: number
  readonly text: string
} {
  if (!(error instanceof Error)) return { reason: 'unknown', status: 0, text: '' }
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name
  const reason = /^\w+$/.test(code) ? code.slice(0, MAX_REASON_LENGTH) : 'unknown'
  return { reason, status: statusOf(error), text: error.message }
}

function statusOf(error: object): number {
  const metadata = '$metadata' in error ? error.$metadata : undefined
  if (typeof metadata !== 'object' || metadata === null || !('httpStatusCode' in metadata)) return 0
  return typeof metadata.httpStatusCode === 'number' ? metadata.httpStatusCode : 0
}
