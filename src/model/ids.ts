import type { Brand } from './brand.ts'
import { CoffreError } from './errors.ts'

export type TenantId = Brand<string, 'TenantId'>
/** A UUID in lower case. */
export type KeyId = Brand<string, 'KeyId'>
export type KeyName = Brand<string, 'KeyName'>
/** 1, 2, 3 … without gaps; a number is never used twice for one key. */
export type VersionNumber = Brand<number, 'VersionNumber'>
export type TokenId = Brand<string, 'TokenId'>
export type PolicyName = Brand<string, 'PolicyName'>
export type LoginRoleName = Brand<string, 'LoginRoleName'>
/** `usr_` and ten letters: what a client secret of Coffre's own form names. */
export type UserId = Brand<string, 'UserId'>
/** How an operator's own systems name a user. */
export type ClientId = Brand<string, 'ClientId'>
export type RequestId = Brand<string, 'RequestId'>

const TENANT = /^[a-z0-9][a-z0-9-]{0,62}$/
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
/** ASCII only: no Unicode look-alikes, no path characters. */
const KEY_NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/
const TOKEN_ID = /^[A-Za-z0-9_-]{1,32}$/
const POLICY_NAME = /^[a-z0-9][a-z0-9-]{0,62}$/
const USER_ID = /^usr_[a-z0-9]{10}$/
/** No colon: HTTP Basic ends a name there. No slash: a tenant may stand before it. */
const CLIENT_ID = /^[A-Za-z0-9][A-Za-z0-9_.@+-]{0,127}$/
const REQUEST_ID = /^[A-Za-z0-9_-]{8,64}$/
const MAX_VERSION = 2 ** 31 - 1 // one signed 32-bit column in every store

function refuse(at: string, expected: string): never {
  throw new CoffreError('INVALID_REQUEST', { facts: { at, expected } })
}

export function parseTenantId(text: string): TenantId {
  return TENANT.test(text) ? (text as TenantId) : refuse('tenant', 'a-z, 0-9 and -, at most 63')
}

export function parseKeyId(text: string): KeyId {
  return UUID.test(text) ? (text as KeyId) : refuse('keyId', 'a UUID in lower case')
}

export function isKeyName(text: unknown): text is KeyName {
  return typeof text === 'string' && KEY_NAME.test(text) && !text.includes('..')
}

export function parseKeyName(text: string): KeyName {
  return isKeyName(text)
    ? text
    : refuse('name', '1 to 128 of A-Z a-z 0-9 _ . -, starting with a letter or digit')
}

export function parseVersionNumber(value: number): VersionNumber {
  return Number.isInteger(value) && value >= 1 && value <= MAX_VERSION
    ? (value as VersionNumber)
    : refuse('version', 'a whole number from 1')
}

export function parseTokenId(text: string): TokenId {
  return TOKEN_ID.test(text) ? (text as TokenId) : refuse('tokenId', '1 to 32 of A-Z a-z 0-9 _ -')
}

export function parsePolicyName(text: string): PolicyName {
  return typeof text === 'string' && POLICY_NAME.test(text)
    ? (text as PolicyName)
    : refuse('policy', 'a-z, 0-9 and -, at most 63')
}

export function parseLoginRoleName(text: string): LoginRoleName {
  return typeof text === 'string' && POLICY_NAME.test(text)
    ? (text as LoginRoleName)
    : refuse('loginRole', 'a-z, 0-9 and -, at most 63')
}

export function parseUserId(text: string): UserId {
  return isUserId(text) ? text : refuse('user', 'usr_ and ten of a-z 0-9')
}

export function isUserId(text: unknown): text is UserId {
  return typeof text === 'string' && USER_ID.test(text)
}

export function parseClientId(text: string): ClientId {
  return typeof text === 'string' && CLIENT_ID.test(text)
    ? (text as ClientId)
    : refuse('clientId', '1 to 128 of A-Z a-z 0-9 _ . @ + -, starting with a letter or digit')
}

export function parseRequestId(text: string): RequestId {
  return REQUEST_ID.test(text) ? (text as RequestId) : refuse('requestId', '8 to 64 of A-Z a-z 0-9 _ -')
}

/** Holds keys of Coffre's own. No token belongs to it. */
export const SYSTEM_TENANT: TenantId = parseTenantId('coffre-system')
/** Signs checkpoints of the audit log; in SYSTEM_TENANT. */
export const AUDIT_KEY_NAME: KeyName = parseKeyName('audit-log')

/** The only tenant of an embedded Coffre. */
export const DEFAULT_TENANT: TenantId = parseTenantId('default')
/** What a token of the role `app` has when it carries no policy. */
export const DEFAULT_POLICY: PolicyName = parsePolicyName('default')
