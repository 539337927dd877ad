import { type Clock, toInstant } from '../../model/clock.ts'
import { type KeyId, parseKeyId } from '../../model/ids.ts'
import type { SessionRevocationRow } from '../../model/session.ts'
import type { Change } from '../../store/changes.ts'
import type { ReadStore } from '../../store/store.ts'
import type { ChangeListener } from '../change-feed.ts'
import { MemoryRevocations } from './memory-revocations.ts'
import type { RevocableSession, SessionRevocation } from './session-revocations.ts'

/** Each is a set of revocations; a Coffre has few keys for sessions. */
const MAX_KEYS = 256

/** Revocations of the store, kept in memory by key; the change feed tells of those of other processes. */
export class StoreRevocations implements ChangeListener {
  readonly #store: Pick<ReadStore, 'listSessionRevocations'>
  readonly #clock: Clock
  readonly #byKey = new Map<KeyId, MemoryRevocations>()
  /** As in TokenCache. */
  #changes = 0

  constructor(store: Pick<ReadStore, 'listSessionRevocations'>, clock: Clock) {
    this.#store = store
    this.#clock = clock
  }

  async isRevoked(key: KeyId, session: RevocableSession): Promise<boolean> {
    return (await this.of(key)).isRevoked(session)
  }

  async of(key: KeyId): Promise<MemoryRevocations> {
    const known = this.#byKey.get(key)
    if (known !== undefined) return known
    const before = this.#changes
    const rows = await this.#store.listSessionRevocations(key)
    const read = new MemoryRevocations(this.#clock)
    const now = this.#clock()
    for (const row of rows) if (row.until > now) read.put(toRevocation(row))
    if (before !== this.#changes) return read
    if (this.#byKey.size >= MAX_KEYS) this.#byKey.clear()
    this.#byKey.set(key, read)
    return read
  }

  forget({ kind, id }: Change): void {
    if (kind === 'session') this.drop(parseKeyId(id))
    else if (!['key', 'token', 'policy', 'root', 'user'].includes(kind)) this.forgetAll()
  }

  drop(key: KeyId): void {
    this.#changes += 1
    this.#byKey.delete(key)
  }

  forgetAll(): void {
    this.#changes += 1
    this.#byKey.clear()
  }
}

export function toRow(revocation: SessionRevocation): SessionRevocationRow {
  const { kind, until } = revocation
  if (kind === 'id') return { kind, subject: revocation.id, before: toInstant(0), until }
  const subject = kind === 'user' ? revocation.user : ''
  return { kind, subject, before: revocation.before, until }
}

function toRevocation({ kind, subject, before, until }: SessionRevocationRow): SessionRevocation {
  if (kind === 'id') return { kind, id: subject, until }
  return kind === 'user' ? { kind, user: subject, before, until } : { kind, before, until }
}
