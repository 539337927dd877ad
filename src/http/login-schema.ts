import { z } from 'zod'
import { MAX_CLIENT_SECRET_CHARACTERS, MAX_TOKEN_POLICIES } from '../model/limits.ts'
import { LOGIN_ALGORITHMS, LOGIN_METHODS } from '../model/login-role.ts'
import { ROLES } from '../model/token.ts'
import { MOMENT } from './schema.ts'

// The shapes of logins; see schema.ts.

const NAME = z.string().min(1).max(63).describe('a-z 0-9 -')
const LONG_TEXT = z.string().min(1).max(1_024)
const DESCRIPTION = {
  method: z.enum(LOGIN_METHODS),
  issuer: LONG_TEXT.optional().describe('For jwt: the exact `iss`'),
  audience: LONG_TEXT.optional().describe('For jwt: the exact `aud`'),
  algorithms: z.array(z.enum(LOGIN_ALGORITHMS)).min(1).max(LOGIN_ALGORITHMS.length).optional(),
  jwksUrl: LONG_TEXT.optional().describe('For jwt: where the issuer publishes its keys'),
  jwks: z
    .string()
    .min(1)
    .max(65_536)
    .optional()
    .describe('For jwt: the JWKS document itself, instead of jwksUrl'),
  boundClaims: z
    .record(z.string().min(1).max(256), z.array(LONG_TEXT).min(1).max(64))
    .describe('Each must be, or hold, one of its values; a name that starts with / is a JSON pointer'),
  role: z.enum(ROLES).describe('Of the tokens that it gives'),
  policies: z.array(NAME).max(MAX_TOKEN_POLICIES).optional(),
  ttlSeconds: z.number().int().optional().describe('60 to 86,400; 3,600 when absent'),
  maxUses: z.number().int().optional(),
}

export const CREATE_LOGIN_ROLE = z.strictObject({ name: NAME, ...DESCRIPTION })
export const LOGIN_ROLE = z.object({ name: NAME, ...DESCRIPTION, createdAt: MOMENT })
export const LOGIN_ROLE_PATH = z.object({ name: NAME })

const LOGIN = {
  role: z.string().min(1).max(63).describe('Name of the login role'),
  tenant: z.string().max(63).optional(),
}

export const JWT_LOGIN = z.strictObject({ ...LOGIN, jwt: z.string().min(1).max(8_192) })
/** Named as OAuth 2.0 names them (RFC 6749, section 2.3.1). */
export const CLIENT_LOGIN = z.strictObject({
  client_id: z.string().min(1).max(128),
  client_secret: z.string().min(1).max(MAX_CLIENT_SECRET_CHARACTERS),
  tenant: z.string().max(63).optional(),
})
export const CERTIFICATE_LOGIN = z.strictObject(LOGIN)
