import type { BatchItem, DataOperationName, DataOperations } from '../model/coffre.ts'
import { CoffreError } from '../model/errors.ts'
import { readRangeParts } from '../model/file-layout.ts'
import type { ByteStream, DecryptPartsRequest, DecryptStreamRequest, Streams } from '../model/streams.ts'
import { CONTEXT_HEADER, LINES_TYPE, STREAM_TYPE } from '../model/wire.ts'
import { strangeAnswer } from './answer-shape.ts'
import type { Connection } from './connection.ts'
import { parseItem, toBody } from './remote-data.ts'
import { formatQuery } from './remote-keys.ts'

/** One answer of a batch: 1,000 random values have a line each, and one value at most 1.4 MiB. */
const MAX_ANSWER_LINE_CHARACTERS = 4 * 1024 * 1024

export function remoteStreams(connection: Connection): Streams {
  const send = (path: string, body: ByteStream, context: DecryptStreamRequest['context']) =>
    connection.sendStream({ path, body, type: STREAM_TYPE, headers: contextHeader(context) })
  const decryptParts = (parts: ByteStream, { size, offset, length, context }: DecryptPartsRequest) =>
    send(`/decrypt-range${formatQuery({ size, offset, length })}`, parts, context)
  return {
    encryptStream: (source, { key, context }) =>
      send(`/encrypt-stream${formatQuery({ key })}`, source, context),
    decryptStream: (source, { context } = {}) => send('/decrypt-stream', source, context),
    decryptParts,
    decryptRange: async (source, request) =>
      decryptParts(ReadableStream.from(readRangeParts(source, request)), { ...request, size: source.size }),
  }
}

/** Sends items as they come and gives their answers as they come. */
export async function* sendLines<Name extends DataOperationName>(
  connection: Connection,
  operation: Name,
  items: AsyncIterable<DataOperations[Name]['request']> | Iterable<DataOperations[Name]['request']>,
): AsyncGenerator<BatchItem<DataOperations[Name]['result']>> {
  let sent = 0
  async function* lines(): AsyncGenerator<Uint8Array> {
    for await (const item of items) {
      sent += 1
      yield new TextEncoder().encode(`${JSON.stringify(toBody(operation, item))}\n`)
    }
  }
  const answer = await connection.sendStream({
    path: `/${operation}/ndjson`,
    body: ReadableStream.from(lines()),
    type: LINES_TYPE,
    headers: {},
  })
  let received = 0
  for await (const line of readLines(answer)) {
    received += 1
    yield parseItem(operation, parseJson(line))
  }
  if (received !== sent) throw new CoffreError('STREAM_INCOMPLETE', { facts: { sent, received } })
}

/** Whole lines; what ends within one is no answer of ours. */
export async function* readLines(stream: ByteStream): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let open = ''
  for await (const piece of stream) {
    const lines = (open + decoder.decode(piece, { stream: true })).split('\n')
    open = lines.pop() ?? ''
    if (open.length > MAX_ANSWER_LINE_CHARACTERS) throw strangeAnswer('line')
    yield* lines
  }
  if (open !== '') throw strangeAnswer('line')
}

export function parseJson(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    throw strangeAnswer('line')
  }
}

/** Headers are ASCII, so everything else is escaped as JSON allows. */
function contextHeader(context: DecryptStreamRequest['context']): Readonly<Record<string, string>> {
  if (context === undefined) return {}
  const text = JSON.stringify(context).replaceAll(
    /[^\x20-\x7e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  return { [CONTEXT_HEADER]: text }
}
