import type { Session, SessionData } from '../../model/session.ts'
import type { SessionChange, SessionGate, WebHeader } from './session-gate.ts'

/** The session of one request, and how its handler changes it. */
export class WebSession {
  readonly #gate: SessionGate
  readonly #setHeader: (header: WebHeader) => void
  #current: Session | undefined

  constructor(gate: SessionGate, current: Session | undefined, setHeader: (header: WebHeader) => void) {
    this.#gate = gate
    this.#current = current
    this.#setHeader = setHeader
  }

  /** Absent while nobody is logged in. */
  get current(): Session | undefined {
    return this.#current
  }

  /** After a login. The session that the request brought is over. */
  async open(user: string, data?: SessionData): Promise<void> {
    this.#apply(await this.#gate.open(this.#current, user, data))
  }

  /** Another id for the same user, when its privileges rise. False where nobody is logged in any more. */
  async renew(data?: SessionData): Promise<boolean> {
    if (this.#current === undefined) return false
    this.#apply(await this.#gate.renew(this.#current, data))
    return this.#current !== undefined
  }

  /** Logs out. */
  async close(): Promise<void> {
    this.#apply(await this.#gate.close(this.#current))
  }

  #apply({ session, headers }: SessionChange): void {
    this.#current = session
    for (const header of headers) this.#setHeader(header)
  }
}
