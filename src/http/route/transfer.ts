import { z } from 'zod'
import { ALGORITHM_NAMES, KEY_PURPOSES } from '../../model/algorithm-name.ts'
import { KEY_TRANSPORTS, type ExportTarget, type KeyMaterialInput } from '../../model/coffre-transfer.ts'
import { MAX_PASSPHRASE_BYTES } from '../../model/limits.ts'
import { Secret } from '../../model/secret.ts'
import { decodeBase64 } from '../byte-fields.ts'
import { KEY, KEY_NAME, KEY_PATH, NOTHING, UPDATE_KEY } from '../schema.ts'
import type { ServerParts } from '../server-parts.ts'
import { type Api, addRoute } from './api.ts'
import { dropUndefined } from './drop-undefined.ts'

const TAG = 'keys'
/** 16 KiB, the longest key that is read, in base64. */
const BYTES = z
  .string()
  .max(24 * 1024)
  .describe('Bytes in base64 with padding')
const PASSPHRASE = z.string().min(1).max(MAX_PASSPHRASE_BYTES)

const MATERIAL = z.union([
  z.strictObject({
    format: z.enum(['pem', 'der', 'jwk', 'raw']),
    bytes: BYTES,
    passphrase: PASSPHRASE.optional(),
  }),
  z.strictObject({
    format: z.literal('transported'),
    transport: z.enum(KEY_TRANSPORTS),
    importToken: z.string().max(16 * 1024),
    bytes: BYTES,
  }),
  z.strictObject({ format: z.literal('wrapped'), wrappingKey: KEY_NAME, bytes: BYTES }),
])
const IMPORT_KEY = z.strictObject({
  name: KEY_NAME,
  algorithm: z.enum(ALGORITHM_NAMES),
  purpose: z.enum(KEY_PURPOSES).optional(),
  exportable: z.boolean().optional(),
  ...UPDATE_KEY.shape,
  material: MATERIAL,
})
const IMPORT_VERSION = z.strictObject({ material: MATERIAL })
const TARGET = z.union([
  z.strictObject({ kind: z.literal('wrapping-key'), wrappingKey: KEY_NAME }),
  z.strictObject({
    kind: z.literal('recipient'),
    publicKey: z.string().max(4_096).describe('RSA, as SPKI PEM'),
    transport: z.enum(KEY_TRANSPORTS).optional(),
  }),
  z.strictObject({ kind: z.literal('passphrase'), passphrase: PASSPHRASE }),
])
const EXPORT_KEY = z.strictObject({
  version: z
    .number()
    .int()
    .min(1)
    .max(2 ** 31 - 1)
    .optional(),
  target: TARGET,
})
const EXPORTED = z.object({ key: z.string(), version: z.number().int(), wrapped: BYTES })
const PARAMS = z.object({ publicKey: z.string(), importToken: z.string(), expiresAt: z.string() })

/** Keys that come from elsewhere, and keys that leave. */
export function addTransferRoutes(api: Api, parts: ServerParts): void {
  addRoute(api, parts, {
    method: 'POST',
    url: '/keys/import-params',
    summary: 'A public key and a token to import one wrapped key with',
    tag: TAG,
    body: NOTHING,
    result: PARAMS,
    run: (coffre) => coffre.keys.importParams(),
  })
  addRoute(api, parts, {
    method: 'POST',
    url: '/keys/import',
    summary: 'Import a key',
    tag: TAG,
    body: IMPORT_KEY,
    result: KEY,
    status: 201,
    run: (coffre, { body: { material, name, algorithm, ...rest } }) =>
      coffre.keys.importKey({ ...dropUndefined(rest), name, algorithm, material: toMaterial(material) }),
  })
  addRoute(api, parts, {
    method: 'POST',
    url: '/keys/:name/import',
    summary: 'Import a version and make it current',
    tag: TAG,
    path: KEY_PATH,
    body: IMPORT_VERSION,
    result: KEY,
    run: (coffre, { path, body }) => coffre.keys.importVersion(path.name, toMaterial(body.material)),
  })
  addRoute(api, parts, {
    method: 'POST',
    url: '/keys/:name/export',
    summary: 'Export a version of an exportable key, wrapped',
    tag: TAG,
    path: KEY_PATH,
    body: EXPORT_KEY,
    result: EXPORTED,
    run: async (coffre, { path, body: { version, target } }) => {
      const request = { target: toTarget(target), ...(version === undefined ? {} : { version }) }
      const { wrapped, ...rest } = await coffre.keys.exportKey(path.name, request)
      return { ...rest, wrapped: Buffer.from(wrapped).toString('base64') }
    },
  })
}

function toMaterial(material: z.output<typeof MATERIAL>): KeyMaterialInput {
  const bytes = decodeBase64(material.bytes, 'bytes')
  if (material.format === 'transported' || material.format === 'wrapped') return { ...material, bytes }
  const { format, passphrase } = material
  return { format, bytes, ...(passphrase === undefined ? {} : { passphrase: new Secret(passphrase) }) }
}

function toTarget(target: z.output<typeof TARGET>): ExportTarget {
  if (target.kind === 'wrapping-key') return target
  if (target.kind === 'passphrase') return { kind: target.kind, passphrase: new Secret(target.passphrase) }
  const { kind, publicKey, transport } = target
  return { kind, publicKey, ...(transport === undefined ? {} : { transport }) }
}
