import { addMilliseconds, type Clock, type Instant, SECOND } from '../../model/clock.ts'
import { CoffreError } from '../../model/errors.ts'
import { DEFAULT_TENANT, type RequestId } from '../../model/ids.ts'
import type { AuditTrail } from '../audit-trail.ts'
import { newRequestId } from '../caller.ts'
import { placeOf } from './address-name.ts'

const WINDOW_MS = 60 * SECOND
/** Records of one window besides its count: enough to see who began. */
const MAX_SINGLE_RECORDS = 8

export interface FailedAuthentication {
  readonly requestId: RequestId
  readonly address?: string | undefined
  /** Where the text named one; its secret was wrong, or its time over. */
  readonly tokenId?: string | undefined
}

/**
 * Failed authentications in the audit log, a bounded number however many there are: the first of a place in a window
 * at once, the rest as one count when the window is over.
 */
export class FailureRecord {
  readonly #trail: AuditTrail
  readonly #clock: Clock
  readonly #places = new Set<string>()
  #counted = 0
  #until: Instant | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(trail: AuditTrail, clock: Clock) {
    this.#trail = trail
    this.#clock = clock
  }

  /** Resolves also when the log cannot be written: the answer is a refusal either way. */
  async note(failure: FailedAuthentication): Promise<void> {
    if (this.#until !== undefined && this.#clock() >= this.#until) await this.flush()
    this.#open()
    const place = placeOf(failure.address ?? '')
    if (this.#places.has(place) || this.#places.size >= MAX_SINGLE_RECORDS) {
      this.#counted += 1
      return
    }
    this.#places.add(place)
    const { requestId, tokenId } = failure
    await this.#record(requestId, { address: place, ...(tokenId === undefined ? {} : { token: tokenId }) })
  }

  /** Writes what was counted. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer)
    this.#until = undefined
    this.#places.clear()
    const count = this.#counted
    this.#counted = 0
    if (count > 0) await this.#record(newRequestId(), { count })
  }

  #open(): void {
    if (this.#until !== undefined) return
    this.#until = addMilliseconds(this.#clock(), WINDOW_MS)
    this.#timer = setTimeout(() => void this.flush(), WINDOW_MS)
    this.#timer.unref()
  }

  async #record(requestId: RequestId, detail: Readonly<Record<string, string | number>>): Promise<void> {
    try {
      await this.#trail.commit({
        action: 'access.unauthenticated',
        principal: { kind: 'anonymous', id: '', tenant: DEFAULT_TENANT },
        requestId,
        outcome: 'refused',
        code: 'UNAUTHENTICATED',
        detail,
      })
    } catch (error) {
      if (!(error instanceof CoffreError)) throw error
    }
  }
}
