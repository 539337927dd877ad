import { z } from 'zod'
import type { Coffre, ContextPairs } from '../../model/coffre.ts'
import type { ByteStream } from '../../model/streams.ts'
import { CONTEXT_HEADER, STREAM_TYPE } from '../../model/wire.ts'
import { authenticate } from '../authenticate.ts'
import { KEY_NAME, PROBLEM } from '../schema.ts'
import type { ServerParts } from '../server-parts.ts'
import { bodyOf, readContextHeader, sendStream, watchConnection } from '../stream-body.ts'
import type { Api } from './api.ts'
import { dropUndefined } from './drop-undefined.ts'

const WHOLE = z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER)
const KEY_QUERY = z.object({ key: KEY_NAME })
const NO_QUERY = z.object({})
const RANGE_QUERY = z.object({
  size: WHOLE.describe('Bytes of the whole file'),
  offset: WHOLE.describe('The first byte of the plaintext that is wanted'),
  length: WHOLE.optional().describe('Bytes of the plaintext; to the end when absent'),
})
const HEADERS = z.object({
  [CONTEXT_HEADER]: z.string().optional().describe('The context, as a JSON object in ASCII'),
})
const BYTES = { content: { [STREAM_TYPE]: { schema: z.string().describe('Bytes, as they come') } } }

interface StreamRoute<Query extends z.ZodType> {
  readonly url: string
  readonly summary: string
  readonly query: Query
  run(
    coffre: Coffre,
    body: ByteStream,
    asked: { readonly query: z.output<Query>; readonly context?: ContextPairs },
  ): Promise<ByteStream>
}

/** Bodies of any length, read and answered as they come (docs/en/streams.md). */
export async function addStreamRoutes(api: Api, parts: ServerParts): Promise<void> {
  await api.register(async (streams) => {
    // The handler reads the body itself.
    streams.addContentTypeParser(STREAM_TYPE, (_request, _body, done) => done(null))
    streams.removeContentTypeParser('application/json')
    addStreamRoute(streams, parts, {
      url: '/encrypt-stream',
      summary: 'Encrypt data of any length, as it comes',
      query: KEY_QUERY,
      run: (coffre, body, { query, ...context }) => coffre.encryptStream(body, { ...query, ...context }),
    })
    addStreamRoute(streams, parts, {
      url: '/decrypt-stream',
      summary: 'Decrypt data of any length, as it comes',
      query: NO_QUERY,
      run: (coffre, body, { query: _query, ...context }) => coffre.decryptStream(body, context),
    })
    addStreamRoute(streams, parts, {
      url: '/decrypt-range',
      summary: 'Decrypt a part of a file from the chunks that hold it',
      query: RANGE_QUERY,
      run: (coffre, body, { query, ...context }) =>
        coffre.decryptParts(body, {
          ...dropUndefined(query),
          size: query.size,
          offset: query.offset,
          ...context,
        }),
    })
  })
}

function addStreamRoute<Query extends z.ZodType>(
  api: Api,
  parts: ServerParts,
  route: StreamRoute<Query>,
): void {
  api.route({
    method: 'POST',
    url: route.url,
    bodyLimit: Number.MAX_SAFE_INTEGER,
    config: { mediaType: STREAM_TYPE, isStream: true },
    schema: {
      summary: route.summary,
      tags: ['data'],
      security: [{ token: [] }],
      consumes: [STREAM_TYPE],
      querystring: route.query,
      headers: HEADERS,
      response: { 200: BYTES, default: PROBLEM },
    },
    onRequest: async (request, reply) => {
      watchConnection(request, reply, parts.streamIdleMilliseconds)
      request.coffre = await authenticate(parts.core, request)
    },
    handler: async (request, reply) => {
      // The validator has parsed it by the very schema that gives it its type.
      const query = request.query as z.output<Query>
      const asked = { query, ...readContextHeader(request) }
      return sendStream(reply, STREAM_TYPE, await route.run(request.coffre, bodyOf(request), asked))
    },
  })
}
