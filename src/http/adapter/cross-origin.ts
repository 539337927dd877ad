import { CoffreError } from '../../model/errors.ts'

/** RFC 9110, section 9.2.1, without TRACE, which nobody needs. */
const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])
const LOOPBACK: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]'])
const MAX_ORIGINS = 256

export type WebHeaders = Readonly<Record<string, string | readonly string[] | undefined>>

export interface WebRequest {
  readonly method: string
  /** Names in small letters, as Node has them. */
  readonly headers: WebHeaders
}

export interface OriginRules {
  /** Where the application itself is, `https://app.example`. */
  readonly own: string
  isAllowed(origin: string): boolean
}

export interface OriginOptions {
  readonly origin: string
  /** Other origins whose pages may call with the user's cookies; a list, or one text with commas. */
  readonly allowedOrigins?: string | readonly string[]
  readonly isProduction: boolean
  readonly onWarning: (text: string) => void
}

/**
 * Throws CONFIG_REFUSED for what is no origin, and in production for `*`: with cookies it would let every site read what
 * its visitors may read. In development `*` stands for this machine, with a warning.
 */
export function readOrigins({
  origin,
  allowedOrigins = [],
  isProduction,
  onWarning,
}: OriginOptions): OriginRules {
  const listed = typeof allowedOrigins === 'string' ? allowedOrigins.split(',') : allowedOrigins
  const names = listed.map((each) => each.trim()).filter((each) => each !== '')
  if (names.length > MAX_ORIGINS) refuse('allowedOrigins', `at most ${MAX_ORIGINS}`)
  const isAnyAsked = names.includes('*')
  if (isAnyAsked && isProduction)
    refuse('allowedOrigins', 'origins by name: `*` with cookies lets every site read')
  if (isAnyAsked) onWarning('allowedOrigins "*" stands for this machine only, and is refused in production')
  const own = readOrigin(origin, 'origin')
  const allowed = new Set(
    names.filter((each) => each !== '*').map((each) => readOrigin(each, 'allowedOrigins')),
  )
  return { own, isAllowed: (given) => allowed.has(given) || (isAnyAsked && isLoopback(given)) }
}

export type CrossOriginFault = 'fetch-site' | 'origin' | 'content-type'

/** Whether a page of another site may have made this request; judged before any token. */
export function judgeOrigin(
  request: WebRequest,
  rules: OriginRules,
  contentTypes: ReadonlySet<string>,
): CrossOriginFault | undefined {
  const isUpgrade = readHeader(request, 'upgrade') !== undefined
  if (isSafe(request.method) && !isUpgrade) return undefined
  const origin = readHeader(request, 'origin')
  const site = readHeader(request, 'sec-fetch-site')
  const isKnown = origin !== undefined && (origin === rules.own || rules.isAllowed(origin))
  // Every browser sends one of the two with what changes something; `none` and `null` say nothing.
  if (site !== undefined && site !== 'same-origin' && !isKnown) return 'fetch-site'
  if (origin === undefined ? site !== 'same-origin' : !isKnown) return 'origin'
  return isUpgrade || !hasBody(request) || contentTypes.has(mediaType(request)) ? undefined : 'content-type'
}

export function isSafe(method: string): boolean {
  return SAFE_METHODS.has(method)
}

/** Undefined as well for one that stands twice. */
export function readHeader({ headers }: WebRequest, name: string): string | undefined {
  const value = headers[name]
  return typeof value === 'string' ? value : undefined
}

export function isPreflight(request: WebRequest): boolean {
  return request.method === 'OPTIONS' && readHeader(request, 'access-control-request-method') !== undefined
}

/** Whether a page of one of `allowedOrigins` asks: it cannot read the cookies of this host. */
export function isFromAllowed(request: WebRequest, rules: OriginRules): boolean {
  const origin = readHeader(request, 'origin')
  return origin !== undefined && origin !== rules.own && rules.isAllowed(origin)
}

export interface CorsHeaderNames {
  /** What a request may bring. */
  readonly allowed: readonly string[]
  /** What of the answer the page may read. */
  readonly exposed: string
}

/** What a browser asks of the answer, for a request of a page of another origin. */
export function corsHeaders(
  request: WebRequest,
  rules: OriginRules,
  { allowed, exposed }: CorsHeaderNames,
): readonly (readonly [string, string])[] {
  const origin = readHeader(request, 'origin')
  const vary = ['vary', 'Origin'] as const
  if (origin === undefined || !isFromAllowed(request, rules)) return [vary]
  const grant = [
    vary,
    ['access-control-allow-origin', origin],
    ['access-control-allow-credentials', 'true'],
    ['access-control-expose-headers', exposed],
  ] as const
  if (!isPreflight(request)) return grant
  return [
    ...grant,
    ['access-control-allow-methods', 'GET, HEAD, POST, PUT, PATCH, DELETE'],
    ['access-control-allow-headers', allowed.join(', ')],
    ['access-control-max-age', '600'],
  ]
}

function hasBody(request: WebRequest): boolean {
  const length = readHeader(request, 'content-length')
  const isChunked = request.headers['transfer-encoding'] !== undefined
  return (
    isChunked || (length !== undefined && length !== '0') || request.headers['content-type'] !== undefined
  )
}

function mediaType(request: WebRequest): string {
  const [type = ''] = (readHeader(request, 'content-type') ?? '').split(';')
  return type.trim().toLowerCase()
}

function readOrigin(text: string, at: string): string {
  const url = URL.parse(text)
  const isWeb = (url?.protocol === 'https:' || url?.protocol === 'http:') && !text.includes('*')
  return isWeb && url.origin === text ? text : refuse(at, 'https://host or https://host:port')
}

function isLoopback(origin: string): boolean {
  const url = URL.parse(origin)
  return url !== null && url.origin === origin && LOOPBACK.has(url.hostname)
}

function refuse(at: string, expected: string): never {
  throw new CoffreError('CONFIG_REFUSED', { facts: { at, expected } })
}
