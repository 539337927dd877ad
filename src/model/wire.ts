/**
 * How the native HTTP API writes binary values: standard base64 with padding (RFC 4648, section 4) under
 * these names. `ciphertext` is text already and travels as it is.
 */
export const REQUEST_BYTE_FIELDS: readonly string[] = ['plaintext', 'message', 'signature', 'mac']
export const RESULT_BYTE_FIELDS: readonly string[] = ['plaintext', 'signature', 'mac', 'derivedKey', 'bytes']

/** Every path of the native API lies below it. */
export const API_PREFIX = '/api/v1'
/** The request id of an answer, also in every problem document and log line. */
export const REQUEST_ID_HEADER = 'x-request-id'

/** Bytes of any length. */
export const STREAM_TYPE = 'application/octet-stream'
/** One JSON value on each line. */
export const LINES_TYPE = 'application/x-ndjson'
/** The context of a request whose body is data: a JSON object, all of it in ASCII. */
export const CONTEXT_HEADER = 'coffre-context'

/** What a cache answered: HIT, or why there is no value. */
export const CACHE_STATUS_HEADER = 'x-cache-status'
/** Of a HIT: when it was written, and in which format. */
export const CACHE_WRITTEN_HEADER = 'x-cache-written-at'
export const CACHE_FORMAT_HEADER = 'x-cache-format'

/** An error answer: RFC 9457 problem details. */
export interface Problem {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly code: string
  readonly facts: Readonly<Record<string, string | number>>
  readonly requestId: string
}
