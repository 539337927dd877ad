import {
  type BatchItem,
  type Coffre,
  DATA_OPERATION_NAMES,
  type DataOperationName,
  type DataOperations,
} from '../../model/coffre.ts'
import { CoffreError } from '../../model/errors.ts'
import { LINES_TYPE } from '../../model/wire.ts'
import { z } from 'zod'
import { groupItems, sizeOfRequest } from '../../service/data/group-items.ts'
import { authenticate } from '../authenticate.ts'
import { decodeByteFields, encodeByteFields } from '../byte-fields.ts'
import { parseJsonBody } from '../json-body.ts'
import { type Line, splitLines } from '../lines.ts'
import { toCoffreError } from '../problem.ts'
import { OPERATION_REQUEST, PROBLEM } from '../schema.ts'
import type { ServerParts } from '../server-parts.ts'
import { bodyOf, sendStream, watchConnection } from '../stream-body.ts'
import type { Api } from './api.ts'

const LINES = { content: { [LINES_TYPE]: { schema: z.string().describe('One answer on each line') } } }
/** What a refused line takes until it is answered. */
const REFUSED_BYTES = 256

type Item<Name extends DataOperationName> =
  | { readonly request: DataOperations[Name]['request'] }
  | { readonly error: CoffreError }

/** Every operation for any number of items: one JSON object on each line, one answer on each line, in order. */
export async function addLinesRoutes(api: Api, parts: ServerParts): Promise<void> {
  await api.register(async (lines) => {
    // The handler reads the body itself.
    lines.addContentTypeParser(LINES_TYPE, (_request, _body, done) => done(null))
    lines.removeContentTypeParser('application/json')
    for (const operation of DATA_OPERATION_NAMES) addLinesRoute(lines, parts, operation)
  })
}

function addLinesRoute(api: Api, parts: ServerParts, operation: DataOperationName): void {
  api.route({
    method: 'POST',
    url: `/${operation}/ndjson`,
    bodyLimit: Number.MAX_SAFE_INTEGER,
    config: { mediaType: LINES_TYPE, isStream: true },
    schema: {
      summary: `The operation \`${operation}\` for any number of items, one on each line`,
      tags: ['data'],
      security: [{ token: [] }],
      consumes: [LINES_TYPE],
      response: { 200: LINES, default: PROBLEM },
    },
    onRequest: async (request, reply) => {
      watchConnection(request, reply, parts.streamIdleMilliseconds)
      request.coffre = await authenticate(parts.core, request)
    },
    handler: async (request, reply) => {
      const items = readItems(operation, splitLines(bodyOf(request)))
      const answers = answerItems(request.coffre, operation, items)
      return sendStream(reply, LINES_TYPE, ReadableStream.from(observed(answers)))
    },
  })

  async function* observed(answers: AsyncIterable<readonly BatchItem<object>[]>): AsyncGenerator<Uint8Array> {
    for await (const group of answers) {
      const failed = group.filter((item) => !item.ok).length
      parts.metrics.observeItems({ operation, succeeded: group.length - failed, failed })
      yield Buffer.from(group.map(toLine).join(''))
    }
  }
}

function toLine(item: BatchItem<object>): string {
  return `${JSON.stringify(item.ok ? { ok: true, value: encodeByteFields(item.value) } : item)}\n`
}

async function* readItems<Name extends DataOperationName>(
  operation: Name,
  lines: AsyncIterable<Line>,
): AsyncGenerator<Item<Name>> {
  for await (const line of lines) yield parseLine(operation, line)
}

function parseLine<Name extends DataOperationName>(operation: Name, line: Line): Item<Name> {
  if (line instanceof CoffreError) return { error: line }
  try {
    const body = OPERATION_REQUEST[operation].safeParse(parseJsonBody(Buffer.from(line)))
    if (!body.success) return { error: refusalOf(body.error) }
    // It was parsed by the schema of this operation.
    return { request: decodeByteFields(body.data) as never }
  } catch (error) {
    return { error: toCoffreError(error, LINES_TYPE) }
  }
}

function refusalOf(error: z.ZodError): CoffreError {
  const [issue] = error.issues
  const at = issue === undefined || issue.path.length === 0 ? 'line' : String(issue.path[0])
  const expected =
    issue?.code === 'unrecognized_keys' ? 'no members but those of the reference' : (issue?.message ?? '')
  return new CoffreError('INVALID_REQUEST', { facts: { at: at.slice(0, 128), expected } })
}

/** The answers of one group after the other. Items that are no requests are answered in their place. */
async function* answerItems<Name extends DataOperationName>(
  coffre: Coffre,
  operation: Name,
  items: AsyncIterable<Item<Name>>,
): AsyncGenerator<readonly BatchItem<object>[]> {
  const sizeOf = (item: Item<Name>) => ('error' in item ? REFUSED_BYTES : sizeOfRequest(item.request))
  for await (const group of groupItems(items, { sizeOf })) {
    const requests = group.flatMap((item) => ('error' in item ? [] : [item.request]))
    const answers = requests.length === 0 ? [] : await coffre.batch(operation, requests)
    let next = 0
    yield group.map((item): BatchItem<object> => {
      if ('error' in item) return { ok: false, error: item.error.toJSON() }
      const answer = answers[next]
      next += 1
      if (answer === undefined) throw new Error('unreachable: every request has an answer')
      return answer
    })
  }
}
