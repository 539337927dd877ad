import { InvalidToken, type InvalidTokenReason, readTokenTime } from '../../crypto/fernet.ts'
import { type Clock, formatInstant, SECOND, toInstant } from '../../model/clock.ts'
import type { CacheStore } from '../../store/cache-store.ts'
import type { SourceKey } from './source-keys.ts'

export interface OpenedSource {
  readonly plaintext: Uint8Array
  /** ISO 8601 in UTC. */
  readonly writtenAt: string
}

export type Judged = OpenedSource | 'MISS' | 'EXPIRED' | 'WRONG_KEY' | 'TAMPERED'

export interface SourceWrite {
  readonly name: string
  readonly plaintext: Uint8Array
  readonly ttlSeconds: number
  /** Of an entry that is moved: it never replaces a later one. Absent: it is new, and written now. */
  readonly writtenAt?: number
}

export interface SourceWritten {
  /** `conflict`: an entry of another key is there, and stays. `later`: so does a later one of this key. */
  readonly outcome: 'written' | 'conflict' | 'later'
  /** What was there had been changed by somebody. */
  readonly replacedTampered: boolean
}

/** `expired` and `future` tokens are authentic: their MAC was right. */
const JUDGED: Readonly<Record<InvalidTokenReason, 'EXPIRED' | 'WRONG_KEY' | 'TAMPERED'>> = {
  expired: 'EXPIRED',
  future: 'EXPIRED',
  mac: 'WRONG_KEY',
  malformed: 'TAMPERED',
  oversized: 'TAMPERED',
  padding: 'TAMPERED',
}

/** A writer that lost so many races in a row has something else to complain about. */
const MAX_ATTEMPTS = 5

/** Entries of format 1 (docs/spec/cache.md) in a store. Every method throws CACHE_UNAVAILABLE. */
export class SourceEntries {
  readonly #store: CacheStore
  readonly #clock: Clock

  constructor(store: CacheStore, clock: Clock) {
    this.#store = store
    this.#clock = clock
  }

  /** One round trip, and a second one only for names whose token did not open. */
  async readMany(
    key: SourceKey,
    names: readonly string[],
    ttlSeconds: number,
    onStep?: (step: 'store') => void,
  ): Promise<Judged[]> {
    const values = await this.#store.getMany(names)
    onStep?.('store')
    return Promise.all(
      values.map(async (value, index): Promise<Judged> => {
        if (value === undefined) return 'MISS'
        const judged = this.open(key, value, ttlSeconds)
        // Whoever wrote it under this key is in the set; what does not open now was changed since.
        const isOurs = judged === 'WRONG_KEY' && (await this.#store.isInSet(key.index, names[index] ?? ''))
        return isOurs ? 'TAMPERED' : judged
      }),
    )
  }

  /** `WRONG_KEY` may be TAMPERED yet: a token that does not open does not say why. */
  open(key: SourceKey, value: Uint8Array, ttlSeconds: number | undefined): Exclude<Judged, 'MISS'> {
    const token = Buffer.from(value.buffer, value.byteOffset, value.length).toString('latin1')
    const age = ttlSeconds === undefined ? {} : { ttlSeconds }
    try {
      const plaintext = key.fernet.decrypt(token, { ...age, nowSeconds: this.#nowSeconds() })
      const timestamp = readTokenTime(token)?.timestamp ?? 0 // it was read by `decrypt`
      return { plaintext, writtenAt: formatInstant(toInstant(timestamp * SECOND)) }
    } catch (error) {
      if (!(error instanceof InvalidToken)) throw error
      return JUDGED[error.reason]
    }
  }

  /** The same plaintext under another key, not a second younger. */
  seal(key: SourceKey, opened: OpenedSource): Uint8Array {
    return sealToken(key, opened.plaintext, readSeconds(opened))
  }

  /** Nothing of another key is ever overwritten, whoever else writes at the same time. One round trip, as a rule. */
  async write(key: SourceKey, write: SourceWrite): Promise<SourceWritten> {
    const { name, ttlSeconds, writtenAt } = write
    if (writtenAt !== undefined) return this.#writeOver(key, write)
    const value = sealToken(key, write.plaintext, this.#nowSeconds())
    const { isSet, before } = await this.#store.setOwned(name, value, { set: key.index, ttlSeconds })
    // The entry of a program without such a set, or of another key: to be judged before it is replaced.
    if (!isSet) return this.#writeOver(key, write, { isNew: true })
    return { outcome: 'written', replacedTampered: before !== undefined && !this.#isAuthentic(key, before) }
  }

  /** As `open` judges it, without what its reader would want to know. */
  #isAuthentic({ fernet }: SourceKey, token: string): boolean {
    try {
      fernet.decrypt(token, { nowSeconds: this.#nowSeconds() })
      return true
    } catch (error) {
      if (!(error instanceof InvalidToken)) throw error
      return JUDGED[error.reason] === 'EXPIRED'
    }
  }

  /** `given.isNew`: the name came into the set for this write. */
  async #writeOver(key: SourceKey, write: SourceWrite, given = { isNew: false }): Promise<SourceWritten> {
    const { name, plaintext, ttlSeconds, writtenAt } = write
    let { isNew } = given
    const value = sealToken(key, plaintext, writtenAt ?? this.#nowSeconds())
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
      const [added, current, isCreated] = await Promise.all([
        this.#store.addToSet(key.index, [name], ttlSeconds),
        this.#store.get(name),
        this.#store.setIfAbsent(name, value, ttlSeconds),
      ])
      if (isCreated) return { outcome: 'written', replacedTampered: false }
      // Also at a second attempt: then the name is in the set because of the first.
      isNew ||= added === 1
      if (current === undefined) continue
      const judged = this.open(key, current, undefined)
      if (judged === 'WRONG_KEY' && isNew) {
        await this.#store.removeFromSet(key.index, [name])
        return { outcome: 'conflict', replacedTampered: false }
      }
      if (writtenAt !== undefined && typeof judged === 'object' && readSeconds(judged) > writtenAt) {
        return { outcome: 'later', replacedTampered: false }
      }
      const isReplaced = await this.#store.replace(name, { expected: current, value }, ttlSeconds)
      const wasTampered = judged === 'TAMPERED' || judged === 'WRONG_KEY'
      if (isReplaced) return { outcome: 'written', replacedTampered: wasTampered }
    }
    if (isNew) await this.#store.removeFromSet(key.index, [name])
    return { outcome: 'conflict', replacedTampered: false }
  }

  /** An entry of another key stays; one that was changed since this key wrote it goes. */
  async remove(key: SourceKey, name: string): Promise<'removed' | 'MISS' | 'WRONG_KEY'> {
    const stored = await this.#store.get(name)
    if (stored === undefined) return 'MISS'
    const judged = this.open(key, stored, undefined)
    if (judged === 'WRONG_KEY' && !(await this.#store.isInSet(key.index, name))) return 'WRONG_KEY'
    const isRemoved = await this.#store.removeIf(name, stored)
    await this.#store.removeFromSet(key.index, [name])
    return isRemoved ? 'removed' : 'MISS'
  }

  #nowSeconds(): number {
    return Math.floor(this.#clock() / SECOND)
  }
}

function sealToken({ fernet }: SourceKey, plaintext: Uint8Array, nowSeconds: number): Uint8Array {
  return Buffer.from(fernet.encrypt(plaintext, { nowSeconds }), 'latin1')
}

/** Seconds since 1970. */
export function readSeconds({ writtenAt }: OpenedSource): number {
  return Math.floor(Date.parse(writtenAt) / SECOND)
}
