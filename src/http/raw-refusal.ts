import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { CoffreError, type ErrorCode } from '../model/errors.ts'
import { REQUEST_ID_HEADER } from '../model/wire.ts'
import { newRequestId } from '../service/caller.ts'
import { describeProblem, PROBLEM_TYPE } from './problem.ts'

/** The body of a request that is no stream must arrive within it. */
export const BODY_TIMEOUT_MS = 30_000

/** What never became a request: a malformed or oversized head, or one that came too slowly. */
export function refuseHead(error: Error, socket: Duplex): void {
  const code = 'code' in error ? HEAD_ERRORS.get(error.code) : undefined
  writeProblem(socket, new CoffreError(code ?? 'INVALID_REQUEST'), newRequestId())
}

const HEAD_ERRORS: ReadonlyMap<unknown, ErrorCode> = new Map([
  ['HPE_HEADER_OVERFLOW', 'HEADERS_TOO_LARGE'],
  ['ERR_HTTP_REQUEST_TIMEOUT', 'REQUEST_TIMEOUT'],
])

/** An `Expect` other than 100-continue, which Node would refuse by a bare 417. */
export function refuseExpectation(_request: IncomingMessage, response: ServerResponse): void {
  const error = new CoffreError('INVALID_REQUEST', { facts: { at: 'expect', expected: '100-continue' } })
  const requestId = newRequestId()
  const problem = describeProblem(error, requestId)
  response.writeHead(problem.status, {
    'content-type': PROBLEM_TYPE,
    [REQUEST_ID_HEADER]: requestId,
    connection: 'close',
  })
  response.end(JSON.stringify(problem))
}

/** Ends a request whose body comes too slowly. Streams have an idle time-out of their own instead. */
export function boundBodyTime(request: FastifyRequest, reply: FastifyReply): void {
  const { raw } = request
  const { 'content-length': length, 'transfer-encoding': encoding } = raw.headers
  if (request.routeOptions.config.isStream === true) return
  if (raw.complete || (length === undefined && encoding === undefined)) return
  const timer = setTimeout(() => {
    if (raw.complete) return
    if (reply.raw.headersSent) raw.socket.destroy()
    else writeProblem(raw.socket, new CoffreError('REQUEST_TIMEOUT'), request.id)
  }, BODY_TIMEOUT_MS)
  timer.unref()
  raw.once('end', () => clearTimeout(timer))
  raw.once('close', () => clearTimeout(timer))
}

/** Past Node's own writer: there is no request yet, or its body is still being read. */
function writeProblem(socket: Duplex, error: CoffreError, requestId: string): void {
  if (!socket.writable) return
  const problem = describeProblem(error, requestId)
  const body = JSON.stringify(problem)
  const head = [
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? 'Refused'}`,
    `content-type: ${PROBLEM_TYPE}`,
    `content-length: ${Buffer.byteLength(body)}`,
    `${REQUEST_ID_HEADER}: ${requestId}`,
    'connection: close',
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy())
}
