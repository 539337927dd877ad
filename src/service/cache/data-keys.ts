import {
  type CacheKey,
  decodeCacheKey,
  encodeCacheKey,
  makeCacheKey,
  unwrapWithSecret,
  wrapUnderSecret,
} from '../../crypto/cache-key.ts'
import type { CacheEvent, CacheKeys, StoredCacheKey } from '../../model/cache.ts'
import { type Clock, type Instant, MINUTE, SECOND } from '../../model/clock.ts'
import { CoffreError, hasCode } from '../../model/errors.ts'
import type { TenantId } from '../../model/ids.ts'
import { type CacheState, formatState, parseState } from './cache-state.ts'

/** The operations of a Coffre that a data key needs; `model/coffre.ts` has them. */
export interface KeyWrapping {
  wrap(user: string, bytes: Uint8Array): Promise<string>
  unwrap(user: string, wrapped: string): Promise<Uint8Array>
}

export interface DataKeysParts {
  readonly keys: CacheKeys
  readonly wrapping: KeyWrapping
  readonly clock: Clock
  /** Of the users; `default` when absent. */
  readonly tenant?: TenantId | undefined
  /** Shared by all who ask for the same users. */
  readonly opened?: OpenedKeys | undefined
}

export interface LoadedKey {
  readonly key: CacheKey
  readonly state: CacheState
}

export interface NewKeyOptions {
  /** Absent: only the managed key opens it. */
  readonly secret: string | undefined
  readonly names: CacheState['names']
}

/** So long a data key is used after its managed key was suspended. */
const KEPT_MS = MINUTE
/** So long one is used without a look at the user's row: after an erasure by another process, for example. */
const FRESH_MS = SECOND
const MAX_KEPT = 256
/** Of changes that lose against another process. */
const MAX_ATTEMPTS = 5

interface KeptKey extends LoadedKey {
  /** As the user's row has it. */
  readonly wrapped: string
  readonly openedAt: Instant
  /** When the row had it last. */
  readonly seenAt: Instant
}

/** Data keys that were opened lately, and those that are being opened now. */
export class OpenedKeys {
  /** The oldest first. */
  readonly #kept = new Map<string, KeptKey>()
  readonly #loading = new Map<string, Promise<LoadedKey | undefined>>()

  find(user: string, now: Instant): KeptKey | undefined {
    const known = this.#kept.get(user)
    if (known !== undefined && now - known.openedAt < KEPT_MS) return known
    this.#kept.delete(user)
    return undefined
  }

  keep(user: string, kept: KeptKey): LoadedKey {
    this.#kept.set(user, kept)
    const [oldest] = this.#kept.keys()
    if (this.#kept.size > MAX_KEPT && oldest !== undefined) this.#kept.delete(oldest)
    return kept
  }

  /** Of whoever has the user's row in hand: another key than the row's is used no more. */
  retain(user: string, wrapped: string | undefined): void {
    if (this.#kept.get(user)?.wrapped !== wrapped) this.#kept.delete(user)
  }

  forget(user: string): void {
    this.#kept.delete(user)
  }

  /** Whoever asks for the same user meanwhile gets the same answer: a thousand reads open a key once. */
  share(user: string, load: () => Promise<LoadedKey | undefined>): Promise<LoadedKey | undefined> {
    const known = this.#loading.get(user)
    if (known !== undefined) return known
    const loading = load().finally(() => this.#loading.delete(user))
    this.#loading.set(user, loading)
    return loading
  }

  /** Best effort: erases what this process holds. What still uses such a key fails. */
  wipe(): void {
    for (const { key } of this.#kept.values()) key.material.wipe()
    this.#kept.clear()
  }
}

/** The data keys of users: made, opened, kept a minute while the row still has them. */
export class DataKeys {
  readonly #parts: DataKeysParts
  readonly #opened: OpenedKeys

  constructor(parts: DataKeysParts) {
    this.#parts = parts
    this.#opened = parts.opened ?? new OpenedKeys()
  }

  /** `undefined` for a user who has none. Throws USER_NOT_FOUND, CACHE_KEY_WRONG. */
  async find(user: string, secret?: string): Promise<LoadedKey | undefined> {
    const now = this.#parts.clock()
    const known = this.#opened.find(user, now)
    if (known !== undefined && now - known.seenAt < FRESH_MS) return known
    return this.#opened.share(user, () => this.#load(user, secret))
  }

  async #load(user: string, secret: string | undefined): Promise<LoadedKey | undefined> {
    const seenAt = this.#parts.clock()
    const { key: wrapped, ...stored } = await this.#parts.keys.read(user)
    this.#opened.retain(user, wrapped)
    if (wrapped === undefined) return undefined
    const known = this.#opened.find(user, seenAt)
    const key = known?.key ?? (await this.#open(user, { ...stored, key: wrapped }, secret))
    const openedAt = known?.openedAt ?? seenAt
    return this.#opened.keep(user, { key, state: parseState(stored.state), wrapped, openedAt, seenAt })
  }

  /** The user's key; a new one where there is none. */
  async obtain(user: string, options: NewKeyOptions): Promise<LoadedKey> {
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
      const found =
        (await this.find(user, options.secret)) ??
        (await this.#opened.share(user, () => this.#make(user, options)))
      if (found !== undefined) return found
    }
    throw new CoffreError('CONFLICT')
  }

  /** Changes what is stored of a user. `make` may be asked again, with what another process wrote. */
  async change(
    user: string,
    event: CacheEvent,
    make: (stored: StoredCacheKey) => Promise<StoredCacheKey> | StoredCacheKey,
  ): Promise<void> {
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
      const before = await this.#parts.keys.read(user)
      const after = await make(before)
      if (await this.#parts.keys.write(user, { before, after, event })) {
        this.#opened.forget(user)
        return
      }
    }
    throw new CoffreError('CONFLICT')
  }

  /** Best effort: erases what this process holds. What still uses such a key fails. */
  wipe(): void {
    this.#opened.wipe()
  }

  async #make(user: string, { secret, names }: NewKeyOptions): Promise<LoadedKey | undefined> {
    const before = await this.#parts.keys.read(user)
    if (before.key !== undefined) return undefined
    const [key, state] = [makeCacheKey(this.#parts.tenant), { ...parseState(before.state), names }]
    const bytes = encodeCacheKey(key)
    const wrapped = await this.#parts.wrapping.wrap(user, bytes).finally(() => bytes.fill(0))
    const after = {
      key: wrapped,
      ...(secret === undefined ? {} : { keyUnderSecret: await wrapUnderSecret(key, user, secret) }),
      state: formatState(state),
    }
    const event: CacheEvent = { action: 'cache.create-key', detail: { names } }
    const seenAt = this.#parts.clock()
    const isWritten = await this.#parts.keys.write(user, { before, after, event })
    return isWritten ? this.#opened.keep(user, { key, state, wrapped, openedAt: seenAt, seenAt }) : undefined
  }

  async #open(
    user: string,
    stored: StoredCacheKey & { readonly key: string },
    secret: string | undefined,
  ): Promise<CacheKey> {
    try {
      const bytes = await this.#parts.wrapping.unwrap(user, stored.key)
      const key = decodeCacheKey(bytes, this.#parts.tenant)
      bytes.fill(0)
      if (key !== undefined) return key
    } catch (error) {
      // The managed key is gone; the user's own secret still opens it.
      if (secret === undefined || stored.keyUnderSecret === undefined || !isKeyTrouble(error)) throw error
    }
    const { tenant } = this.#parts
    const key = await openUnderSecret(stored.keyUnderSecret, user, secret)
    return tenant === undefined ? key : { ...key, tenant }
  }
}

function isKeyTrouble(error: unknown): boolean {
  return error instanceof CoffreError && (error.code.startsWith('KEY_') || error.code === 'DECRYPTION_FAILED')
}

/** Throws CACHE_KEY_WRONG. */
export async function openUnderSecret(
  wrapped: string | undefined,
  user: string,
  secret: string | undefined,
): Promise<CacheKey> {
  if (wrapped === undefined || secret === undefined) throw new CoffreError('CACHE_KEY_WRONG')
  try {
    return await unwrapWithSecret(wrapped, user, secret)
  } catch (error) {
    if (hasCode(error, 'DECRYPTION_FAILED')) throw new CoffreError('CACHE_KEY_WRONG')
    throw error
  }
}
