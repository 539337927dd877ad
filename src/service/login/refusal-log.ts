import { addMilliseconds, type Clock, type Instant, SECOND } from '../../model/clock.ts'
import type { LoginMethod, LoginRole } from '../../model/login-role.ts'
import type { AuditTrail } from '../audit-trail.ts'
import type { Caller } from '../caller.ts'

/** Strangers must not fill the log: so many refused logins are recorded one by one in a window, the rest as a count. */
const MAX_RECORDS = 60
const WINDOW = 60 * SECOND

/** Refused logins in the audit log. */
export class RefusalLog {
  readonly #trail: AuditTrail
  readonly #clock: Clock
  #windowEnds: Instant | undefined
  #recorded = 0
  #suppressed = 0

  constructor(parts: { readonly trail: AuditTrail; readonly clock: Clock }) {
    this.#trail = parts.trail
    this.#clock = parts.clock
  }

  /** The role only where there is one: a name that somebody made up does not belong into the log. */
  async record(caller: Caller, attempt: { method: LoginMethod; role: LoginRole | undefined }): Promise<void> {
    const now = this.#clock()
    if (this.#windowEnds === undefined || now >= this.#windowEnds) {
      this.#windowEnds = addMilliseconds(now, WINDOW)
      this.#recorded = 0
    }
    if (this.#recorded >= MAX_RECORDS) {
      this.#suppressed += 1
      return
    }
    this.#recorded += 1
    const more = this.#suppressed === 0 ? {} : { suppressed: this.#suppressed }
    this.#suppressed = 0
    const { method, role } = attempt
    await this.#trail.commit({
      action: 'login.refused',
      principal: { ...caller.principal, ...(role === undefined ? {} : { tenant: role.tenant }) },
      requestId: caller.requestId,
      outcome: 'refused',
      code: 'UNAUTHENTICATED',
      detail: { method, ...(role === undefined ? {} : { loginRole: role.name }), ...more },
    })
  }
}
