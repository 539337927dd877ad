import type { ContextPairs } from './coffre.ts'
import type { KeyOperation, PolicyDocument } from './policy.ts'
import type { Secret } from './secret.ts'
import type { Role } from './token.ts'

export interface Tokens {
  /** The token is shown here and nowhere else. */
  create(request: CreateTokenRequest): Promise<CreatedToken>
  list(): Promise<readonly TokenView[]>
  get(id: string): Promise<TokenView>
  /** Effective at once, for every token that it made as well, unless these are kept. */
  revoke(id: string, options?: RevokeOptions): Promise<void>
  /** Who asks. Needs no permission, nor do the next two. */
  whoami(): Promise<Identity>
  /** The end of the caller's own token moves on, up to the bound that it was made with. */
  renew(options?: { readonly ttlSeconds?: number }): Promise<TokenView>
  revokeSelf(options?: RevokeOptions): Promise<void>
}

export interface RevokeOptions {
  /** True: only this one; the tokens that it made stay valid. */
  readonly keepChildren?: boolean
}

export interface CreateTokenRequest {
  readonly name: string
  readonly description?: string
  readonly role: Role
  /** Absent or empty: `default` for an app, every key of the tenant for other roles. */
  readonly policies?: readonly string[]
  /** Absent: the caller's own. Only unconfined admins of `default` name another. */
  readonly tenant?: string
  /** 60 to 31,536,000 (one year); 2,592,000 (30 days) when absent. */
  readonly ttlSeconds?: number
  /** Makes it renewable up to so long after its creation; at least `ttlSeconds`, at most one year. */
  readonly maxTtlSeconds?: number
  /** How many requests it may authenticate; without a bound when absent. */
  readonly maxUses?: number
  /** Blocks such as `10.0.0.0/8` or `2001:db8::/32`, or single addresses, that it must come from. */
  readonly cidrs?: readonly string[]
}

export interface TokenView {
  readonly id: string
  readonly name: string
  readonly description: string
  readonly role: Role
  readonly tenant: string
  readonly policies: readonly string[]
  readonly cidrs: readonly string[]
  readonly createdAt: string
  readonly expiresAt?: string
  readonly revokedAt?: string
  /** Until when it may renew itself; absent: it may not. */
  readonly renewableUntil?: string
  readonly maxUses?: number
  readonly usesLeft?: number
  /** Exactly for the role `user`: whose it is. */
  readonly user?: string
  /** The id of the token that made it. */
  readonly parent?: string
  /** To the hour. */
  readonly lastUsedAt?: string
}

export interface Identity {
  /** `token:<id>` or `local`. */
  readonly principal: string
  readonly tenant: string
  readonly role: Role
  /** True: the policies say which keys it reaches. */
  readonly confined: boolean
  readonly policies: readonly string[]
  /** Exactly for the role `user`. */
  readonly user?: string
  readonly token?: TokenView
}

/** Named documents that say which keys a token reaches, for what, and with which context. */
export interface Policies {
  create(name: string, document: PolicyDocument): Promise<PolicyView>
  /** Ordered by name; `default` is there even where it is the built-in one. */
  list(): Promise<readonly PolicyView[]>
  get(name: string): Promise<PolicyView>
  /** Effective from the next request. Updating the built-in `default` replaces it. */
  update(name: string, document: PolicyDocument, options?: { readonly epoch?: number }): Promise<PolicyView>
  /** Tokens that carry it lose what it allowed; a deleted `default` is the built-in one again. */
  delete(name: string): Promise<void>
  /** What would be decided, and by which rule. */
  test(request: PolicyTestRequest): Promise<PolicyTestResult>
}

export interface PolicyView {
  readonly name: string
  readonly document: PolicyDocument
  /** Rises with each change; 0 for the built-in `default`. */
  readonly epoch: number
  readonly createdAt?: string
  readonly updatedAt?: string
}

/** Either `token`, or a role with policies. */
export interface PolicyTestRequest {
  readonly token?: string
  readonly role?: Role
  readonly policies?: readonly string[]
  readonly operation: KeyOperation
  readonly key: string
  readonly context?: ContextPairs
}

export interface PolicyTestResult {
  readonly allowed: boolean
  /** `role` and `token`: refused before any policy is asked. `unconfined`: no policy confines it. */
  readonly reason: 'unconfined' | 'rule' | 'role' | 'token' | 'no-rule' | 'operation' | 'context'
  /** The rules that allow it, or whose context alone refuses. */
  readonly rules: readonly { readonly policy: string; readonly rule: number }[]
  /** Whether such a key exists; without one, its tags are taken as none. */
  readonly keyExists: boolean
}

export interface CreatedToken extends TokenView {
  readonly token: Secret
}
