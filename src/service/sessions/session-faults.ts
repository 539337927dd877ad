import type { SessionFault, SessionFaultCounts } from '../../model/session.ts'

/** How often each cause refused a token. */
export class FaultCounter {
  readonly #counts: Record<SessionFault, number> = {
    malformed: 0,
    algorithm: 0,
    key: 0,
    signature: 0,
    expired: 0,
    'not-yet': 0,
    claims: 0,
    revoked: 0,
  }

  add(fault: SessionFault): void {
    this.#counts[fault] += 1
  }

  read(): SessionFaultCounts {
    return { ...this.#counts }
  }
}
