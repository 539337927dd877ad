import { randomBytes } from '../../crypto/random.ts'
import { addMilliseconds, type Clock, DAY, type Instant, SECOND, toInstant } from '../../model/clock.ts'
import { CoffreError } from '../../model/errors.ts'
import type {
  NewSession,
  Session,
  SessionData,
  SessionFault,
  SessionFaultCounts,
} from '../../model/session.ts'
import { Secret } from '../../model/secret.ts'
import { CLOCK_SKEW_SECONDS } from '../jwt/compact.ts'
import { CsrfTokens } from './csrf-tokens.ts'
import { MemoryRevocations } from './memory-revocations.ts'
import {
  checkId,
  checkScope,
  checkUser,
  judgeClaims,
  readData,
  type SessionLimits,
  type SessionRecord,
  type SessionScope,
  toClaims,
} from './session-claims.ts'
import { FaultCounter } from './session-faults.ts'
import type { SessionKeys } from './session-keys.ts'
import type { SessionRevocations } from './session-revocations.ts'
import { readToken, requireForm, type TokenForm, writeToken } from './session-token.ts'

const DEFAULT_LIMITS: SessionLimits = { idleSeconds: 30 * 60, absoluteSeconds: 24 * 3_600 }
export const MAX_LIMIT_SECONDS = 30 * 24 * 3_600
const ID_BYTES = 16

export interface SessionsOptions extends SessionScope, Partial<SessionLimits> {
  readonly keys: SessionKeys
  /** `signed` when absent: whoever holds a token can read it. `encrypted`: only the application can. */
  readonly form?: TokenForm
  /** Those of this process when absent. */
  readonly revocations?: SessionRevocations
  readonly clock?: Clock
  /** Why a token was refused, for a log or a metric; never for whoever sent it. */
  readonly onFault?: (fault: SessionFault) => void
}

/** Session tokens of an application: docs/spec/session.md. */
export class Sessions {
  readonly csrf: CsrfTokens
  readonly #options: SessionsOptions
  readonly #limits: SessionLimits
  readonly #form: TokenForm
  readonly #revocations: SessionRevocations
  readonly #clock: Clock
  readonly #faults = new FaultCounter()

  /** Throws CONFIG_REFUSED. */
  constructor(options: SessionsOptions) {
    const { keys, form = 'signed', clock = () => toInstant(Date.now()) } = options
    checkScope(options)
    requireForm(keys, form)
    this.#options = options
    this.#limits = readLimits(options)
    this.#form = form
    this.#clock = clock
    this.#revocations = options.revocations ?? new MemoryRevocations(clock)
    this.csrf = new CsrfTokens(keys)
  }

  /** After a login: always a session of its own, whatever token the request brought. */
  async create(user: string, data: SessionData = {}): Promise<NewSession> {
    checkUser(user)
    const about = { user, data: readData(data), sessionId: drawId(), startedAt: this.#clock() }
    const made = await this.#issue(about)
    if (made === undefined) throw new Error('unreachable: a limit has a second at least')
    return made
  }

  /** `undefined` for every token that is not good; `faults` counts why. */
  async verify(token: string): Promise<Session | undefined> {
    return (await this.#read(token))?.session
  }

  /**
   * The same session in a new token: the idle limit begins anew, the absolute one stays. The old token stays good until
   * its end, for requests that are under way.
   */
  async refresh(token: string, data?: SessionData): Promise<NewSession | undefined> {
    const record = (await this.#read(token))?.record
    if (record === undefined) return undefined
    return this.#issue({ ...record, ...(data === undefined ? {} : { data: readData(data) }) })
  }

  /** For a rise in privilege: another session for the same user; the one before is over. The absolute limit stays. */
  async renew(token: string, data?: SessionData): Promise<NewSession | undefined> {
    const session = await this.verify(token)
    return session === undefined ? undefined : this.replace(session, data)
  }

  /** As `renew`, of a session that was verified before. */
  async replace(session: Session, data: SessionData = session.data): Promise<NewSession | undefined> {
    await this.end(session)
    // When it began stays, so that what ended the user's sessions meanwhile ends this one as well.
    const startedAt = toInstant(Date.parse(session.startedAt))
    return this.#issue({ user: session.user, data: readData(data), sessionId: drawId(), startedAt })
  }

  /** For a logout, of a session that was verified: it is remembered until the session would have ended by itself. */
  async end({ sessionId, expiresAt, endsAt }: Session): Promise<void> {
    checkId(sessionId)
    // A limit may have been lowered since the token was made, and may rise again.
    const last = toInstant(Math.max(Date.parse(expiresAt), Date.parse(endsAt)))
    const until = addMilliseconds(last, CLOCK_SKEW_SECONDS * SECOND)
    await this.#revocations.add({ kind: 'id', id: sessionId, until })
  }

  /** Ends a session or one token of it: `sessionId` or `tokenId`. */
  async revoke(id: string): Promise<void> {
    checkId(id)
    await this.#revocations.add({ kind: 'id', id, until: this.#lastEnd() })
  }

  /** Every session of the user that began until now. */
  async revokeUser(user: string): Promise<void> {
    checkUser(user)
    await this.#revocations.add({ kind: 'user', user, before: this.#clock(), until: this.#lastEnd() })
  }

  revokeAll(): Promise<void> {
    return this.#revocations.add({ kind: 'all', before: this.#clock(), until: this.#lastEnd() })
  }

  /** No session lasts longer, refreshed or not. */
  get absoluteSeconds(): number {
    return this.#limits.absoluteSeconds
  }

  /** How often a token was refused, by cause. */
  get faults(): SessionFaultCounts {
    return this.#faults.read()
  }

  /** Whether half of the idle time is over, so that a new token is worth its bytes. */
  isDue(session: Session): boolean {
    const [issued, expires] = [Date.parse(session.issuedAt), Date.parse(session.expiresAt)]
    const isLast = session.expiresAt === session.endsAt
    return !isLast && this.#clock() >= issued + (expires - issued) / 2
  }

  async #read(token: string): Promise<{ session: Session; record: SessionRecord } | undefined> {
    const judged = await this.#judge(token)
    if (typeof judged !== 'string') return judged
    this.#faults.add(judged)
    this.#options.onFault?.(judged)
    return undefined
  }

  async #judge(token: string): Promise<{ session: Session; record: SessionRecord } | SessionFault> {
    const claims = await readToken(this.#options.keys, 'session', token)
    if (typeof claims === 'string') return claims
    const time = { now: this.#clock(), limits: this.#limits }
    const judged = judgeClaims(claims, this.#options, time)
    if (typeof judged === 'string') return judged
    const { sessionId, tokenId, user, startedAt } = judged.record
    const isRevoked = await this.#revocations.isRevoked({ ids: [sessionId, tokenId], user, startedAt })
    return isRevoked ? 'revoked' : judged
  }

  /** `undefined` where the session has ended since it was looked at. */
  async #issue(about: Omit<SessionRecord, 'tokenId'>): Promise<NewSession | undefined> {
    const record = { ...about, tokenId: drawId() }
    const time = { now: this.#clock(), limits: this.#limits }
    const claims = toClaims(record, this.#options, time)
    const judged = judgeClaims(claims, this.#options, time)
    if (typeof judged === 'string') return undefined
    const token = await writeToken(this.#options.keys, { purpose: 'session', form: this.#form }, claims)
    return { ...judged.session, token: new Secret(token) }
  }

  /** No token that exists now lives longer, whatever clock it was made by. */
  #lastEnd(): Instant {
    return addMilliseconds(this.#clock(), this.#limits.absoluteSeconds * SECOND + DAY)
  }
}

function drawId(): string {
  return Buffer.from(randomBytes(ID_BYTES)).toString('base64url')
}

function readLimits(options: Partial<SessionLimits>): SessionLimits {
  const { idleSeconds, absoluteSeconds } = { ...DEFAULT_LIMITS, ...dropAbsent(options) }
  for (const [at, value] of Object.entries({ idleSeconds, absoluteSeconds })) {
    if (!Number.isInteger(value) || value < 1 || value > MAX_LIMIT_SECONDS) {
      throw new CoffreError('CONFIG_REFUSED', { facts: { at, least: 1, most: MAX_LIMIT_SECONDS } })
    }
  }
  return { idleSeconds, absoluteSeconds }
}

function dropAbsent({ idleSeconds, absoluteSeconds }: Partial<SessionLimits>): Partial<SessionLimits> {
  return {
    ...(idleSeconds === undefined ? {} : { idleSeconds }),
    ...(absoluteSeconds === undefined ? {} : { absoluteSeconds }),
  }
}
