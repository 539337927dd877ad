import { z } from 'zod'
import { API_KEY_PROVIDERS, API_KEY_VERDICTS, WRAPPING_FORMS } from '../model/api-key.ts'
import { USER } from './user-schema.ts'
import { MOMENT } from './schema.ts'

// The shapes of the keys of providers; see schema.ts.

/** What is wrong with the key is said by the service, which has one code for it. */
export const SET_API_KEY = z.strictObject({
  api_key: z.unknown().optional().describe('A text: the key that the provider gave'),
  provider: z.enum(API_KEY_PROVIDERS).optional().describe('mistral when absent'),
})
export const API_KEY = z.object({
  status: z.enum(['ok', 'unreadable', 'none']),
  provider: z.string().optional(),
  createdAt: MOMENT.optional(),
  lastFour: z.string().optional().describe('Of a key of at least 20 characters'),
  fingerprint: z.string().optional().describe('Keyed and bound to the user'),
  form: z.enum(WRAPPING_FORMS).optional(),
  looksUsual: z.boolean().optional().describe('Whether it looks like this provider’s keys; a hint'),
})
export const OWN_USER = USER.extend({
  has_api_key: z.boolean(),
  api_key_status: z.enum(['ok', 'unreadable', 'none']),
  apiKey: API_KEY,
})
export const API_KEY_TEST = z.object({
  verdict: z.enum(API_KEY_VERDICTS),
  status: z.number().int().optional().describe('Of the provider’s answer'),
})
export const LISTED_API_KEYS = z.object({
  apiKeys: z.array(API_KEY.extend({ user: z.string(), clientId: z.string() })),
})
export const ROTATE_WRAPPING = z.strictObject({ to: z.enum(WRAPPING_FORMS).optional() })
export const ROTATED_WRAPPING = z.object({
  form: z.enum(WRAPPING_FORMS),
  rotated: z.number().int(),
  unreadable: z.number().int(),
})
export const REVOKE_API_KEYS = z.strictObject({
  resume: z
    .strictObject({ key: z.string().max(64).optional().describe('Check value of FERNET_SECRET_KEY') })
    .optional()
    .describe('Ends a run that was interrupted once the rows were cleared, and clears none'),
})
export const REVOKED_API_KEYS = z.object({ revoked: z.number().int() })
