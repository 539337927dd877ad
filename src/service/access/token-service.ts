import { createToken, matchesHash, readTokenId } from '../../crypto/bearer-token.ts'
import type { AuditEvent } from '../../model/audit-event.ts'
import { addMilliseconds, type Clock, HOUR, type Instant, SECOND, toInstant } from '../../model/clock.ts'
import type {
  CreatedToken,
  CreateTokenRequest,
  Identity,
  RevokeOptions,
  TokenView,
} from '../../model/coffre.ts'
import { CoffreError, hasCode } from '../../model/errors.ts'
import {
  DEFAULT_POLICY,
  DEFAULT_TENANT,
  parseTenantId,
  parseTokenId,
  type PolicyName,
  type RequestId,
  SYSTEM_TENANT,
  type TenantId,
  type TokenId,
  type UserId,
} from '../../model/ids.ts'
import type { Secret } from '../../model/secret.ts'
import type { Token } from '../../model/token.ts'
import type { Store, StoreTransaction } from '../../store/store.ts'
import type { AuditTrail } from '../audit-trail.ts'
import type { Caller } from '../caller.ts'
import type { ChangeFeed } from '../change-feed.ts'
import { FailedAttempts, TOKEN_ATTEMPTS } from '../attempt/failed-attempts.ts'
import { FailureRecord } from '../attempt/failure-record.ts'
import type { PolicyCache } from '../policy/policy-cache.ts'
import { authorize, refuse } from './authorize.ts'
import { type CachedToken, TokenCache } from './token-cache.ts'
import { describeToken, readPolicyNames, readTtl } from './token-request.ts'
import { isWithin, requireVisible } from './token-scope.ts'
import { viewToken } from './token-view.ts'

/** How coarse `lastUsedAt` is: a write for each token in this time, whatever it does. */
const NOTE_USE_EVERY = HOUR

export interface TokenServiceParts {
  readonly store: Store
  readonly trail: AuditTrail
  readonly clock: Clock
  readonly policies: PolicyCache
  readonly changes: ChangeFeed
}

/** Where a request with a token comes from. */
export interface RequestOrigin {
  readonly requestId: RequestId
  readonly address?: string
}

/** What a token is made on behalf of: whoever asked, checked by the caller of `issue`. */
export interface Issue {
  readonly by: Pick<Caller, 'principal' | 'requestId'>
  readonly tenant: TenantId
  readonly policies: readonly PolicyName[]
  /** Exactly for the role `user`. */
  readonly user?: UserId
  /** The token is revoked with this one. */
  readonly parent?: TokenId
  /** Gets the token before it is valid, so that no valid token is ever lost. */
  readonly keep?: (token: Secret) => Promise<void>
  /** More for the audit record: how the holder was authenticated, for example. */
  readonly detail?: AuditEvent['detail']
}

/** Bearer tokens: made, listed, renewed, revoked, and turned into a caller. None of it needs the root key. */
export class TokenService {
  readonly #parts: TokenServiceParts
  readonly #cache: TokenCache
  readonly #attempts: FailedAttempts
  readonly #failures: FailureRecord

  constructor(parts: TokenServiceParts) {
    this.#parts = parts
    this.#cache = new TokenCache(parts.store)
    parts.changes.subscribe(this.#cache)
    this.#attempts = new FailedAttempts(parts.clock, TOKEN_ATTEMPTS)
    this.#failures = new FailureRecord(parts.trail, parts.clock)
  }

  async create(caller: Caller, request: CreateTokenRequest, keep?: Issue['keep']): Promise<CreatedToken> {
    await authorize(this.#parts.trail, caller, 'token.change')
    const tenant = request.tenant === undefined ? caller.principal.tenant : parseTenantId(request.tenant)
    const isForeign = tenant !== caller.principal.tenant
    if (isForeign && (caller.principal.tenant !== DEFAULT_TENANT || caller.access.isConfined)) {
      await refuse(this.#parts.trail, caller, 'token.change')
    }
    const policies = readPolicyNames(request.policies ?? [])
    const given = caller.access.isConfined && policies.length === 0 ? caller.access.policies : policies
    if (!isWithin(caller, given)) await refuse(this.#parts.trail, caller, 'token.change')
    const { principal } = caller
    const parent = principal.kind === 'token' ? { parent: parseTokenId(principal.id) } : {}
    return this.issue(request, {
      by: caller,
      tenant,
      policies: given,
      ...parent,
      ...(keep === undefined ? {} : { keep }),
    })
  }

  /**
   * Makes a token for somebody whom the caller of this method has authenticated and authorized: `create`, and every
   * login. Throws INVALID_REQUEST and POLICY_NOT_FOUND.
   */
  async issue(request: CreateTokenRequest, issue: Issue): Promise<CreatedToken> {
    const { store, trail, clock } = this.#parts
    const { by, tenant, policies, parent, user } = issue
    // Its keys sign for Coffre itself.
    if (tenant === SYSTEM_TENANT) {
      throw new CoffreError('INVALID_REQUEST', { facts: { at: 'tenant', expected: 'not Coffre’s own' } })
    }
    const made = createToken()
    const ground = { id: made.id, hash: made.hash, tenant, policies, parent, now: clock() }
    const holder = user === undefined ? {} : { user }
    const token = describeToken(request, { ...ground, ...holder })
    await issue.keep?.(made.token)
    const foreign = tenant === by.principal.tenant ? {} : { tenant }
    const detail = { token: token.id, role: token.role, ...holder, ...foreign, ...issue.detail }
    await store.transaction(async (tx) => {
      await requirePolicies(tx, tenant, policies)
      await tx.insertToken(token)
      const { principal, requestId } = by
      await trail.append(tx, [{ action: 'token.create', principal, requestId, outcome: 'ok', detail }])
    })
    return { ...viewToken(token), token: made.token }
  }

  async list(caller: Caller): Promise<readonly TokenView[]> {
    await authorize(this.#parts.trail, caller, 'token.read')
    const tokens = await this.#parts.store.listTokens(caller.principal.tenant)
    return tokens.filter((token) => isWithin(caller, token.policies)).map(viewToken)
  }

  /** Throws TOKEN_NOT_FOUND. */
  async get(caller: Caller, id: string): Promise<TokenView> {
    await authorize(this.#parts.trail, caller, 'token.read')
    const token = await this.#parts.store.findToken(parseTokenId(id))
    return viewToken(requireVisible(caller, token))
  }

  /** Effective from the next request on. Throws TOKEN_NOT_FOUND. */
  async revoke(caller: Caller, id: string, options: RevokeOptions = {}): Promise<void> {
    await authorize(this.#parts.trail, caller, 'token.change')
    const tokenId = parseTokenId(id)
    try {
      const find = async (tx: StoreTransaction) => requireVisible(caller, await tx.findToken(tokenId))
      await this.#revoke(caller, find, options)
    } catch (error) {
      if (hasCode(error, 'TOKEN_NOT_FOUND')) {
        const { principal, requestId } = caller
        const event = { action: 'token.revoke', principal, requestId, detail: { token: tokenId } } as const
        await this.#parts.trail.commit({ ...event, outcome: 'refused', code: 'TOKEN_NOT_FOUND' })
      }
      throw error
    }
  }

  async whoami(caller: Caller): Promise<Identity> {
    const { principal, role, access } = caller
    const own = principal.kind === 'token' ? await this.#own(this.#parts.store, caller) : undefined
    return {
      principal: principal.id === '' ? principal.kind : `${principal.kind}:${principal.id}`,
      tenant: principal.tenant,
      role,
      confined: access.isConfined,
      policies: access.policies,
      ...(caller.user === undefined ? {} : { user: caller.user }),
      ...(own === undefined ? {} : { token: viewToken(own) }),
    }
  }

  /** Throws FORBIDDEN for a token that was not made renewable, and for who has none. */
  async renew(caller: Caller, options: { readonly ttlSeconds?: number } = {}): Promise<TokenView> {
    const { store, trail, clock } = this.#parts
    const asked = options.ttlSeconds === undefined ? undefined : readTtl(options.ttlSeconds, 'ttlSeconds')
    if (caller.principal.kind !== 'token') return refuse(trail, caller, 'token.renew')
    const renewed = await store.transaction(async (tx) => {
      const token = await this.#own(tx, caller)
      if (token.renewal === undefined) return undefined
      const expiresAt = renewedEnd(token, token.renewal, { now: clock(), asked })
      await tx.renewToken(token.id, expiresAt)
      const { principal, requestId } = caller
      await trail.append(tx, [
        { action: 'token.renew', principal, requestId, outcome: 'ok', detail: { token: token.id } },
      ])
      return { ...token, expiresAt }
    })
    if (renewed === undefined) return refuse(trail, caller, 'token.renew')
    this.#cache.drop(renewed.id)
    return viewToken(renewed)
  }

  /** Throws FORBIDDEN for who has no token. */
  async revokeSelf(caller: Caller, options: RevokeOptions = {}): Promise<void> {
    if (caller.principal.kind !== 'token') await refuse(this.#parts.trail, caller, 'token.revoke-self')
    const find = (tx: StoreTransaction) => this.#own(tx, caller)
    await this.#revoke(caller, find, options)
  }

  /**
   * Throws UNAUTHENTICATED for a token that is not valid here and now, without saying why, and RATE_LIMITED where too
   * many failed before. A valid token that is in memory passes from anywhere, at any time.
   */
  async authenticate(text: string, origin: RequestOrigin): Promise<Caller> {
    const asOf = this.#parts.changes.position
    const id = readTokenId(text)
    const found = id === undefined ? undefined : await this.#find(parseTokenId(id), origin)
    if (found === undefined || !this.#isValid(found, text, origin)) return this.#fail(origin, id)
    const { token } = found
    // Taken before the request is served: a crash may lose a use, and never gives one.
    const isCounted = token.uses !== undefined
    if (isCounted && !(await this.#parts.store.transaction((tx) => tx.takeTokenUse(token.id)))) {
      return this.#fail(origin, id)
    }
    this.#noteUse(found)
    return {
      principal: { kind: 'token', id: token.id, tenant: token.tenant },
      role: token.role,
      access: await this.#parts.policies.accessOf(token),
      ...(token.user === undefined ? {} : { user: token.user }),
      asOf,
      ...origin,
    }
  }

  /** The same caller as of now. Throws UNAUTHENTICATED when its token has been revoked or has expired since. */
  async recheck(caller: Caller): Promise<Caller> {
    if (caller.principal.kind !== 'token') return caller
    const asOf = this.#parts.changes.position
    const found = await this.#cache.find(parseTokenId(caller.principal.id))
    if (found === undefined || !this.#isLive(found.token)) throw new CoffreError('UNAUTHENTICATED')
    const { token } = found
    return { ...caller, role: token.role, access: await this.#parts.policies.accessOf(token), asOf }
  }

  /** Writes down the failures that were only counted so far. */
  close(): Promise<void> {
    return this.#failures.flush()
  }

  /** After tokens were deleted, in the same process. */
  forgetAll(): void {
    this.#cache.forgetAll()
  }

  /** A login by other means that failed: bounded and recorded as a wrong token is. */
  async noteFailure(origin: RequestOrigin, tokenId?: string): Promise<void> {
    if (origin.address !== undefined) {
      this.#attempts.check(origin.address)
      this.#attempts.note(origin.address)
    }
    await this.#failures.note({ ...origin, tokenId })
  }

  async #fail(origin: RequestOrigin, tokenId: string | undefined): Promise<never> {
    await this.noteFailure(origin, tokenId)
    throw new CoffreError('UNAUTHENTICATED')
  }

  async #find(id: TokenId, origin: RequestOrigin): Promise<CachedToken | undefined> {
    const known = this.#cache.known(id)
    if (known === undefined && origin.address !== undefined) this.#attempts.check(origin.address)
    return known ?? this.#cache.find(id)
  }

  #isValid({ token, blocks }: CachedToken, text: string, origin: RequestOrigin): boolean {
    const same = matchesHash(text, token.hash)
    return same && this.#isLive(token) && blocks?.includes(origin.address) !== false
  }

  #isLive(token: Token): boolean {
    return token.revokedAt === undefined && (token.expiresAt ?? Infinity) > this.#parts.clock()
  }

  /** Coarse and unwaited: whether it is written changes no answer. */
  #noteUse(found: CachedToken): void {
    const now = this.#parts.clock()
    if (now - found.notedAt < NOTE_USE_EVERY) return
    found.notedAt = now
    this.#parts.store
      .transaction((tx) => tx.markTokenUsed(found.token.id, now))
      .catch((error: unknown) => {
        if (!(error instanceof CoffreError)) throw error
      })
  }

  async #revoke(
    caller: Caller,
    find: (tx: StoreTransaction) => Promise<Token>,
    options: RevokeOptions,
  ): Promise<void> {
    const { store, trail, clock } = this.#parts
    const { principal, requestId } = caller
    let family: readonly Token[] = []
    const revokeFamily = async (tx: StoreTransaction) => {
      const first = await find(tx)
      family = options.keepChildren === true ? [first] : await withDescendants(tx, first)
      for (const token of family) await tx.revokeToken(token.tenant, token.id, clock())
      await trail.append(
        tx,
        family.map((token) => {
          const because = token.id === first.id ? {} : { with: first.id }
          return {
            action: 'token.revoke',
            principal,
            requestId,
            outcome: 'ok',
            detail: { token: token.id, ...because },
          }
        }),
      )
    }
    try {
      await store.transaction(revokeFamily)
    } finally {
      // Also after an error: the commit may have happened and only its answer been lost.
      for (const token of family) this.#cache.drop(token.id)
    }
  }

  async #own(store: Pick<Store, 'findToken'>, caller: Caller): Promise<Token> {
    const token = await store.findToken(parseTokenId(caller.principal.id))
    if (token === undefined) throw new CoffreError('TOKEN_NOT_FOUND')
    return token
  }
}

async function requirePolicies(
  tx: StoreTransaction,
  tenant: TenantId,
  policies: readonly PolicyName[],
): Promise<void> {
  for (const name of policies) {
    if (name === DEFAULT_POLICY || (await tx.findPolicy(tenant, name)) !== undefined) continue
    throw new CoffreError('POLICY_NOT_FOUND')
  }
}

/** A token, those that it made, those that these made, … Each once: a row that was tampered with may form a ring. */
async function withDescendants(tx: StoreTransaction, first: Token): Promise<readonly Token[]> {
  const family = new Map([[first.id, first]])
  for (const token of family.values()) {
    for (const child of await tx.listTokensMadeBy(token.id)) {
      if (!family.has(child.id)) family.set(child.id, child)
    }
  }
  return [...family.values()]
}

/** Never earlier than it was, never beyond the bound. */
function renewedEnd(
  token: Token,
  renewal: NonNullable<Token['renewal']>,
  at: { readonly now: Instant; readonly asked: number | undefined },
): Instant {
  const wanted = addMilliseconds(at.now, (at.asked ?? renewal.ttlSeconds) * SECOND)
  return toInstant(Math.max(token.expiresAt ?? 0, Math.min(wanted, renewal.until)))
}
