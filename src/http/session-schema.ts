import { z } from 'zod'
import { MOMENT } from './schema.ts'

// The shapes of sessions; see schema.ts.

const RULES = {
  key: z
    .string()
    .min(1)
    .max(128)
    .describe('Name of an ed25519 or hmac-sha256 key, or of an x25519 key for encrypted sessions'),
  audience: z.string().min(1).max(256),
  issuer: z.string().min(1).max(256).optional().describe('`coffre` when absent'),
  idleSeconds: z.number().int().optional().describe('1 to 2,592,000; 1,800 when absent'),
  absoluteSeconds: z.number().int().optional().describe('1 to 2,592,000; 86,400 when absent'),
}
const DATA = z.record(z.string(), z.unknown())

export const CREATE_SESSION = z.strictObject({
  ...RULES,
  user: z.string().min(1).max(256),
  data: DATA.optional().describe('At most 2,048 bytes of JSON'),
})
export const CHECK_SESSION = z.strictObject({ ...RULES, token: z.string().max(8_192) })
export const REVOKE_SESSIONS = z.strictObject({
  key: RULES.key,
  id: z.string().min(1).max(64).optional().describe('Of a session or of one of its tokens'),
  user: z.string().min(1).max(256).optional(),
  all: z.literal(true).optional(),
})

const SESSION = z.object({
  user: z.string(),
  sessionId: z.string(),
  tokenId: z.string(),
  data: DATA,
  startedAt: MOMENT,
  issuedAt: MOMENT,
  expiresAt: MOMENT,
  endsAt: MOMENT,
})
export const NEW_SESSION = SESSION.extend({ token: z.string() })
export const CHECKED_SESSION = z.object({ valid: z.boolean(), session: SESSION.optional() })
export const REFRESHED_SESSION = z.object({ valid: z.boolean(), session: NEW_SESSION.optional() })
