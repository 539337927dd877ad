import { CoffreError } from '../../model/errors.ts'
import type { NewSession, Session, SessionData } from '../../model/session.ts'
import type { Sessions } from '../../service/sessions/sessions.ts'
import { cookieName, formatCookie, readCookie } from './cookie.ts'
import {
  corsHeaders,
  isFromAllowed,
  isPreflight,
  isSafe,
  judgeOrigin,
  type OriginRules,
  readHeader,
  readOrigins,
  type WebRequest,
} from './cross-origin.ts'

const CSRF_HEADER = 'x-csrf-token'
const CSRF_COOKIE = 'csrf'
const CORS_HEADERS = { allowed: ['content-type', CSRF_HEADER], exposed: CSRF_HEADER } as const
const COOKIE_NAME = /^[A-Za-z0-9_-]{1,64}$/

export interface SessionWebOptions {
  readonly sessions: Sessions
  /** Where the application is reached: `https://app.example`. */
  readonly origin: string
  /** Other origins whose pages may call with the user's cookies. */
  readonly allowedOrigins?: string | readonly string[]
  /** `session` when absent; `__Host-` is put in front. */
  readonly cookie?: string
  /** `lax` when absent, so that links from elsewhere find the user logged in. `none` only with `allowedOrigins`. */
  readonly sameSite?: 'strict' | 'lax' | 'none'
  /** What bodies of requests that change something may be; `application/json` when absent. */
  readonly contentTypes?: readonly string[]
  /**
   * True: cookies without `Secure` and `__Host-`, for development over http. Refused where `NODE_ENV` is `production`.
   */
  readonly insecureDevelopment?: boolean
  /** For what is only good in development; a process warning when absent. */
  readonly onWarning?: (text: string) => void
}

export type WebHeader = readonly [name: string, value: string]

/** What to do with a request, whatever framework it came through. */
export type Admission =
  | { readonly kind: 'pass'; readonly session: Session | undefined; readonly headers: readonly WebHeader[] }
  /** An answer of 204 without a body. */
  | { readonly kind: 'preflight'; readonly headers: readonly WebHeader[] }
  | {
      readonly kind: 'refuse'
      readonly status: 403 | 415
      readonly error: CoffreError
      readonly headers: readonly WebHeader[]
    }

/** A session that begins or ends, with the headers that tell the browser. */
export interface SessionChange {
  readonly session: Session | undefined
  readonly headers: readonly WebHeader[]
}

/** Cookies, CSRF and CORS around `Sessions`: what the adapters for frameworks have in common. */
export class SessionGate {
  readonly #sessions: Sessions
  readonly #rules: OriginRules
  readonly #sameSite: 'strict' | 'lax' | 'none'
  readonly #contentTypes: ReadonlySet<string>
  readonly #isInsecure: boolean
  readonly #sessionCookie: string
  readonly #csrfCookie: string

  /** Throws CONFIG_REFUSED. */
  constructor(options: SessionWebOptions) {
    const { sessions, sameSite = 'lax', contentTypes = ['application/json'], cookie = 'session' } = options
    const isProduction = process.env['NODE_ENV'] === 'production'
    const onWarning = options.onWarning ?? ((text) => process.emitWarning(text, 'CoffreWarning'))
    this.#sessions = sessions
    this.#isInsecure = options.insecureDevelopment === true
    this.#rules = readOrigins({ ...options, isProduction, onWarning })
    if (this.#isInsecure && isProduction) refuse('insecureDevelopment', 'false in production')
    if (this.#isInsecure)
      onWarning('insecureDevelopment: cookies go over http and any subdomain can plant them')
    if (!this.#isInsecure && !this.#rules.own.startsWith('https:')) refuse('origin', 'https://…')
    if (sameSite === 'none' && (options.allowedOrigins ?? []).length === 0)
      refuse('sameSite', 'strict or lax')
    if (!COOKIE_NAME.test(cookie) || cookie === CSRF_COOKIE) refuse('cookie', '1 to 64 of A-Z a-z 0-9 _ -')
    this.#sameSite = sameSite
    this.#contentTypes = new Set(contentTypes.map((type) => type.toLowerCase()))
    this.#sessionCookie = cookieName(cookie, this.#isInsecure)
    this.#csrfCookie = cookieName(CSRF_COOKIE, this.#isInsecure)
  }

  async admit(request: WebRequest): Promise<Admission> {
    const headers = corsHeaders(request, this.#rules, CORS_HEADERS)
    if (isPreflight(request) && headers.length > 1) return { kind: 'preflight', headers }
    const fault = judgeOrigin(request, this.#rules, this.#contentTypes)
    if (fault === 'content-type') {
      const error = new CoffreError('MEDIA_TYPE_UNSUPPORTED', {
        facts: { expected: [...this.#contentTypes].join(', ') },
      })
      return { kind: 'refuse', status: 415, error, headers }
    }
    if (fault !== undefined) return refuseRequest(fault, headers)
    const token = readCookie(readHeader(request, 'cookie'), this.#sessionCookie)
    const session = token === undefined ? undefined : await this.#sessions.verify(token)
    if (session === undefined || token === undefined) return { kind: 'pass', session: undefined, headers }
    if (!isSafe(request.method) && !(await this.#hasToken(request, session))) {
      return refuseRequest('token', headers)
    }
    const next = this.#sessions.isDue(session) ? await this.#sessions.refresh(token) : undefined
    if (next !== undefined) {
      const cookies = await this.#cookiesOf(next, request)
      return { kind: 'pass', session: next, headers: [...headers, ...cookies] }
    }
    const csrf = isFromAllowed(request, this.#rules) ? await this.#csrfOf(session, request) : []
    return { kind: 'pass', session, headers: [...headers, ...csrf] }
  }

  /** After a login: always another session, whatever the request brought; what it brought is over. */
  async open(before: Session | undefined, user: string, data?: SessionData): Promise<SessionChange> {
    const session = await this.#sessions.create(user, data)
    if (before !== undefined) await this.#sessions.end(before)
    return { session, headers: await this.#cookiesOf(session) }
  }

  /** For a rise in privilege: another id for the same user. */
  async renew(session: Session, data?: SessionData): Promise<SessionChange> {
    const next = await this.#sessions.replace(session, data)
    return next === undefined
      ? this.close(undefined)
      : { session: next, headers: await this.#cookiesOf(next) }
  }

  /** Logs out: the session is revoked, and the browser forgets it. */
  async close(session: Session | undefined): Promise<SessionChange> {
    if (session !== undefined) await this.#sessions.end(session)
    const headers = [
      this.#cookie(this.#sessionCookie, '', 0, true),
      this.#cookie(this.#csrfCookie, '', 0, false),
    ]
    return { session: undefined, headers }
  }

  #hasToken(request: WebRequest, { sessionId }: Session): Promise<boolean> {
    const cookie = readCookie(readHeader(request, 'cookie'), this.#csrfCookie)
    return this.#sessions.csrf.verify(sessionId, cookie, readHeader(request, CSRF_HEADER))
  }

  /** Both last as long as the session may, since only the server knows whether it still does. */
  async #cookiesOf(session: NewSession, request?: WebRequest): Promise<readonly WebHeader[]> {
    return [
      this.#cookie(this.#sessionCookie, session.token.reveal(), ageOf(session), true),
      ...(await this.#csrfOf(session, request)),
    ]
  }

  /** The token in a cookie for pages of the application, and in a header for those of other origins. */
  async #csrfOf(session: Session, request?: WebRequest): Promise<readonly WebHeader[]> {
    const known = request && readCookie(readHeader(request, 'cookie'), this.#csrfCookie)
    const isGood = known !== undefined && (await this.#sessions.csrf.verify(session.sessionId, known, known))
    const csrf = isGood ? known : await this.#sessions.csrf.create(session.sessionId)
    return [
      // A cache may keep such an answer otherwise, and give it to the next user (RFC 9111, section 7.3).
      ['cache-control', 'no-store'],
      [CSRF_HEADER, csrf],
      this.#cookie(this.#csrfCookie, csrf, ageOf(session), false),
    ]
  }

  #cookie(name: string, value: string, maxAgeSeconds: number, isHttpOnly: boolean): WebHeader {
    const flags = { maxAgeSeconds, isHttpOnly, sameSite: this.#sameSite, isInsecure: this.#isInsecure }
    return ['set-cookie', formatCookie(name, value, flags)]
  }
}

function ageOf({ issuedAt, endsAt }: Session): number {
  return Math.max(0, Math.floor((Date.parse(endsAt) - Date.parse(issuedAt)) / 1_000))
}

function refuseRequest(check: string, headers: readonly WebHeader[]): Admission {
  return {
    kind: 'refuse',
    status: 403,
    error: new CoffreError('CSRF_REFUSED', { facts: { check } }),
    headers,
  }
}

function refuse(at: string, expected: string): never {
  throw new CoffreError('CONFIG_REFUSED', { facts: { at, expected } })
}
