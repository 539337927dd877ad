/** Chromium and Firefox drop longer ones. */
const MAX_COOKIE_BYTES = 4_096
/** 50 cookies of 4 KiB are more than browsers send to one host; Node takes 16 KiB of headers anyway. */
const MAX_HEADER_CHARACTERS = 64 * 1_024

export interface CookieFlags {
  /** 0 deletes it; absent: until the browser ends. */
  readonly maxAgeSeconds?: number
  /** False only for what a script of the page must read. */
  readonly isHttpOnly: boolean
  readonly sameSite: 'strict' | 'lax' | 'none'
  /** True only for development over http: without it a browser would drop the cookie. */
  readonly isInsecure: boolean
}

const SAME_SITE = { strict: 'Strict', lax: 'Lax', none: 'None' } as const

/** `__Host-`: set by this host alone, over TLS, for every path, so a subdomain cannot plant one (RFC 6265bis, 4.1.3.2). */
export function cookieName(name: string, isInsecure: boolean): string {
  return isInsecure ? name : `__Host-${name}`
}

/** `value` is of characters that a cookie may have. Throws RangeError for one that a browser would drop. */
export function formatCookie(name: string, value: string, flags: CookieFlags): string {
  const { maxAgeSeconds, isHttpOnly, sameSite, isInsecure } = flags
  const text = [
    `${name}=${value}`,
    'Path=/',
    ...(maxAgeSeconds === undefined ? [] : [`Max-Age=${maxAgeSeconds}`]),
    ...(isHttpOnly ? ['HttpOnly'] : []),
    ...(isInsecure ? [] : ['Secure']),
    `SameSite=${SAME_SITE[sameSite]}`,
  ].join('; ')
  if (text.length > MAX_COOKIE_BYTES) throw new RangeError('a cookie has at most 4,096 bytes')
  return text
}

/** The cookie of that name; `undefined` where it is absent or there twice, since one of two may be planted. */
export function readCookie(header: string | undefined, name: string): string | undefined {
  if (header === undefined || header.length > MAX_HEADER_CHARACTERS) return undefined
  const found = header.split(';').flatMap((pair) => {
    const [key = '', ...value] = pair.split('=')
    return strip(key) === name ? [strip(value.join('='))] : []
  })
  return found.length === 1 ? found[0] : undefined
}

/**
 * Blanks and tabs, as RFC 6265bis has it. `trim` takes more: with a no-break space in front, a browser sees no `__Host-`
 * and takes the cookie from a subdomain.
 */
function strip(text: string): string {
  return text.replace(/^[ \t]+/, '').replace(/[ \t]+$/, '')
}
