import { z } from 'zod'
import { MAX_CLIENT_SECRET_CHARACTERS } from '../model/limits.ts'
import { MOMENT } from './schema.ts'

// The shapes of users; see schema.ts.

const NAME = z.string().min(1).max(128)
const CHOSEN_SECRET = z
  .string()
  .max(MAX_CLIENT_SECRET_CHARACTERS)
  .optional()
  .describe('One that exists elsewhere; a new one is made when absent')

export const USER = z.object({
  id: z.string(),
  clientId: z.string(),
  tenant: z.string(),
  createdAt: MOMENT,
  updatedAt: MOMENT,
})
export const CREATED_USER = USER.extend({
  clientSecret: z.string().optional().describe('Shown here and nowhere else; absent when you chose it'),
  cacheKeyUnderSecret: z
    .enum(['rewrapped', 'dropped'])
    .optional()
    .describe('Of a data key of the user’s cache that was under the old secret too'),
})
export const CREATE_USER = z.strictObject({
  clientId: NAME.optional().describe('The id when absent'),
  clientSecret: CHOSEN_SECRET,
})
export const ROTATE_SECRET = z.strictObject({
  clientSecret: CHOSEN_SECRET,
  oldSecret: z
    .string()
    .max(MAX_CLIENT_SECRET_CHARACTERS)
    .optional()
    .describe('The one that ends: the data key of the user’s cache goes from it to the new one'),
})
export const USER_PATH = z.object({ user: NAME.describe('Id or client id') })
export const USER_QUERY = z.object({
  after: NAME.optional().describe('An id, exclusive'),
  limit: z.coerce.number().int().min(1).max(1_000).optional(),
})
