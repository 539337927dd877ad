import type { EraseReceipt } from './cache.ts'
import type { Instant } from './clock.ts'
import type { ClientId, TenantId, UserId } from './ids.ts'
import type { Secret } from './secret.ts'

/** Somebody whom an application serves, as stored: never the client secret itself. */
export interface User {
  readonly id: UserId
  readonly tenant: TenantId
  /** Unique in its tenant. */
  readonly clientId: ClientId
  /** Lower-case hex SHA-256 of a secret that Coffre made; an Argon2id PHC string for one that came from elsewhere. */
  readonly secretHash: string
  readonly createdAt: Instant
  readonly updatedAt: Instant
  /** Rises with each change. */
  readonly epoch: number
  readonly apiKey?: StoredApiKey
  /** The data key of the user's cache as a ciphertext, and under a key from the client secret. */
  readonly cacheKey?: string
  readonly cacheKeySecret?: string
  /** A JSON object: work on the cache that goes on after a crash. */
  readonly cacheState?: string
}

/** A key that a provider gave the user, encrypted. */
export interface StoredApiKey {
  /** A Fernet token, or a ciphertext of Coffre's own. */
  readonly encrypted: string
  readonly provider: string
  readonly createdAt: Instant
  /** Only of a key so long that four characters tell nothing. */
  readonly lastFour?: string
  /** Keyed, and bound to user and provider. */
  readonly fingerprint: string
}

/** Users of one tenant: made, shown and erased by administrators. */
export interface Users {
  /** The client secret is shown here and nowhere else. Throws USER_EXISTS. */
  create(request?: CreateUserRequest): Promise<CreatedUser>
  /** Ordered by id; at most 1,000, 100 when absent. */
  list(query?: UserQuery): Promise<readonly UserView[]>
  /** By id, or by client id. Throws USER_NOT_FOUND. */
  get(user: string): Promise<UserView>
  /** The user whose credential asks. Throws FORBIDDEN for everybody else. */
  me(): Promise<UserView>
  /**
   * The old secret and every token of the user end at once. So does what was under it: the second wrapping of the data key
   * of the user's cache, unless `oldSecret` puts it under the new one. Entries of the source's form wait for `rekey`.
   */
  rotateSecret(user: string, request?: RotateSecretRequest): Promise<CreatedUser>
  /** Erases the user, the provider's key, every token and the entries of the cache. */
  delete(user: string): Promise<DeletedUser>
}

export interface DeletedUser {
  readonly id: string
  readonly cache: DeletedCache
}

/**
 * What became of a deleted user's entries. The data key went with the user in any case. `unreachable`: some may be left,
 * which `cache.for(id).erase()` deletes when the store answers again. `not-set`: the same where this Coffre knows no cache.
 * `none`: the user had none.
 */
export type DeletedCache =
  | { readonly outcome: 'erased'; readonly receipt: EraseReceipt }
  | { readonly outcome: 'unreachable' | 'not-set' | 'none' }

export interface CreateUserRequest {
  /** The user's id when absent. */
  readonly clientId?: string
  /** One that exists elsewhere; kept under Argon2id. Absent: a new one of Coffre's own form. */
  readonly clientSecret?: Secret | string
}

export interface RotateSecretRequest {
  readonly clientSecret?: Secret | string
  /** The one that ends. With it the data key of the user's cache, as far as it is under that, is put under the new one. */
  readonly oldSecret?: Secret | string
}

export interface UserQuery {
  readonly after?: string
  readonly limit?: number
}

export interface UserView {
  readonly id: string
  readonly clientId: string
  readonly tenant: string
  readonly createdAt: string
  readonly updatedAt: string
}

export interface CreatedUser extends UserView {
  /** Absent where the caller chose it. */
  readonly clientSecret?: Secret
  /** After a rotation, of a cache's data key that was under the old secret too: whether it is under the new one now. */
  readonly cacheKeyUnderSecret?: 'rewrapped' | 'dropped'
}
