import { createToken, matchesHash, readTokenId } from '../../crypto/bearer-token.ts'
import { addMilliseconds, type Clock, formatInstant, SECOND } from '../../model/clock.ts'
import type { CreatedToken, CreateTokenRequest, TokenView } from '../../model/coffre.ts'
import { CoffreError, hasCode } from '../../model/errors.ts'
import { parseTokenId, type RequestId } from '../../model/ids.ts'
import { MAX_TEXT_CHARACTERS } from '../../model/limits.ts'
import type { Secret } from '../../model/secret.ts'
import { isRole, type Token } from '../../model/token.ts'
import type { Store } from '../../store/store.ts'
import type { AuditTrail } from '../audit-trail.ts'
import type { Caller } from '../caller.ts'
import { authorize } from './authorize.ts'
import { TokenCache } from './token-cache.ts'

const MIN_TTL_SECONDS = 60
const MAX_TTL_SECONDS = 31_536_000 // one year
const DEFAULT_TTL_SECONDS = 2_592_000 // 30 days

export interface TokenServiceParts {
  readonly store: Store
  readonly trail: AuditTrail
  readonly clock: Clock
}

/** Bearer tokens: made, listed, revoked, and turned into a caller. None of it needs the root key. */
export class TokenService {
  readonly #store: Store
  readonly #trail: AuditTrail
  readonly #clock: Clock
  readonly #cache: TokenCache

  constructor(parts: TokenServiceParts) {
    this.#store = parts.store
    this.#trail = parts.trail
    this.#clock = parts.clock
    this.#cache = new TokenCache(parts.store)
  }

  /** `keep` gets the token before it is valid, so that no valid token is ever lost. */
  async create(
    caller: Caller,
    request: CreateTokenRequest,
    keep?: (token: Secret) => Promise<void>,
  ): Promise<CreatedToken> {
    await authorize(this.#trail, caller, 'token.change')
    const made = createToken()
    const token = this.#describe(caller, request, made)
    await keep?.(made.token)
    await this.#store.transaction(async (tx) => {
      await tx.insertToken(token)
      await this.#trail.append(tx, [
        {
          action: 'token.create',
          principal: caller.principal,
          requestId: caller.requestId,
          outcome: 'ok',
          detail: { token: token.id, role: token.role },
        },
      ])
    })
    return { ...viewToken(token), token: made.token }
  }

  async list(caller: Caller): Promise<readonly TokenView[]> {
    await authorize(this.#trail, caller, 'token.read')
    const tokens = await this.#store.listTokens(caller.principal.tenant)
    return tokens.map(viewToken)
  }

  /** Effective from the next request on. Throws TOKEN_NOT_FOUND. */
  async revoke(caller: Caller, id: string): Promise<void> {
    await authorize(this.#trail, caller, 'token.change')
    const tokenId = parseTokenId(id)
    const { principal, requestId } = caller
    const event = { action: 'token.revoke', principal, requestId, detail: { token: tokenId } } as const
    try {
      await this.#store.transaction(async (tx) => {
        await tx.revokeToken(principal.tenant, tokenId, this.#clock())
        await this.#trail.append(tx, [{ ...event, outcome: 'ok' }])
      })
      this.#cache.forget(tokenId)
    } catch (error) {
      if (hasCode(error, 'TOKEN_NOT_FOUND')) {
        await this.#trail.commit({ ...event, outcome: 'refused', code: 'TOKEN_NOT_FOUND' })
      }
      throw error
    }
  }

  /** Throws UNAUTHENTICATED for a token that is malformed, unknown, expired or revoked, without saying which. */
  async authenticate(text: string, requestId: RequestId): Promise<Caller> {
    const id = readTokenId(text)
    const token = id === undefined ? undefined : await this.#cache.find(parseTokenId(id))
    if (token === undefined || !this.#isValid(token, text)) throw new CoffreError('UNAUTHENTICATED')
    return {
      principal: { kind: 'token', id: token.id, tenant: token.tenant },
      role: token.role,
      requestId,
    }
  }

  #isValid(token: Token, text: string): boolean {
    const same = matchesHash(text, token.hash)
    const live = token.revokedAt === undefined && (token.expiresAt ?? Infinity) > this.#clock()
    return same && live
  }

  #describe(caller: Caller, request: CreateTokenRequest, made: { id: string; hash: string }): Token {
    const ttlSeconds = request.ttlSeconds ?? DEFAULT_TTL_SECONDS
    checkTokenRequest(request, ttlSeconds)
    const createdAt = this.#clock()
    return {
      id: parseTokenId(made.id),
      tenant: caller.principal.tenant,
      name: request.name,
      role: request.role,
      hash: made.hash,
      createdAt,
      expiresAt: addMilliseconds(createdAt, ttlSeconds * SECOND),
    }
  }
}

function checkTokenRequest(request: CreateTokenRequest, ttlSeconds: number): void {
  const refuse = (at: string, expected: string): never => {
    throw new CoffreError('INVALID_REQUEST', { facts: { at, expected } })
  }
  const { name } = request
  if (typeof name !== 'string' || name === '' || name.length > MAX_TEXT_CHARACTERS || !name.isWellFormed())
    refuse('name', '1 to 256 well-formed characters')
  if (!isRole(request.role)) refuse('role', 'admin or app')
  if (!Number.isInteger(ttlSeconds) || ttlSeconds < MIN_TTL_SECONDS || ttlSeconds > MAX_TTL_SECONDS) {
    refuse('ttlSeconds', `${MIN_TTL_SECONDS} to ${MAX_TTL_SECONDS}`)
  }
}

function viewToken(token: Token): TokenView {
  const { id, name, role, createdAt, expiresAt, revokedAt } = token
  return {
    id,
    name,
    role,
    createdAt: formatInstant(createdAt),
    ...(expiresAt === undefined ? {} : { expiresAt: formatInstant(expiresAt) }),
    ...(revokedAt === undefined ? {} : { revokedAt: formatInstant(revokedAt) }),
  }
}
