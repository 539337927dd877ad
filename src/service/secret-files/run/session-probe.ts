import { randomBytes } from '../../../crypto/random.ts'
import { SECOND, toInstant } from '../../../model/clock.ts'
import { CoffreError } from '../../../model/errors.ts'
import { createSecureSession } from '../../sessions/secure-session.ts'
import { SecretSessionKeys } from '../../sessions/secret-session-keys.ts'
import type { SessionScope } from '../../sessions/session-claims.ts'
import { Sessions } from '../../sessions/sessions.ts'
import { askStatus } from './ask.ts'

/** An address of the application that needs a session, and how it is sent. */
export interface SessionProbe {
  /** https, or http on this machine: the session is good for a minute. */
  readonly url: string
  /** The cookie that has the session; absent: `Authorization: Bearer`. */
  readonly cookie?: string
  /** Of applications that take Coffre's own signed sessions; absent: those of `createSecureSession`. */
  readonly scope?: SessionScope
}

export interface ProbedKeys {
  readonly key: string
  /** A key whose sessions must be over. */
  readonly ended?: string
}

/** Nobody of the application. */
const USER = 'coffre-probe'
const LIFE_SECONDS = 60
const SECURE_LIFE_SECONDS = 86_400
const STRANGER_BYTES = 48
const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/
const COOKIE_NAME = /^[A-Za-z0-9_.-]{1,128}$/

/** Throws CONFIG_REFUSED, before anything is changed. */
export function requireSessionProbe({ url, cookie }: SessionProbe): void {
  const { protocol, hostname, username, password } = URL.canParse(url)
    ? new URL(url)
    : { protocol: '', hostname: '', username: '', password: '' }
  const isPrivate = protocol === 'https:' || (protocol === 'http:' && LOOPBACK.test(hostname))
  if (!isPrivate || username !== '' || password !== '') {
    throw refuse('sessionProbe.url', 'an https address, or http on this machine, without a user')
  }
  if (cookie !== undefined && !COOKIE_NAME.test(cookie)) {
    throw refuse('sessionProbe.cookie', 'the name of a cookie')
  }
}

/**
 * Whether the application takes a session under the new key, and none under a key that nobody has: an address that asks for
 * no session proves nothing. After a compromise, none under the old key either.
 */
export async function probeSession(probe: SessionProbe, { key, ended }: ProbedKeys): Promise<boolean> {
  const stranger = Buffer.from(randomBytes(STRANGER_BYTES)).toString('base64url')
  for (const refused of ended === undefined ? [stranger] : [stranger, ended]) {
    if (!isRefusal(await ask(probe, refused))) return false
  }
  const status = await ask(probe, key)
  return status !== undefined && status >= 200 && status < 300
}

/** A server that is down, or that fails, judged no session. */
function isRefusal(status: number | undefined): boolean {
  return status !== undefined && status >= 300 && status < 500
}

async function ask(probe: SessionProbe, key: string): Promise<number | undefined> {
  const { url, cookie } = probe
  const token = await issue(probe, key)
  const headers: Readonly<Record<string, string>> =
    cookie === undefined ? { authorization: `Bearer ${token}` } : { cookie: `${cookie}=${token}` }
  return askStatus(url, headers)
}

async function issue({ scope }: SessionProbe, key: string): Promise<string> {
  const now = Math.floor(Date.now() / SECOND)
  if (scope === undefined) {
    return createSecureSession(USER, key, { nowSeconds: now + LIFE_SECONDS - SECURE_LIFE_SECONDS })
  }
  const keys = new SecretSessionKeys({ current: key, clock: () => toInstant(now * SECOND) })
  const sessions = new Sessions({ keys, ...scope, idleSeconds: LIFE_SECONDS, absoluteSeconds: LIFE_SECONDS })
  return (await sessions.create(USER)).token.reveal()
}

function refuse(setting: string, expected: string): CoffreError {
  return new CoffreError('CONFIG_REFUSED', { facts: { setting, expected } })
}
