import { z } from 'zod'
import { ALGORITHM_NAMES, KEY_PURPOSES } from '../model/algorithm-name.ts'
import type { DataOperationName } from '../model/coffre.ts'
import { SECURITY_LEVELS } from '../model/key.ts'
import { KEY_STATE_NAMES } from '../model/key-state.ts'
import {
  MAX_BATCH_ITEMS,
  MAX_CIPHERTEXT_CHARACTERS,
  MAX_CONTEXT_BYTES,
  MAX_CONTEXT_PAIRS,
  MAX_PASSPHRASE_BYTES,
  MAX_PLAINTEXT_BYTES,
  MAX_RANDOM_BYTES,
  MAX_SHARE_CHARACTERS,
  MAX_TAGS,
  MAX_TEXT_CHARACTERS,
  MAX_NOTE_CHARACTERS,
} from '../model/limits.ts'

// The shapes of the native API. Rules beyond the shape are the services'; these keep nonsense out early and
// describe the API in /openapi.json.

export const KEY_NAME = z.string().min(1).max(128).describe('A key name: A-Z a-z 0-9 _ . -')
const VERSION = z
  .number()
  .int()
  .min(1)
  .max(2 ** 31 - 1)
const BASE64 = z
  .string()
  .max(Math.ceil(MAX_PLAINTEXT_BYTES / 3) * 4)
  .describe('Bytes in base64 with padding (RFC 4648, section 4)')
const CIPHERTEXT = z.string().min(1).max(MAX_CIPHERTEXT_CHARACTERS)
export const CONTEXT = z
  .record(z.string().max(MAX_CONTEXT_BYTES), z.string().max(MAX_CONTEXT_BYTES))
  .refine((pairs) => Object.keys(pairs).length <= MAX_CONTEXT_PAIRS, `at most ${MAX_CONTEXT_PAIRS} pairs`)
  .describe('Pairs that are bound to the ciphertext and needed again to decrypt it; not secret')
export const TEXT = z.string().max(MAX_TEXT_CHARACTERS)
export const MOMENT = z.iso.datetime()

const NAMED = { key: z.string(), version: VERSION }

export const OPERATION_REQUEST = {
  encrypt: z.strictObject({ key: KEY_NAME, plaintext: BASE64, context: CONTEXT.optional() }),
  decrypt: z.strictObject({
    ciphertext: CIPHERTEXT,
    context: CONTEXT.optional(),
    key: KEY_NAME.optional(),
  }),
  rewrap: z.strictObject({
    ciphertext: CIPHERTEXT,
    context: CONTEXT.optional(),
    key: KEY_NAME.optional(),
    toKey: KEY_NAME.optional(),
    toContext: CONTEXT.optional(),
  }),
  sign: z.strictObject({ key: KEY_NAME, message: BASE64 }),
  verify: z.strictObject({
    key: KEY_NAME,
    message: BASE64,
    signature: BASE64,
    version: VERSION.optional(),
  }),
  mac: z.strictObject({ key: KEY_NAME, message: BASE64 }),
  'verify-mac': z.strictObject({ key: KEY_NAME, message: BASE64, mac: BASE64, version: VERSION.optional() }),
  'data-key': z.strictObject({
    key: KEY_NAME,
    bytes: z.number().int().min(16).max(64).optional(),
    context: CONTEXT.optional(),
    withPlaintext: z.boolean().optional(),
  }),
  'derive-key': z.strictObject({
    key: KEY_NAME,
    peerPublicKey: z.string().max(4_096).describe('X25519, as SPKI PEM'),
    info: z.string().max(MAX_CONTEXT_BYTES).describe('What the derived key is for'),
    bytes: z.number().int().min(16).max(64).optional(),
    version: VERSION.optional(),
  }),
  random: z.strictObject({ bytes: z.number().int().min(1).max(MAX_RANDOM_BYTES).optional() }),
} satisfies Record<DataOperationName, z.ZodType>

const ENCRYPTED = z.object({ ciphertext: z.string(), ...NAMED })

export const OPERATION_RESULT = {
  encrypt: ENCRYPTED,
  decrypt: z.object({ plaintext: BASE64, ...NAMED }),
  rewrap: ENCRYPTED,
  sign: z.object({ signature: BASE64, ...NAMED }),
  verify: z.object(NAMED),
  mac: z.object({ mac: BASE64, ...NAMED }),
  'verify-mac': z.object(NAMED),
  'data-key': z.object({ ciphertext: z.string(), plaintext: BASE64.optional(), ...NAMED }),
  'derive-key': z.object({ derivedKey: BASE64, ...NAMED }),
  random: z.object({ bytes: BASE64 }),
} satisfies Record<DataOperationName, z.ZodType>

const FACTS = z.record(z.string(), z.union([z.string(), z.number()]))

export const PROBLEM = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.number().int(),
    detail: z.string(),
    code: z.string(),
    facts: FACTS,
    requestId: z.string(),
  })
  .describe('RFC 9457 problem details')

const ITEM_ERROR = z.object({ code: z.string(), message: z.string(), next: z.string(), facts: FACTS })

export function batchRequest(item: z.ZodType) {
  return z.strictObject({ items: z.array(item).min(1).max(MAX_BATCH_ITEMS) })
}

export function batchResult(value: z.ZodType) {
  const item = z.union([
    z.object({ ok: z.literal(true), value }),
    z.object({ ok: z.literal(false), error: ITEM_ERROR }),
  ])
  return z.object({ items: z.array(item) })
}

export const INSPECT_REQUEST = z.union([
  z.strictObject({ blob: CIPHERTEXT }),
  z.strictObject({ blobBase64: BASE64 }),
])

export const INSPECTION = z.object({
  format: z.string(),
  algorithm: z.string().optional(),
  key: z.string().optional(),
  keyId: z.string().optional(),
  version: z.number().int().optional(),
  createdAt: z.string().optional(),
  facts: FACTS,
})

const LABELS = {
  description: TEXT,
  owner: TEXT,
  environment: TEXT,
  securityLevel: z.enum(SECURITY_LEVELS),
  tags: z
    .record(z.string().min(1).max(MAX_TEXT_CHARACTERS), TEXT)
    .refine((tags) => Object.keys(tags).length <= MAX_TAGS, `at most ${MAX_TAGS} tags`),
}

export const UPDATE_KEY = z.strictObject(LABELS).partial()

export const CREATE_KEY = z.strictObject({
  name: KEY_NAME,
  algorithm: z.enum(ALGORITHM_NAMES).optional(),
  purpose: z.enum(KEY_PURPOSES).optional(),
  exportable: z.boolean().optional(),
  ...UPDATE_KEY.shape,
})

export const KEY = z.object({
  id: z.uuid(),
  name: z.string(),
  algorithm: z.enum(ALGORITHM_NAMES),
  purpose: z.enum(KEY_PURPOSES),
  ...LABELS,
  createdAt: MOMENT,
  updatedAt: MOMENT,
  currentVersion: VERSION.optional(),
  floor: VERSION,
  exportable: z.boolean(),
  destroyAt: MOMENT.optional(),
  versions: z.array(
    z.object({
      version: VERSION,
      state: z.enum(KEY_STATE_NAMES),
      since: MOMENT,
      createdAt: MOMENT,
      origin: z.enum(['generated', 'imported']),
      publicKey: z.string().optional(),
    }),
  ),
})

export const KEY_PATH = z.object({ name: KEY_NAME })
export const LIST_QUERY = z.object({
  after: KEY_NAME.optional(),
  limit: z.coerce.number().int().min(1).max(1_000).optional(),
})
export const NOTHING = z.strictObject({})
export const MAY_NAME_VERSION = z.strictObject({ version: VERSION.optional() })
export const NAMES_VERSION = z.strictObject({ version: VERSION })
export const MAY_NAME_DAYS = z.strictObject({ days: z.number().int().optional() })

export const AUDIT_QUERY = z.object({
  last: z.coerce
    .number()
    .int()
    .min(1)
    .max(1_000)
    .optional()
    .describe('Instead of from and limit: the newest'),
  from: z.coerce.number().int().min(0).optional(),
  limit: z.coerce.number().int().min(1).max(1_000).optional(),
})
export const AUDIT_RECORD = z.object({
  index: z.number().int(),
  at: z.string(),
  action: z.string(),
  principal: z.string(),
  requestId: z.string(),
  outcome: z.string(),
  body: z.string().describe('The record exactly as hashed'),
})
export const AUDIT_VERIFICATION = z.object({
  valid: z.boolean(),
  size: z.number().int(),
  rootHash: z.string(),
  firstBadIndex: z.number().int().optional(),
  reason: z.string().optional(),
  signedSize: z.number().int().optional().describe('The newest signed checkpoint that the log agrees with'),
  findings: z.array(z.enum(['copy-missing', 'copy-damaged', 'unsigned'])),
})
const HEX_HASH = z.string().describe('SHA-256, hex')
export const VERIFY_AUDIT = z.strictObject({
  checkpoint: z.string().max(MAX_NOTE_CHARACTERS).optional().describe('A signed note that you have kept'),
  verifierKeys: z.array(z.string().max(512)).max(64).optional(),
})
export const CHECKPOINT = z.object({
  origin: z.string(),
  size: z.number().int(),
  rootHash: HEX_HASH,
  note: z.string().describe('A signed note: c2sp.org/tlog-checkpoint'),
})
export const VERIFIER_KEYS = z.object({
  keys: z.array(z.object({ version: VERSION, state: z.enum(KEY_STATE_NAMES), verifierKey: z.string() })),
})
export const INCLUSION_QUERY = z.object({
  index: z.coerce.number().int().min(0),
  size: z.coerce.number().int().min(1).optional(),
})
export const INCLUSION_PROOF = z.object({
  index: z.number().int(),
  size: z.number().int(),
  rootHash: HEX_HASH,
  leafHash: HEX_HASH,
  path: z.array(HEX_HASH),
  body: z.string().describe('The record exactly as hashed'),
  text: z.string().optional().describe('c2sp.org/tlog-proof'),
})
export const CONSISTENCY_QUERY = z.object({
  from: z.coerce.number().int().min(0),
  to: z.coerce.number().int().min(0).optional(),
})
export const CONSISTENCY_PROOF = z.object({
  from: z.number().int(),
  to: z.number().int(),
  fromRootHash: HEX_HASH,
  toRootHash: HEX_HASH,
  path: z.array(HEX_HASH),
  text: z.string().optional().describe('As c2sp.org/tlog-witness writes it'),
})

export const UNSEAL = z.strictObject({
  passphrase: z.string().min(1).max(MAX_PASSPHRASE_BYTES).optional(),
  share: z.string().min(1).max(MAX_SHARE_CHARACTERS).optional().describe('One share, as text or as words'),
  reset: z.boolean().optional().describe('Forget the shares that were given so far'),
})
export const STATUS = z.object({
  version: z.string(),
  initialised: z.boolean(),
  sealed: z.boolean(),
  sealProvider: z.string().optional(),
  store: z.string(),
  auditSize: z.number().int().optional(),
  sharesGiven: z.number().int().optional(),
  sharesNeeded: z.number().int().optional(),
  rootGeneration: z.number().int().optional(),
  rootRemaining: z.number().int().optional().describe('While the root key is rotated: what is still to do'),
})
