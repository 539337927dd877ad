import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod'
import { CoffreError, type ErrorCode, ERRORS } from '../model/errors.ts'
import { type Problem, REQUEST_ID_HEADER } from '../model/wire.ts'
import { ERROR_STATUS } from './error-status.ts'

const JSON_TYPE = 'application/json'
export const PROBLEM_TYPE = 'application/problem+json; charset=utf-8'

/** A queue of costly work moves on within seconds. */
const RETRY_AFTER_SECONDS = 2
/** As long as one value may be. */
const MAX_DISCARDED_BYTES = 1024 * 1024
/** A path in the body ends in names that the caller chose. */
const MAX_PATH_CHARACTERS = 128

/**
 * RFC 9457. Whatever is not a CoffreError is answered as INTERNAL; that and every other fault of the system, such as
 * a full disk behind AUDIT_UNAVAILABLE, is logged whole.
 */
export function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const known = toCoffreError(error, request.routeOptions?.config?.mediaType ?? JSON_TYPE)
  if (ERRORS[known.code].fault === 'system') request.log.error({ err: error }, 'request failed')
  const problem = describeProblem(known, request.id)
  // Where no route was reached, no hook has set the id.
  void reply.header(REQUEST_ID_HEADER, request.id)
  if (known.code === 'BUSY') void reply.header('retry-after', RETRY_AFTER_SECONDS)
  const { retryAfterSeconds } = known.facts
  if (retryAfterSeconds !== undefined) void reply.header('retry-after', String(retryAfterSeconds))
  if (hasLongRest(request)) void reply.header('connection', 'close')
  void reply.code(problem.status).header('content-type', PROBLEM_TYPE).send(JSON.stringify(problem))
}

/**
 * Node would read the rest of the body, however long, only to throw it away. A short one it may: a client that is cut
 * off while it sends can miss the answer.
 */
function hasLongRest({ raw }: FastifyRequest): boolean {
  if (raw.complete) return false
  const length = raw.headers['content-length']
  return length === undefined || Number(length) > MAX_DISCARDED_BYTES
}

export function describeProblem(error: CoffreError, requestId: string): Problem {
  return {
    type: `urn:coffre:error:${error.code}`,
    title: error.message,
    status: ERROR_STATUS[error.code],
    detail: error.next,
    code: error.code,
    facts: error.facts,
    requestId,
  }
}

export function toCoffreError(error: unknown, mediaType: string): CoffreError {
  if (error instanceof CoffreError) return error
  if (hasZodFastifySchemaValidationErrors(error)) {
    const [first] = error.validation
    const path = (first?.instancePath ?? '').replaceAll('/', '.').replace(/^\./, '')
    const at = path === '' ? (error.validationContext ?? 'request') : path.slice(0, MAX_PATH_CHARACTERS)
    return new CoffreError('INVALID_REQUEST', { facts: { at, expected: expectationOf(first) } })
  }
  if (error instanceof Error && 'code' in error) return fromFastify(error as FastifyError, mediaType) // has a code
  return new CoffreError('INTERNAL', { cause: error })
}

/** Zod's sentence, except where it lists names that the caller sent: there may be thousands of them. */
function expectationOf(first: { readonly keyword: string; readonly message?: string } | undefined): string {
  if (first?.keyword === 'unrecognized_keys') return 'no members but those of the reference'
  return first?.message ?? 'another value'
}

/** Fastify's own refusals of a request: size, content type, JSON syntax. */
function fromFastify(error: FastifyError, mediaType: string): CoffreError {
  const codes: Readonly<Record<string, ErrorCode>> = {
    FST_ERR_CTP_BODY_TOO_LARGE: 'LIMIT_EXCEEDED',
    FST_ERR_CTP_INVALID_MEDIA_TYPE: 'MEDIA_TYPE_UNSUPPORTED',
    FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'INVALID_REQUEST',
    FST_ERR_CTP_EMPTY_JSON_BODY: 'INVALID_REQUEST',
    FST_ERR_CTP_INVALID_JSON_BODY: 'INVALID_REQUEST',
    // The caller hung up in the middle of a body: nobody reads the answer, and it is no failure of ours.
    ECONNRESET: 'INVALID_REQUEST',
    FST_ERR_BAD_URL: 'NOT_FOUND',
    FST_ERR_MAX_PARAM_LENGTH: 'NOT_FOUND',
    FST_ERR_NOT_FOUND: 'NOT_FOUND',
  }
  const code = codes[error.code]
  if (code === undefined) return new CoffreError('INTERNAL', { cause: error })
  const about = {
    INVALID_REQUEST: { at: 'body', expected: mediaType },
    MEDIA_TYPE_UNSUPPORTED: { expected: mediaType },
  }
  const facts = code in about ? about[code as keyof typeof about] : {}
  return new CoffreError(code, { facts, cause: error })
}
