import { z } from 'zod'
import { MAX_PASSPHRASE_BYTES, MAX_SHARE_CHARACTERS } from '../model/limits.ts'

export { PROBLEM } from './schema.ts'

// Shapes of /operator/ceremony (docs/design/root-of-trust.md).

const PASSPHRASE = z.string().min(1).max(MAX_PASSPHRASE_BYTES)
const SHARE = z.string().min(1).max(MAX_SHARE_CHARACTERS).describe('One share, as text or as words')
const NONCE = z.string().min(1).max(64)
const COUNT = z.number().int().min(1).max(255)

export const BEGIN_CEREMONY = z.strictObject({
  kind: z.enum(['rekey', 'rotate-root']),
  seal: z
    .discriminatedUnion('provider', [
      z.strictObject({ provider: z.literal('shamir'), shares: COUNT, threshold: COUNT }),
      z.strictObject({ provider: z.literal('passphrase'), passphrase: PASSPHRASE }),
      z.strictObject({ provider: z.literal('file') }),
      z.strictObject({ provider: z.literal('environment') }),
    ])
    .optional(),
})
export const GIVE_SECRET = z.strictObject({
  nonce: NONCE,
  share: SHARE.optional(),
  passphrase: PASSPHRASE.optional(),
})
export const TAKE_OVER = z.strictObject({ share: SHARE.optional(), passphrase: PASSPHRASE.optional() })
export const COLLECT_SHARES = z.strictObject({ nonce: NONCE })
export const CANCEL_CEREMONY = z.strictObject({ nonce: NONCE.optional() })

export const CEREMONY = z.object({
  phase: z.enum(['none', 'authorize', 'collect', 'verify', 'done']),
  kind: z.enum(['rekey', 'rotate-root']).optional(),
  startedBy: z.string().optional(),
  expiresAt: z.iso.datetime().optional(),
  given: z.number().int().optional(),
  needed: z.number().int().optional(),
  takeOverGiven: z.number().int().optional(),
})
export const BEGUN_CEREMONY = CEREMONY.extend({ nonce: z.string() })
export const NEW_SHARES = CEREMONY.extend({
  shares: z.array(z.string()).describe('Shown here and nowhere else'),
})
