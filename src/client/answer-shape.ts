import type {
  AuditRecordView,
  AuditVerification,
  CheckpointView,
  ConsistencyProof,
  InclusionProof,
  VerifierKeyView,
} from '../model/audit.ts'
import type {
  DataOperationName,
  DataOperations,
  Identity,
  Inspection,
  KeyView,
  PolicyTestResult,
  PolicyView,
  StatusView,
  TokenView,
} from '../model/coffre.ts'
import type { EraseReceipt } from '../model/cache.ts'
import { CoffreError } from '../model/errors.ts'
import { RESULT_BYTE_FIELDS } from '../model/wire.ts'
import { decodeBase64 } from './base64.ts'

export type JsonObject = Readonly<Record<string, unknown>>

/** What a field of an answer must be. Unknown fields pass, so a newer server keeps working. */
type FieldType = 'string' | 'number' | 'boolean' | 'object' | 'list'

export type AnswerShape<Answer> = Readonly<Partial<Record<keyof Answer & string, FieldType>>>

const WRITTEN = { ciphertext: 'string', key: 'string', version: 'number' } as const
const JUDGED = { key: 'string', version: 'number' } as const

export const DATA_SHAPES: {
  readonly [Name in DataOperationName]: AnswerShape<DataOperations[Name]['result']>
} = {
  encrypt: WRITTEN,
  decrypt: { plaintext: 'string', ...JUDGED },
  rewrap: WRITTEN,
  sign: { signature: 'string', ...JUDGED },
  verify: JUDGED,
  mac: { mac: 'string', ...JUDGED },
  'verify-mac': JUDGED,
  'data-key': WRITTEN,
  'derive-key': { derivedKey: 'string', ...JUDGED },
  random: { bytes: 'string' },
}

export const KEY_SHAPE: AnswerShape<KeyView> = {
  id: 'string',
  name: 'string',
  algorithm: 'string',
  purpose: 'string',
  description: 'string',
  owner: 'string',
  environment: 'string',
  securityLevel: 'string',
  tags: 'object',
  floor: 'number',
  createdAt: 'string',
  versions: 'list',
}
export const TOKEN_SHAPE: AnswerShape<TokenView> = {
  id: 'string',
  name: 'string',
  role: 'string',
  createdAt: 'string',
}
export const IDENTITY_SHAPE: AnswerShape<Identity> = {
  principal: 'string',
  tenant: 'string',
  role: 'string',
  confined: 'boolean',
  policies: 'list',
}
export const POLICY_SHAPE: AnswerShape<PolicyView> = { name: 'string', document: 'object', epoch: 'number' }
export const POLICY_TEST_SHAPE: AnswerShape<PolicyTestResult> = {
  allowed: 'boolean',
  reason: 'string',
  rules: 'list',
  keyExists: 'boolean',
}
/** On the wire the new token is plain text. */
export interface CreatedTokenText extends TokenView {
  readonly token: string
}
export const CREATED_TOKEN_SHAPE: AnswerShape<CreatedTokenText> = { ...TOKEN_SHAPE, token: 'string' }
export const RECORD_SHAPE: AnswerShape<AuditRecordView> = {
  index: 'number',
  at: 'string',
  action: 'string',
  body: 'string',
}
export const VERIFICATION_SHAPE: AnswerShape<AuditVerification> = {
  valid: 'boolean',
  size: 'number',
  rootHash: 'string',
  findings: 'list',
}
export const CHECKPOINT_SHAPE: AnswerShape<CheckpointView> = {
  origin: 'string',
  size: 'number',
  note: 'string',
}
export const VERIFIER_KEY_SHAPE: AnswerShape<VerifierKeyView> = { version: 'number', verifierKey: 'string' }
export const INCLUSION_SHAPE: AnswerShape<InclusionProof> = {
  index: 'number',
  size: 'number',
  rootHash: 'string',
  leafHash: 'string',
  path: 'list',
  body: 'string',
}
export const CONSISTENCY_SHAPE: AnswerShape<ConsistencyProof> = {
  from: 'number',
  to: 'number',
  fromRootHash: 'string',
  toRootHash: 'string',
  path: 'list',
}
export const RECEIPT_SHAPE: AnswerShape<EraseReceipt> = {
  user: 'string',
  erasedAt: 'string',
  entries: 'number',
  legacyEntries: 'number',
  remaining: 'number',
  keyDestroyed: 'boolean',
}
export const INSPECTION_SHAPE: AnswerShape<Inspection> = { format: 'string', facts: 'object' }
export const STATUS_SHAPE: AnswerShape<StatusView> = {
  version: 'string',
  initialised: 'boolean',
  sealed: 'boolean',
  store: 'string',
}

/** Checks the fields that `shape` names and turns base64 into bytes. */
export function parseAnswer<Answer>(value: unknown, shape: AnswerShape<Answer>): Answer {
  const answer = parseObject(value)
  for (const [field, type] of Object.entries<FieldType | undefined>(shape)) {
    if (type !== undefined && !isOfType(answer[field], type)) throw strangeAnswer(field)
  }
  // The fields that callers read were checked above; the rest is the server's word.
  return withBytes(answer) as Answer
}

export function parseList<Answer>(
  value: unknown,
  field: string,
  shape: AnswerShape<Answer>,
): readonly Answer[] {
  const list = parseObject(value)[field]
  if (!Array.isArray(list)) throw strangeAnswer(field)
  return list.map((item) => parseAnswer<Answer>(item, shape))
}

export function parseObject(value: unknown): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw strangeAnswer('body')
  return value as JsonObject
}

/** Something answered that is not a Coffre server, or a proxy in between did. */
export function strangeAnswer(at: string): CoffreError {
  return new CoffreError('SERVER_UNREACHABLE', { facts: { reason: 'not an answer of Coffre', at } })
}

function isOfType(value: unknown, type: FieldType): boolean {
  if (type === 'list') return Array.isArray(value)
  if (type === 'object') return typeof value === 'object' && value !== null && !Array.isArray(value)
  return typeof value === type
}

function withBytes(answer: JsonObject): JsonObject {
  const decoded: Record<string, unknown> = { ...answer }
  for (const field of RESULT_BYTE_FIELDS) {
    const text = answer[field]
    if (typeof text !== 'string') continue
    const bytes = decodeBase64(text)
    if (bytes === undefined) throw strangeAnswer(field)
    decoded[field] = bytes
  }
  return decoded
}
