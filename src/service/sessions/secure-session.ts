import { utf8 } from '../../crypto/bytes.ts'
import { hmacMac } from '../../crypto/mac.ts'
import { secretKeyMaterial } from '../../crypto/secret-key.ts'
import { CoffreError } from '../../model/errors.ts'
import type { Secret } from '../../model/secret.ts'
import type { SecureSession, SessionFault, SessionFaultCounts } from '../../model/session.ts'
import { type Claims, decodeObject, judgeTime, splitCompact } from '../jwt/compact.ts'
import { FaultCounter } from './session-faults.ts'

/** docs/spec/session.md, "Secure session". */
const HEADER = Buffer.from('{"alg":"HS256","typ":"JWT"}').toString('base64url')
const LIFE_SECONDS = 86_400
const MAX_USER_CHARACTERS = 256
const hs256 = hmacMac('sha256')
const counter = new FaultCounter()

export interface SecureSessionOptions {
  /** Seconds since 1970; this machine's clock when absent. */
  readonly nowSeconds?: number
}

export interface VerifySecureSessionOptions extends SecureSessionOptions {
  /** Why a token was refused, for a log or a metric of your own; never for whoever sent it. */
  readonly onFault?: (fault: SessionFault) => void
}

/**
 * A session token for 24 hours, in the bytes of `jwt.encode` of PyJWT: HS256 under the secret key itself. New
 * programs take `Sessions`, whose tokens can be revoked and whose keys rotate.
 *
 * Throws SECRET_KEY_MISSING without a secret key and INVALID_REQUEST without a user.
 */
export function createSecureSession(
  userId: string,
  secretKey: string | Secret | undefined,
  options: SecureSessionOptions = {},
): string {
  const isUser = typeof userId === 'string' && userId.length > 0 && userId.length <= MAX_USER_CHARACTERS
  const key = requireSecretKey(secretKey)
  if (!isUser) {
    throw new CoffreError('INVALID_REQUEST', { facts: { at: 'userId', expected: '1 to 256 characters' } })
  }
  const iat = readNow(options)
  const claims = JSON.stringify({ user_id: userId, exp: iat + LIFE_SECONDS, iat })
  const input = `${HEADER}.${Buffer.from(toAscii(claims)).toString('base64url')}`
  const material = secretKeyMaterial(key)
  const tag = hs256.mac(material, utf8(input))
  material.wipe()
  return `${input}.${Buffer.from(tag).toString('base64url')}`
}

/**
 * What the token says, or `null` for every failure; `secureSessionFaults` counts the causes. Throws SECRET_KEY_MISSING
 * without a secret key.
 */
export function verifySecureSession(
  token: string,
  secretKey: string | Secret | undefined,
  options: VerifySecureSessionOptions = {},
): SecureSession | null {
  const judged = judge(token, requireSecretKey(secretKey), readNow(options))
  if (typeof judged !== 'string') return judged
  counter.add(judged)
  options.onFault?.(judged)
  return null
}

/** How often `verifySecureSession` of this process refused a token, by cause. */
export function secureSessionFaults(): SessionFaultCounts {
  return counter.read()
}

function judge(token: string, secretKey: string, now: number): SecureSession | SessionFault {
  const parts = typeof token === 'string' ? splitCompact(token, 3) : undefined
  const [head, payload, tag] = parts ?? []
  const header = head === undefined ? undefined : decodeObject(head)
  if (header === undefined || payload === undefined || tag === undefined) return 'malformed'
  if (!isExactHeader(header)) return 'algorithm'
  if (!hasTag(token.slice(0, token.lastIndexOf('.')), secretKey, tag)) return 'signature'
  const claims = decodeObject(payload)
  if (claims === undefined || !isSecureSession(claims)) return 'claims'
  const time = judgeTime(claims, now, 0)
  return time === 'now' ? claims : time
}

function hasTag(input: string, secretKey: string, tag: Uint8Array): boolean {
  const material = secretKeyMaterial(secretKey)
  const fits = hs256.verify(material, utf8(input), tag)
  material.wipe()
  return fits
}

function isExactHeader(header: Claims): boolean {
  return header['alg'] === 'HS256' && header['typ'] === 'JWT' && Object.keys(header).length === 2
}

function isSecureSession(claims: Claims): claims is SecureSession {
  const { user_id: user, iat } = claims
  return typeof user === 'string' && user.length > 0 && typeof iat === 'number'
}

function requireSecretKey(given: string | Secret | undefined): string {
  const text = typeof given === 'object' ? given.reveal() : given
  if (typeof text === 'string' && text.length > 0) return text
  throw new CoffreError('SECRET_KEY_MISSING')
}

function readNow({ nowSeconds }: SecureSessionOptions): number {
  return Math.floor(nowSeconds ?? Date.now() / 1_000)
}

/** As Python's `json.dumps`: what is not printable ASCII stands as its UTF-16 units. */
function toAscii(json: string): string {
  return json.replaceAll(
    /[^ -~]/g,
    (unit) => String.raw`\u` + unit.charCodeAt(0).toString(16).padStart(4, '0'),
  )
}
