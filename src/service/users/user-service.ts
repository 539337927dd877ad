import { drawId } from '../../crypto/bearer-token.ts'
import type { AuditAction } from '../../model/audit-event.ts'
import type { Clock } from '../../model/clock.ts'
import { CoffreError } from '../../model/errors.ts'
import {
  type ClientId,
  DEFAULT_TENANT,
  isUserId,
  parseClientId,
  parseTenantId,
  parseUserId,
  type TenantId,
  type UserId,
} from '../../model/ids.ts'
import { MAX_CLIENT_SECRET_CHARACTERS } from '../../model/limits.ts'
import type { Secret } from '../../model/secret.ts'
import type {
  CreatedUser,
  CreateUserRequest,
  RotateSecretRequest,
  User,
  UserQuery,
  UserView,
} from '../../model/user.ts'
import { readPageLimit } from '../../model/page.ts'
import type { Store } from '../../store/store.ts'
import { authorize, refuse } from '../access/authorize.ts'
import type { RequestOrigin, TokenService } from '../access/token-service.ts'
import { FailedAttempts, UNSEAL_ATTEMPTS } from '../attempt/failed-attempts.ts'
import type { AuditTrail } from '../audit-trail.ts'
import type { Caller } from '../caller.ts'
import { NO_ACCESS } from '../policy/access.ts'
import {
  makeClientSecret,
  matchesForeignSecret,
  matchesOwnSecret,
  readOwner,
  revealText,
} from './client-secret.ts'
import { findUserNamed, requireUser } from './find-user.ts'
import { rewrapCacheKey } from './rewrap-cache-key.ts'
import { viewUser } from './user-view.ts'

/** The address of whoever asks, so it names no user. */
const OWN_NAME = 'me'

export interface UserServiceParts {
  readonly store: Store
  readonly trail: AuditTrail
  readonly clock: Clock
  readonly tokens: TokenService
}

/** What a user shows; without a client id the secret itself must name its user. */
export interface UserCredential {
  readonly clientId?: string | undefined
  readonly tenant?: string | undefined
  readonly secret: string
}

/** Users of a tenant, and their being recognised. None of it needs the root key. */
export class UserService {
  readonly #parts: UserServiceParts
  /** Secrets from elsewhere may be guessed, and each guess is an Argon2id. */
  readonly #guesses: FailedAttempts

  constructor(parts: UserServiceParts) {
    this.#parts = parts
    this.#guesses = new FailedAttempts(parts.clock, UNSEAL_ATTEMPTS)
  }

  async create(caller: Caller, request: CreateUserRequest = {}): Promise<CreatedUser> {
    const { store, trail, clock } = this.#parts
    await authorize(trail, caller, 'user.change')
    const id = parseUserId(`usr_${drawId()}`)
    const clientId = request.clientId === undefined ? parseClientId(id) : readClientId(request.clientId)
    const { hash, secret } = await makeClientSecret(id, request.clientSecret)
    const now = clock()
    const { tenant } = caller.principal
    const user: User = { id, tenant, clientId, secretHash: hash, createdAt: now, updatedAt: now, epoch: 1 }
    await store.transaction(async (tx) => {
      await tx.insertUser(user)
      await trail.append(tx, [describeChange(caller, 'user.create', id)])
    })
    return { ...viewUser(user), ...(secret === undefined ? {} : { clientSecret: secret }) }
  }

  async list(caller: Caller, query: UserQuery = {}): Promise<readonly UserView[]> {
    await authorize(this.#parts.trail, caller, 'user.read')
    const limit = readPageLimit(query.limit)
    const after = query.after === undefined ? {} : { after: parseUserId(query.after) }
    const { tenant } = caller.principal
    return (await this.#parts.store.listUsers({ tenant, limit, ...after })).map(viewUser)
  }

  /** Throws USER_NOT_FOUND. */
  async get(caller: Caller, name: string): Promise<UserView> {
    await authorize(this.#parts.trail, caller, 'user.read')
    return viewUser(await requireUser(this.#parts.store, caller.principal.tenant, name))
  }

  /** Throws FORBIDDEN for a caller who is no user, and USER_NOT_FOUND for one who was erased. */
  async me(caller: Caller): Promise<UserView> {
    return viewUser(await this.requireSelf(caller))
  }

  /** The row of the user who asks. */
  async requireSelf(caller: Caller): Promise<User> {
    const { store, trail } = this.#parts
    await authorize(trail, caller, 'user.self')
    // An administrator has the permission, and is no user.
    if (caller.user === undefined) return refuse(trail, caller, 'user.self')
    return requireUser(store, caller.principal.tenant, caller.user)
  }

  /** Throws USER_NOT_FOUND. */
  async rotateSecret(caller: Caller, name: string, request: RotateSecretRequest = {}): Promise<CreatedUser> {
    const { store, trail, clock, tokens } = this.#parts
    await authorize(trail, caller, 'user.change')
    const found = await requireUser(store, caller.principal.tenant, name)
    const { id, cacheKeySecret: oldWrapping } = found
    const oldSecret = await requireOldSecret(found, request.oldSecret)
    const { hash, secret } = await makeClientSecret(id, request.clientSecret)
    const newSecret = revealText(request.clientSecret ?? secret ?? '')
    const newWrapping = await rewrapCacheKey(found, { before: oldSecret, after: newSecret })
    try {
      const user = await store.transaction(async (tx) => {
        const before = await requireUser(tx, caller.principal.tenant, id)
        // Somebody put it under a secret meanwhile.
        if (before.cacheKeySecret !== oldWrapping) throw new CoffreError('CONFLICT')
        const { cacheKeySecret: _ended, ...kept } = before
        const after = {
          ...kept,
          ...(newWrapping === undefined ? {} : { cacheKeySecret: newWrapping }),
          secretHash: hash,
          updatedAt: clock(),
          epoch: before.epoch + 1,
        }
        await tx.updateUser(before, after)
        await tx.deleteTokensOf(id)
        await trail.append(tx, [describeChange(caller, 'user.rotate-secret', id)])
        return after
      })
      const cacheKeyUnderSecret = newWrapping === undefined ? 'dropped' : 'rewrapped'
      return {
        ...viewUser(user),
        ...(secret === undefined ? {} : { clientSecret: secret }),
        ...(oldWrapping === undefined ? {} : { cacheKeyUnderSecret }),
      }
    } finally {
      // Also after an error: the commit may have happened and only its answer been lost.
      tokens.forgetAll()
    }
  }

  /** The row that was; its data key of a cache is gone with it. Throws USER_NOT_FOUND. */
  async delete(caller: Caller, name: string): Promise<User> {
    const { store, trail, tokens } = this.#parts
    await authorize(trail, caller, 'user.change')
    try {
      return await store.transaction(async (tx) => {
        const user = await requireUser(tx, caller.principal.tenant, name)
        await tx.deleteUser(user.id)
        await trail.append(tx, [describeChange(caller, 'user.delete', user.id)])
        return user
      })
    } finally {
      tokens.forgetAll()
    }
  }

  /**
   * The user whose secret this is. Throws UNAUTHENTICATED without saying why, and RATE_LIMITED where too many failed
   * before.
   */
  async authenticate(credential: UserCredential, origin: RequestOrigin): Promise<User> {
    const { secret } = credential
    const owner = readOwner(secret)
    const user =
      owner === undefined ? await this.#findNamed(credential) : await this.#findOwner(owner, credential)
    const isProven =
      owner === undefined
        ? await this.#matchesForeign(user, secret, origin)
        : user !== undefined && matchesOwnSecret(user, secret)
    if (user !== undefined && isProven) return user
    await this.#parts.tokens.noteFailure(origin)
    throw new CoffreError('UNAUTHENTICATED')
  }

  /** The same as a caller, for one request. */
  async authenticateCaller(credential: UserCredential, origin: RequestOrigin): Promise<Caller> {
    const { id, tenant } = await this.authenticate(credential, origin)
    return { principal: { kind: 'user', id, tenant }, role: 'user', access: NO_ACCESS, user: id, ...origin }
  }

  /** By the id in the secret; a client id that comes along must be that user's. */
  async #findOwner(owner: UserId, credential: UserCredential): Promise<User | undefined> {
    const user = await this.#parts.store.findUser(owner)
    const { clientId, tenant } = credential
    if (clientId !== undefined && clientId !== user?.clientId && clientId !== user?.id) return undefined
    return tenant === undefined || tenant === user?.tenant ? user : undefined
  }

  async #findNamed({ clientId, tenant }: UserCredential): Promise<User | undefined> {
    const within = readTenant(tenant)
    return clientId === undefined || within === undefined
      ? undefined
      : findUserNamed(this.#parts.store, within, clientId)
  }

  async #matchesForeign(user: User | undefined, secret: string, origin: RequestOrigin): Promise<boolean> {
    if (secret === '' || secret.length > MAX_CLIENT_SECRET_CHARACTERS) return false
    const address = origin.address ?? ''
    this.#guesses.check(address)
    const isProven = await matchesForeignSecret(user, secret)
    if (!isProven) this.#guesses.note(address)
    return isProven
  }
}

/** Throws INVALID_REQUEST for another than the one that the user has. */
async function requireOldSecret(user: User, given: Secret | string | undefined): Promise<string | undefined> {
  if (given === undefined) return undefined
  const text = revealText(given)
  if (matchesOwnSecret(user, text) || (await matchesForeignSecret(user, text))) return text
  throw new CoffreError('INVALID_REQUEST', {
    facts: { at: 'oldSecret', expected: 'the secret that the user has now' },
  })
}

function readClientId(text: string): ClientId {
  const clientId = parseClientId(text)
  if (!isUserId(clientId) && clientId !== OWN_NAME) return clientId
  throw new CoffreError('INVALID_REQUEST', {
    facts: { at: 'clientId', expected: 'not what an id looks like' },
  })
}

/** One that cannot be a tenant is as absent as one that is not there. */
function readTenant(text: string | undefined): TenantId | undefined {
  if (text === undefined) return DEFAULT_TENANT
  try {
    return parseTenantId(text)
  } catch {
    return undefined
  }
}

function describeChange({ principal, requestId }: Caller, action: AuditAction, user: UserId) {
  return { action, principal, requestId, outcome: 'ok', detail: { user } } as const
}
