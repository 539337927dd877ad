import { z } from 'zod'
import {
  MAX_PATTERN_CHARACTERS,
  MAX_POLICY_RULES,
  MAX_RULE_ENTRIES,
  MAX_TEXT_CHARACTERS,
  MAX_TOKEN_CIDRS,
  MAX_TOKEN_POLICIES,
} from '../model/limits.ts'
import { KEY_OPERATIONS, RULE_OPERATIONS } from '../model/policy.ts'
import { HOLDER_ROLES, ROLES } from '../model/token.ts'
import { CONTEXT, KEY_NAME, MOMENT, TEXT } from './schema.ts'

// The shapes of tokens and policies; see schema.ts.

const POLICY_NAME = z.string().min(1).max(63).describe('A policy name: a-z 0-9 -')
const SECONDS = z.number().int()

export const CREATE_TOKEN = z.strictObject({
  name: z.string().min(1).max(MAX_TEXT_CHARACTERS),
  description: TEXT.optional(),
  role: z.enum(HOLDER_ROLES),
  policies: z
    .array(POLICY_NAME)
    .max(MAX_TOKEN_POLICIES)
    .optional()
    .describe('What confines it; without any, an app has `default` and the other roles reach every key'),
  tenant: z.string().max(63).optional().describe('Only for admins of the tenant default'),
  ttlSeconds: SECONDS.optional(),
  maxTtlSeconds: SECONDS.optional().describe('Makes it renewable, up to so long after its creation'),
  maxUses: z.number().int().optional().describe('How many requests it may authenticate'),
  cidrs: z.array(z.string().max(64)).max(MAX_TOKEN_CIDRS).optional(),
})

export const TOKEN = z.object({
  id: z.string(),
  name: z.string(),
  description: z.string(),
  role: z.enum(ROLES),
  tenant: z.string(),
  policies: z.array(z.string()),
  cidrs: z.array(z.string()),
  createdAt: MOMENT,
  expiresAt: MOMENT.optional(),
  revokedAt: MOMENT.optional(),
  renewableUntil: MOMENT.optional(),
  maxUses: z.number().int().optional(),
  usesLeft: z.number().int().optional(),
  user: z.string().optional().describe('Of the role user: whose it is'),
  parent: z.string().optional().describe('The token that made it'),
  lastUsedAt: MOMENT.optional().describe('To the hour'),
})
export const CREATED_TOKEN = TOKEN.extend({ token: z.string().describe('Shown here and nowhere else') })
export const TOKEN_PATH = z.object({ id: z.string().min(1).max(32) })
export const REVOKE_TOKEN = z.strictObject({
  keepChildren: z.boolean().optional().describe('True: the tokens that it made stay valid'),
})
export const RENEW_TOKEN = z.strictObject({ ttlSeconds: SECONDS.optional() })
export const IDENTITY = z.object({
  principal: z.string(),
  tenant: z.string(),
  role: z.enum(ROLES),
  confined: z.boolean(),
  policies: z.array(z.string()),
  user: z.string().optional(),
  token: TOKEN.optional(),
})

const PATTERN = z.string().min(1).max(MAX_PATTERN_CHARACTERS)
const PATTERNS = z.array(PATTERN).min(1).max(MAX_RULE_ENTRIES).describe('`*` stands for any characters')

export const POLICY_DOCUMENT = z.strictObject({
  rules: z
    .array(
      z.strictObject({
        keys: PATTERNS,
        tags: z.record(PATTERN, PATTERN).optional(),
        operations: z.array(z.enum(RULE_OPERATIONS)).min(1).max(RULE_OPERATIONS.length),
        context: z.record(PATTERN, PATTERNS).optional(),
      }),
    )
    .max(MAX_POLICY_RULES),
})
export const POLICY_PATH = z.object({ name: POLICY_NAME })
export const CREATE_POLICY = z.strictObject({ name: POLICY_NAME, document: POLICY_DOCUMENT })
export const UPDATE_POLICY = z.strictObject({
  document: POLICY_DOCUMENT,
  epoch: z.number().int().min(0).optional().describe('Refuses with CONFLICT unless it is the stored one'),
})
export const POLICY = z.object({
  name: z.string(),
  document: POLICY_DOCUMENT,
  epoch: z.number().int(),
  createdAt: MOMENT.optional(),
  updatedAt: MOMENT.optional(),
})
export const TEST_POLICY = z.strictObject({
  token: z.string().min(1).max(32).optional().describe('Its id; or role and policies instead'),
  role: z.enum(HOLDER_ROLES).optional(),
  policies: z.array(POLICY_NAME).max(MAX_TOKEN_POLICIES).optional(),
  operation: z.enum(KEY_OPERATIONS),
  key: KEY_NAME,
  context: CONTEXT.optional(),
})
export const POLICY_TEST = z.object({
  allowed: z.boolean(),
  reason: z.string(),
  rules: z.array(z.object({ policy: z.string(), rule: z.number().int() })),
  keyExists: z.boolean(),
})
