import { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { ContextPairs } from '../model/coffre.ts'
import { CoffreError } from '../model/errors.ts'
import { MAX_CONTEXT_HEADER_CHARACTERS } from '../model/limits.ts'
import type { ByteStream } from '../model/streams.ts'
import { CONTEXT_HEADER } from '../model/wire.ts'
import { parseJsonBody } from './json-body.ts'
import { CONTEXT } from './schema.ts'

/** How long nothing may move on a stream, in either direction. */
const STREAM_IDLE_MS = 60_000
/** After a refusal the rest of a body is thrown away for so long, so that the sender can read why. */
const LINGER_MS = 2_000

/** The body of a request as it comes in. Whoever stops reading it leaves the answer a way out. */
export function bodyOf(request: FastifyRequest): ByteStream {
  return ReadableStream.from(request.raw.iterator({ destroyOnReturn: false }))
}

/** Ends the connection when nothing has moved for a while, and soon after an answer that came before the body's end. */
export function watchConnection(request: FastifyRequest, reply: FastifyReply, idle = STREAM_IDLE_MS): void {
  const { raw } = request
  // Without a listener of ours Node destroys the socket; whoever reads or writes it then fails.
  raw.socket.setTimeout(idle)
  reply.raw.once('finish', () => {
    if (raw.complete) return
    const timer = setTimeout(() => {
      if (!raw.complete) raw.socket.destroy()
    }, LINGER_MS)
    timer.unref()
    raw.once('close', () => clearTimeout(timer))
  })
}

/** Sends `output` as it comes. A failure before its first byte is a problem document, a later one breaks off. */
export function sendStream(reply: FastifyReply, type: string, output: ByteStream): FastifyReply {
  return reply.header('content-type', type).send(Readable.fromWeb(output))
}

/** The context of a request whose body is something else: JSON in ASCII, in a header, since URLs are logged. */
export function readContextHeader(request: FastifyRequest): { readonly context?: ContextPairs } {
  const text = request.headers[CONTEXT_HEADER]
  if (text === undefined) return {}
  if (typeof text !== 'string' || !/^[\x20-\x7e]*$/.test(text)) refuseContext()
  if (text.length > MAX_CONTEXT_HEADER_CHARACTERS) {
    const facts = { at: CONTEXT_HEADER, maximum: MAX_CONTEXT_HEADER_CHARACTERS }
    throw new CoffreError('LIMIT_EXCEEDED', { facts })
  }
  const parsed = CONTEXT.safeParse(parseJsonBody(text))
  return parsed.success ? { context: parsed.data } : refuseContext()
}

function refuseContext(): never {
  const facts = { at: CONTEXT_HEADER, expected: 'a JSON object of texts, in ASCII' }
  throw new CoffreError('INVALID_REQUEST', { facts })
}
