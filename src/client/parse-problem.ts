import type { BatchError } from '../model/coffre.ts'
import { CoffreError, type ErrorFacts, ERRORS, isErrorCode } from '../model/errors.ts'
import { REQUEST_ID_HEADER } from '../model/wire.ts'
import { type JsonObject, parseObject, strangeAnswer } from './answer-shape.ts'

const MAX_FACTS = 32
const MAX_FACT_CHARACTERS = 1_024

export interface FailedAnswer {
  readonly status: number
  readonly headers: Headers
  readonly body: unknown
}

/** RFC 9457 problem details as our own error. A code of a newer server becomes INTERNAL and stays a fact. */
export function parseProblem(answer: FailedAnswer): CoffreError {
  if (!isProblem(answer)) return notOurs(answer)
  const body = parseObject(answer.body)
  const requestId = textOf(body, 'requestId') ?? answer.headers.get(REQUEST_ID_HEADER) ?? undefined
  const facts = requestId === undefined ? factsOf(body) : { ...factsOf(body), requestId }
  return isErrorCode(body['code'])
    ? new CoffreError(body['code'], { facts })
    : new CoffreError('INTERNAL', { facts: { ...facts, serverCode: textOf(body, 'code') ?? 'none' } })
}

/** The error of one item of a batch. Sentence and next step are our own table's, never the server's text. */
export function parseBatchError(value: unknown): BatchError {
  const error = parseObject(value)
  const code = error['code']
  if (!isErrorCode(code)) throw strangeAnswer('code')
  return { code, message: ERRORS[code].sentence, next: ERRORS[code].next, facts: factsOf(error) }
}

function isProblem(answer: FailedAnswer): boolean {
  const type = answer.headers.get('content-type') ?? ''
  return (
    type.startsWith('application/problem+json') && typeof answer.body === 'object' && answer.body !== null
  )
}

function notOurs(answer: FailedAnswer): CoffreError {
  const reason = answer.status >= 300 && answer.status < 400 ? 'redirected' : 'not an answer of Coffre'
  return new CoffreError('SERVER_UNREACHABLE', { facts: { reason, status: answer.status } })
}

function factsOf(body: JsonObject): ErrorFacts {
  const facts = body['facts']
  if (typeof facts !== 'object' || facts === null) return {}
  const kept: Record<string, string | number> = {}
  for (const [name, value] of Object.entries(facts).slice(0, MAX_FACTS)) {
    if (typeof value === 'number') kept[name] = value
    if (typeof value === 'string') kept[name] = value.slice(0, MAX_FACT_CHARACTERS)
  }
  return kept
}

function textOf(body: JsonObject, field: string): string | undefined {
  const value = body[field]
  return typeof value === 'string' ? value.slice(0, MAX_FACT_CHARACTERS) : undefined
}
