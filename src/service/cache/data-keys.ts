import {
  type CacheKey,
  decodeCacheKey,
  encodeCacheKey,
  makeCacheKey,
  unwrapWithSecret,
  wrapUnderSecret,
} from '../../crypto/cache-key.ts'
import type { CacheEvent, CacheKeys, StoredCacheKey } from '../../model/cache.ts'
import { type Clock, type Instant, MINUTE } from '../../model/clock.ts'
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

/** So long another process may still use the key of a user who was erased. */
const KEPT_MS = MINUTE
const MAX_KEPT = 256
/** Of changes that lose against another process. */
const MAX_ATTEMPTS = 5

/** Data keys that were opened lately, and those that are being opened now. */
export class OpenedKeys {
  /** The oldest first. */
  readonly #kept = new Map<string, LoadedKey & { readonly at: Instant }>()
  readonly #loading = new Map<string, Promise<LoadedKey | undefined>>()

  find(user: string, now: Instant): LoadedKey | undefined {
    const known = this.#kept.get(user)
    if (known !== undefined && now - known.at < KEPT_MS) return known
    this.#kept.delete(user)
    return undefined
  }

  keep(user: string, loaded: LoadedKey, at: Instant): LoadedKey {
    this.#kept.set(user, { ...loaded, at })
    const [oldest] = this.#kept.keys()
    if (this.#kept.size > MAX_KEPT && oldest !== undefined) this.#kept.delete(oldest)
    return loaded
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

/** The data keys of users: made, opened, kept a minute. */
export class DataKeys {
  readonly #parts: DataKeysParts
  readonly #opened: OpenedKeys

  constructor(parts: DataKeysParts) {
    this.#parts = parts
    this.#opened = parts.opened ?? new OpenedKeys()
  }

  /** `undefined` for a user who has none. Throws USER_NOT_FOUND, CACHE_KEY_WRONG. */
  async find(user: string, secret?: string): Promise<LoadedKey | undefined> {
    const known = this.#opened.find(user, this.#parts.clock())
    if (known !== undefined) return known
    return this.#opened.share(user, async () => {
      const stored = await this.#parts.keys.read(user)
      if (stored.key === undefined) return undefined
      const key = await this.#open(user, { ...stored, key: stored.key }, secret)
      return this.#opened.keep(user, { key, state: parseState(stored.state) }, this.#parts.clock())
    })
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
    const isWritten = await this.#parts.keys.write(user, { before, after, event })
    return isWritten ? this.#opened.keep(user, { key, state }, this.#parts.clock()) : undefined
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
