import type { FernetRing } from '../../crypto/fernet-ring.ts'
import type {
  ApiKeyTest,
  ApiKeyView,
  ListedApiKey,
  RevokeAllOptions,
  RevokedApiKeys,
  RotatedWrapping,
  RotateWrappingOptions,
  SetApiKeyRequest,
} from '../../model/api-key.ts'
import { type Clock, formatInstant, SECOND } from '../../model/clock.ts'
import { CoffreError, hasCode } from '../../model/errors.ts'
import { parseUserId, type UserId } from '../../model/ids.ts'
import { Secret } from '../../model/secret.ts'
import type { StoredApiKey, User } from '../../model/user.ts'
import { readPageLimit } from '../../model/page.ts'
import type { Store } from '../../store/store.ts'
import { authorize } from '../access/authorize.ts'
import type { Permission } from '../access/permission.ts'
import { FailedAttempts } from '../attempt/failed-attempts.ts'
import type { AuditTrail } from '../audit-trail.ts'
import type { Caller } from '../caller.ts'
import { requireUser } from '../users/find-user.ts'
import type { UserService } from '../users/user-service.ts'
import { ApiKeyVault, formOf } from './api-key-vault.ts'
import { describeEvent } from './describe-event.ts'
import { isRevoked, noteInUse } from './fernet-checks.ts'
import type { OwnKey } from './own-key.ts'
import { lastFourOf, looksUsual, readApiKey, readProvider } from './read-api-key.ts'
import { finishRevocation, revokeAll } from './revoke-all.ts'
import { requireUsableRing, rotateWrapping } from './rotate-wrapping.ts'

/** A row that changes between each look and its use is being changed by a loop. */
const MAX_ATTEMPTS = 5
/** Each asks the provider, who counts too. */
const TESTS = {
  perPlace: { burst: 5, intervalMs: 10 * SECOND },
  total: { burst: 100, intervalMs: 100 },
} as const

/** How a provider is asked about a key; `app.ts` joins it with `http/outgoing`. */
export interface ProviderProbe {
  /** Throws CONFIG_REFUSED where no address of the provider is known. */
  test(provider: string, key: Buffer): Promise<ApiKeyTest>
}

export interface ApiKeyServiceParts {
  readonly store: Store
  readonly trail: AuditTrail
  readonly clock: Clock
  readonly users: UserService
  readonly own: OwnKey
  readonly ring: FernetRing | undefined
  readonly probe: ProviderProbe
  /** Told of writes in the source's form. */
  readonly countLegacyWrites: (count: number) => void
}

interface OpenKey {
  readonly user: User
  readonly apiKey: StoredApiKey
  readonly bytes: Buffer
}

/** The keys that providers gave to users: stored, shown without themselves, tried, lent for one call, encrypted again. */
export class ApiKeyService {
  readonly #parts: ApiKeyServiceParts
  readonly #vault: ApiKeyVault
  readonly #tests: FailedAttempts

  constructor(parts: ApiKeyServiceParts) {
    this.#parts = parts
    this.#vault = new ApiKeyVault(parts)
    this.#tests = new FailedAttempts(parts.clock, TESTS, (user) => user)
  }

  async set(caller: Caller, request: SetApiKeyRequest): Promise<ApiKeyView> {
    const user = await this.#find(caller, request.user, 'user.change')
    const text = readApiKey(request.apiKey)
    const provider = readProvider(request.provider)
    const bytes = Buffer.from(text)
    try {
      for (let attempt = 1; ; attempt += 1) {
        try {
          const stored = await this.#store(caller, user.id, { bytes, provider, ...lastFourOf(text) })
          return { ...view(stored), status: 'ok', looksUsual: looksUsual(provider, text) }
        } catch (error) {
          if (!hasCode(error, 'CONFLICT') || attempt === MAX_ATTEMPTS) throw error
        }
      }
    } finally {
      bytes.fill(0)
    }
  }

  async get(caller: Caller, name?: string): Promise<ApiKeyView> {
    return this.#view(await this.#find(caller, name, 'user.read'))
  }

  async list(
    caller: Caller,
    query: { readonly after?: string; readonly limit?: number } = {},
  ): Promise<readonly ListedApiKey[]> {
    await authorize(this.#parts.trail, caller, 'user.read')
    const limit = readPageLimit(query.limit)
    const after = query.after === undefined ? {} : { after: parseUserId(query.after) }
    const { tenant } = caller.principal
    const users = await this.#parts.store.listUsers({ tenant, withApiKey: true, limit, ...after })
    const listed: ListedApiKey[] = []
    for (const user of users) {
      listed.push({ user: user.id, clientId: user.clientId, ...(await this.#view(user)) })
    }
    return listed
  }

  async remove(caller: Caller, name?: string): Promise<void> {
    const { store, trail, clock } = this.#parts
    const { id, tenant } = await this.#find(caller, name, 'user.change')
    await store.transaction(async (tx) => {
      const before = await requireUser(tx, tenant, id)
      const { apiKey, ...bare } = before
      if (apiKey === undefined) return
      await tx.updateUser(before, { ...bare, updatedAt: clock(), epoch: before.epoch + 1 })
      await trail.append(tx, [
        describeEvent(caller, 'api-key.remove', { user: id, provider: apiKey.provider }),
      ])
    })
  }

  async test(caller: Caller, name?: string): Promise<ApiKeyTest> {
    const { id } = await this.#find(caller, name, 'user.change')
    this.#tests.check(id)
    this.#tests.note(id)
    const { apiKey, bytes } = await this.#open(caller, id)
    try {
      const found = await this.#parts.probe.test(apiKey.provider, bytes)
      await this.#parts.trail.commit(
        describeEvent(caller, 'api-key.test', {
          user: id,
          provider: apiKey.provider,
          verdict: found.verdict,
        }),
      )
      return found
    } finally {
      bytes.fill(0)
    }
  }

  /** `work` gets the key once its use is recorded; whatever becomes of it, the bytes are wiped then. */
  async use<Result>(
    caller: Caller,
    name: string,
    work: (key: Secret<Buffer>) => Promise<Result>,
  ): Promise<Result> {
    const { id } = await this.#find(caller, name, 'user.change')
    const { apiKey, bytes } = await this.#open(caller, id)
    try {
      await this.#parts.trail.commit(
        describeEvent(caller, 'api-key.use', { user: id, provider: apiKey.provider }),
      )
      return await work(new Secret(bytes))
    } finally {
      bytes.fill(0)
    }
  }

  async rotateWrapping(caller: Caller, options: RotateWrappingOptions = {}): Promise<RotatedWrapping> {
    await authorize(this.#parts.trail, caller, 'api-key.rotate')
    const form = options.to ?? (await this.#vault.formToWrite())
    if (form === 'fernet') await requireUsableRing(this.#parts)
    const { tell = () => undefined } = options
    return rotateWrapping({ ...this.#parts, vault: this.#vault }, { caller, form, tell })
  }

  async revokeAll(caller: Caller, { resume }: RevokeAllOptions = {}): Promise<RevokedApiKeys> {
    await authorize(this.#parts.trail, caller, 'api-key.revoke')
    return resume === undefined
      ? revokeAll(this.#parts, caller)
      : finishRevocation(this.#parts, caller, resume)
  }

  /** The user who asks, or the one whom an administrator names. */
  async #find(caller: Caller, name: string | undefined, permission: Permission): Promise<User> {
    if (name === undefined) return this.#parts.users.requireSelf(caller)
    await authorize(this.#parts.trail, caller, permission)
    return requireUser(this.#parts.store, caller.principal.tenant, name)
  }

  async #view(user: User): Promise<ApiKeyView> {
    if (user.apiKey === undefined) return { status: 'none' }
    const opened = await this.#vault.open(user)
    if (opened?.is !== 'open') return { ...view(user.apiKey), status: 'unreadable' }
    opened.bytes.fill(0)
    return { ...view(user.apiKey), status: 'ok' }
  }

  async #store(
    caller: Caller,
    id: UserId,
    given: { readonly bytes: Buffer; readonly provider: string; readonly lastFour?: string },
  ): Promise<StoredApiKey> {
    const { store, trail, clock, ring } = this.#parts
    const { bytes, ...shown } = given
    const owner = { user: { id }, provider: given.provider }
    const form = await this.#vault.formToWrite()
    const encrypted = await this.#vault.seal(bytes, owner, form)
    const fingerprint = await this.#vault.fingerprint(bytes, owner)
    const stored = { ...shown, encrypted, fingerprint, createdAt: clock() }
    await store.transaction(async (tx) => {
      const before = await requireUser(tx, caller.principal.tenant, id)
      // A rotation may have begun since: what it has passed already must not come under the old version.
      if (!(await this.#vault.isCurrent(encrypted, form, tx))) throw new CoffreError('CONFLICT')
      if (form === 'fernet' && ring !== undefined) {
        if (await isRevoked(tx, ring)) throw new CoffreError('CONFLICT')
        await noteInUse(tx, ring, clock())
      }
      await tx.updateUser(before, {
        ...before,
        apiKey: stored,
        updatedAt: clock(),
        epoch: before.epoch + 1,
      })
      const detail = { user: id, provider: given.provider, fingerprint, form }
      await trail.append(tx, [describeEvent(caller, 'api-key.set', detail)])
    })
    if (form === 'fernet') this.#parts.countLegacyWrites(1)
    return stored
  }

  /** Read again where the row has moved on meanwhile: it may be under a newer key by now. */
  async #open(caller: Caller, id: UserId): Promise<OpenKey> {
    let last: string | undefined
    for (let attempt = 1; ; attempt += 1) {
      const user = await requireUser(this.#parts.store, caller.principal.tenant, id)
      const opened = await this.#vault.open(user)
      if (user.apiKey === undefined || opened === undefined) throw new CoffreError('API_KEY_REQUIRED')
      if (opened.is === 'open') return { user, apiKey: user.apiKey, bytes: opened.bytes }
      if (user.apiKey.encrypted === last || attempt === MAX_ATTEMPTS) {
        const { because } = opened
        await this.#parts.trail.commit({
          ...describeEvent(caller, 'api-key.use', { user: id, provider: user.apiKey.provider, because }),
          outcome: 'refused',
          code: 'API_KEY_UNREADABLE',
        })
        throw new CoffreError('API_KEY_UNREADABLE')
      }
      last = user.apiKey.encrypted
    }
  }
}

/** Nothing of the key, nor of its ciphertext. */
function view(stored: StoredApiKey): Omit<ApiKeyView, 'status'> {
  const { provider, fingerprint, lastFour } = stored
  return {
    provider,
    createdAt: formatInstant(stored.createdAt),
    fingerprint,
    ...(lastFour === undefined ? {} : { lastFour }),
    form: formOf(stored.encrypted),
  }
}
