import type { BatchItem, DataOperationName, DataOperations, Inspection } from '../model/coffre.ts'
import { REQUEST_BYTE_FIELDS } from '../model/wire.ts'
import {
  type AnswerShape,
  DATA_SHAPES,
  INSPECTION_SHAPE,
  type JsonObject,
  parseAnswer,
  parseObject,
  strangeAnswer,
} from './answer-shape.ts'
import { encodeBase64 } from './base64.ts'
import type { Connection } from './connection.ts'
import { parseBatchError } from './parse-problem.ts'

export async function sendOperation<Name extends DataOperationName>(
  connection: Connection,
  operation: Name,
  request: DataOperations[Name]['request'],
): Promise<DataOperations[Name]['result']> {
  const answer = await connection.send({
    method: 'POST',
    path: `/${operation}`,
    body: toBody(operation, request),
  })
  return parseAnswer(answer, DATA_SHAPES[operation])
}

export async function sendBatch<Name extends DataOperationName>(
  connection: Connection,
  operation: Name,
  requests: readonly DataOperations[Name]['request'][],
): Promise<readonly BatchItem<DataOperations[Name]['result']>[]> {
  const body = { items: requests.map((request) => toBody(operation, request)) }
  const answer = parseObject(await connection.send({ method: 'POST', path: `/${operation}/batch`, body }))
  const items = answer['items']
  // An answer per request, in order: with one missing, every later one would belong to the wrong request.
  if (!Array.isArray(items) || items.length !== requests.length) throw strangeAnswer('items')
  return items.map((item) => parseItem(operation, item))
}

export async function sendInspect(connection: Connection, blob: string | Uint8Array): Promise<Inspection> {
  const body = typeof blob === 'string' ? { blob } : { blobBase64: encodeBase64(blob) }
  return parseAnswer(await connection.send({ method: 'POST', path: '/inspect', body }), INSPECTION_SHAPE)
}

export function parseItem<Name extends DataOperationName>(
  operation: Name,
  value: unknown,
): BatchItem<DataOperations[Name]['result']> {
  const shape: AnswerShape<DataOperations[Name]['result']> = DATA_SHAPES[operation]
  const item = parseObject(value)
  if (item['ok'] === true) return { ok: true, value: parseAnswer(item['value'], shape) }
  if (item['ok'] === false) return { ok: false, error: parseBatchError(item['error']) }
  throw strangeAnswer('ok')
}

/**
 * What each operation reads. The server refuses other members and the embedded Coffre ignores them, so
 * `decrypt(await encrypt(…))`, whose type allows it, must leave them out here; a data key's plaintext too.
 */
const MEMBERS: {
  readonly [Name in DataOperationName]: Readonly<Record<keyof DataOperations[Name]['request'], true>>
} = {
  encrypt: { key: true, plaintext: true, context: true },
  decrypt: { ciphertext: true, context: true, key: true },
  rewrap: { ciphertext: true, context: true, key: true, toKey: true, toContext: true },
  sign: { key: true, message: true },
  verify: { key: true, message: true, signature: true, version: true },
  mac: { key: true, message: true },
  'verify-mac': { key: true, message: true, mac: true, version: true },
  'data-key': { key: true, bytes: true, context: true, withPlaintext: true },
  'derive-key': { key: true, peerPublicKey: true, info: true, bytes: true, version: true },
  random: { bytes: true },
}

export function toBody(operation: DataOperationName, request: object): JsonObject {
  const body: Record<string, unknown> = Object.fromEntries(
    Object.entries(request).filter(([member]) => Object.hasOwn(MEMBERS[operation], member)),
  )
  for (const field of REQUEST_BYTE_FIELDS) {
    const value = body[field]
    if (typeof value === 'string' || value instanceof Uint8Array) body[field] = encodeBase64(value)
  }
  return body
}
