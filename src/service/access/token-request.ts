import { isIP } from 'node:net'
import { isCidr } from '../../model/cidr.ts'
import { addMilliseconds, type Instant, SECOND } from '../../model/clock.ts'
import type { CreateTokenRequest } from '../../model/coffre.ts'
import { CoffreError } from '../../model/errors.ts'
import {
  parsePolicyName,
  parseTokenId,
  type PolicyName,
  type TenantId,
  type TokenId,
  type UserId,
} from '../../model/ids.ts'
import {
  MAX_TEXT_CHARACTERS,
  MAX_TOKEN_CIDRS,
  MAX_TOKEN_POLICIES,
  MAX_TOKEN_USES,
} from '../../model/limits.ts'
import { HOLDER_ROLES, isRole, type Token } from '../../model/token.ts'

const MIN_TTL_SECONDS = 60
const MAX_TTL_SECONDS = 31_536_000 // one year
const DEFAULT_TTL_SECONDS = 2_592_000 // 30 days

/** What is not the request's to say. */
export interface TokenGround {
  readonly id: string
  readonly hash: string
  readonly tenant: TenantId
  readonly policies: readonly PolicyName[]
  readonly parent: TokenId | undefined
  readonly user?: UserId
  readonly now: Instant
}

/** The token that a request asks for. Throws INVALID_REQUEST. */
export function describeToken(request: CreateTokenRequest, ground: TokenGround): Token {
  const { tenant, policies, parent, user, now } = ground
  const description = request.description ?? ''
  checkText(request.name, 'name', 1)
  checkText(description, 'description', 0)
  // A token of that role that is nobody's could reach nothing.
  if (!isRole(request.role) || (request.role === 'user') !== (user !== undefined))
    refuse('role', HOLDER_ROLES.join(', '))
  const ttlSeconds = readTtl(request.ttlSeconds ?? DEFAULT_TTL_SECONDS, 'ttlSeconds')
  return {
    id: parseTokenId(ground.id),
    tenant,
    name: request.name,
    description,
    role: request.role,
    policies,
    cidrs: readCidrs(request.cidrs ?? []),
    hash: ground.hash,
    createdAt: now,
    expiresAt: addMilliseconds(now, ttlSeconds * SECOND),
    ...(user === undefined ? {} : { user }),
    ...(parent === undefined ? {} : { parent }),
    ...readRenewal(request.maxTtlSeconds, ttlSeconds, now),
    ...readUses(request.maxUses),
  }
}

export function readPolicyNames(names: readonly string[]): readonly PolicyName[] {
  if (!Array.isArray(names) || names.length > MAX_TOKEN_POLICIES) {
    refuse('policies', `at most ${MAX_TOKEN_POLICIES} names`)
  }
  const parsed = names.map(parsePolicyName)
  return new Set(parsed).size === parsed.length ? parsed : refuse('policies', 'each name once')
}

export function readTtl(seconds: number, at: string): number {
  const fits = Number.isInteger(seconds) && seconds >= MIN_TTL_SECONDS && seconds <= MAX_TTL_SECONDS
  return fits ? seconds : refuse(at, `${MIN_TTL_SECONDS} to ${MAX_TTL_SECONDS}`)
}

function readRenewal(maximum: number | undefined, ttlSeconds: number, now: Instant): Pick<Token, 'renewal'> {
  if (maximum === undefined) return {}
  if (readTtl(maximum, 'maxTtlSeconds') < ttlSeconds) refuse('maxTtlSeconds', 'not less than ttlSeconds')
  return { renewal: { ttlSeconds, until: addMilliseconds(now, maximum * SECOND) } }
}

export function readUses(maximum: number | undefined): Pick<Token, 'uses'> {
  if (maximum === undefined) return {}
  const fits = Number.isInteger(maximum) && maximum >= 1 && maximum <= MAX_TOKEN_USES
  return fits ? { uses: { maximum, left: maximum } } : refuse('maxUses', `1 to ${MAX_TOKEN_USES}`)
}

function readCidrs(cidrs: readonly string[]): readonly string[] {
  const fits =
    Array.isArray(cidrs) && cidrs.length <= MAX_TOKEN_CIDRS && cidrs.every((each) => isCidr(each, isIP))
  return fits
    ? cidrs
    : refuse('cidrs', `at most ${MAX_TOKEN_CIDRS} blocks such as 10.0.0.0/8 or 2001:db8::/32`)
}

function checkText(value: unknown, at: string, minimum: number): void {
  const fits = typeof value === 'string' && value.length >= minimum && value.length <= MAX_TEXT_CHARACTERS
  if (!fits || !value.isWellFormed())
    refuse(at, `${minimum} to ${MAX_TEXT_CHARACTERS} well-formed characters`)
}

function refuse(at: string, expected: string): never {
  throw new CoffreError('INVALID_REQUEST', { facts: { at, expected } })
}
