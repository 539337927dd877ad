import {
  type BatchItem,
  type Coffre,
  DATA_OPERATION_NAMES,
  type DataOperationName,
  type DataOperations,
} from '../../model/coffre.ts'
import { CoffreError } from '../../model/errors.ts'
import { MAX_BODY_BYTES, MAX_ITEM_BYTES } from '../../model/limits.ts'
import { decodeBase64, decodeByteFields, encodeByteFields } from '../byte-fields.ts'
import {
  batchRequest,
  batchResult,
  INSPECT_REQUEST,
  INSPECTION,
  OPERATION_REQUEST,
  OPERATION_RESULT,
} from '../schema.ts'
import type { ServerParts } from '../server-parts.ts'
import { type Api, addRoute } from './api.ts'

const SUMMARY: Readonly<Record<DataOperationName, string>> = {
  encrypt: 'Encrypt under the current version of a key',
  decrypt: 'Decrypt under the version that the ciphertext names',
  rewrap: 'Decrypt and encrypt again under the current version, a new key or a new context',
  sign: 'Sign a message',
  verify: 'Verify a signature',
  mac: 'Compute a MAC',
  'verify-mac': 'Verify a MAC',
  'data-key': 'Generate a data key, in clear and encrypted',
  'derive-key': 'Agree on a key with a peer (X25519, HKDF)',
  random: 'Random bytes',
}

/** Every operation twice: for one item, and for a batch whose items succeed or fail on their own. */
export function addDataRoutes(api: Api, parts: ServerParts): void {
  for (const operation of DATA_OPERATION_NAMES) {
    addRoute(api, parts, {
      method: 'POST',
      url: `/${operation}`,
      summary: SUMMARY[operation],
      tag: 'data',
      bodyLimit: MAX_ITEM_BYTES,
      body: OPERATION_REQUEST[operation],
      result: OPERATION_RESULT[operation],
      run: (coffre, { body }) => runOne(coffre, operation, body),
    })
    addRoute(api, parts, {
      method: 'POST',
      url: `/${operation}/batch`,
      summary: `${SUMMARY[operation]}, for up to 1,000 items`,
      tag: 'data',
      bodyLimit: MAX_BODY_BYTES,
      body: batchRequest(OPERATION_REQUEST[operation]),
      result: batchResult(OPERATION_RESULT[operation]),
      run: (coffre, { body }) => runBatch(coffre, operation, body.items),
    })
  }
  addRoute(api, parts, {
    method: 'POST',
    url: '/inspect',
    summary: 'What a blob says of itself, without a key',
    tag: 'data',
    bodyLimit: MAX_ITEM_BYTES,
    body: INSPECT_REQUEST,
    result: INSPECTION,
    run: (coffre, { body }) =>
      coffre.inspect('blob' in body ? body.blob : decodeBase64(body.blobBase64, 'blobBase64')),
  })

  async function runOne(coffre: Coffre, operation: DataOperationName, body: object): Promise<unknown> {
    const [item] = await runItems(coffre, operation, [body])
    if (item === undefined) throw new Error('unreachable: a batch of one has one item')
    if (item.ok) return encodeByteFields(item.value)
    throw new CoffreError(item.error.code, { facts: item.error.facts })
  }

  async function runBatch(coffre: Coffre, operation: DataOperationName, bodies: readonly unknown[]) {
    const items = await runItems(coffre, operation, bodies)
    return {
      items: items.map((item) => (item.ok ? { ok: true, value: encodeByteFields(item.value) } : item)),
    }
  }

  async function runItems(
    coffre: Coffre,
    operation: DataOperationName,
    bodies: readonly unknown[],
  ): Promise<readonly BatchItem<object>[]> {
    // Each body was parsed by the schema of this operation.
    const requests = bodies.map(
      (body) =>
        decodeByteFields(
          body as Record<string, unknown>,
        ) as never as DataOperations[typeof operation]['request'],
    )
    const items = await coffre.batch(operation, requests)
    const failed = items.filter((item) => !item.ok).length
    parts.metrics.observeItems({ operation, succeeded: items.length - failed, failed })
    return items
  }
}
