import type { Instant } from './clock.ts'
import { DATA_OPERATION_NAMES } from './coffre.ts'
import type { PolicyName, TenantId } from './ids.ts'

/** What a rule can allow on a key besides its data operations (service/access/permission.ts). */
export const KEY_PERMISSIONS = [
  'key.read',
  'key.create',
  'key.update',
  'key.rotate',
  'key.move',
  'key.destroy',
  'key.export',
] as const

export type KeyPermission = (typeof KEY_PERMISSIONS)[number]

export type DataPermission = `data.${(typeof DATA_OPERATION_NAMES)[number]}`

/** One thing that is done to a key, by its name in the audit log. */
export type KeyOperation = DataPermission | KeyPermission

export const KEY_OPERATIONS: readonly KeyOperation[] = [
  ...DATA_OPERATION_NAMES.map((name): DataPermission => `data.${name}`),
  ...KEY_PERMISSIONS,
]

export const OPERATION_GROUPS = ['data.*', 'key.*', '*'] as const

/** What a rule names: an operation or a group of them. */
export type RuleOperation = KeyOperation | (typeof OPERATION_GROUPS)[number]

export const RULE_OPERATIONS: readonly RuleOperation[] = [...KEY_OPERATIONS, ...OPERATION_GROUPS]

/** Only these bind a context that the caller gives. */
export const OPERATIONS_WITH_CONTEXT: readonly RuleOperation[] = [
  'data.encrypt',
  'data.decrypt',
  'data.rewrap',
  'data.data-key',
]

/** One way in: all of it must fit one request. Patterns know `*` alone (docs/design/access.md). */
export interface PolicyRule {
  /** Patterns of key names. */
  readonly keys: readonly string[]
  /** Pairs that the key must carry. */
  readonly tags?: Readonly<Record<string, string>>
  readonly operations: readonly RuleOperation[]
  /** Names that the caller's context must hold, and patterns of their values. */
  readonly context?: Readonly<Record<string, readonly string[]>>
}

export interface PolicyDocument {
  readonly rules: readonly PolicyRule[]
}

/** A document as stored. */
export interface Policy {
  readonly tenant: TenantId
  readonly name: PolicyName
  readonly document: PolicyDocument
  /** Rises with each stored change. */
  readonly epoch: number
  readonly createdAt: Instant
  readonly updatedAt: Instant
}
