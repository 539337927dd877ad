import { parseBase64url } from '../../crypto/bytes.ts'
import { parseStrictObject } from './strict-json.ts'

/** Issuers put groups into their tokens; what is longer belongs into no header of a request either. */
const MAX_CHARACTERS = 8 * 1024
/** Two clocks that NTP keeps are within a second; this forgives one that is not. */
export const CLOCK_SKEW_SECONDS = 60

export type Claims = Readonly<Record<string, unknown>>

/** The parts of a compact token (RFC 7515, 7.1; RFC 7516, 7.1), each the bytes of canonical base64url. */
export function splitCompact(text: string, count: 3 | 5): readonly Buffer[] | undefined {
  if (text.length > MAX_CHARACTERS) return undefined
  const parts = text.split('.', count + 1)
  const bytes = parts.map(parseBase64url)
  return parts.length === count && bytes.every((part) => part !== undefined) ? bytes : undefined
}

export function decodeObject(bytes: Uint8Array): Claims | undefined {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const text = buffer.toString('utf8')
  // Bytes that are not UTF-8 would all become U+FFFD.
  return Buffer.from(text).equals(buffer) ? parseStrictObject(text) : undefined
}

/** Whether a token is of this time, in seconds (RFC 7519, 4.1.4 to 4.1.6): it needs an end, and a moment is a number. */
export function judgeTime(
  { exp, nbf, iat }: Claims,
  now: number,
  endSkew: number,
): 'now' | 'expired' | 'not-yet' | 'claims' {
  const [end, start, issued] = [exp, nbf ?? 0, iat ?? 0]
  // JSON has numbers beyond those of a double; they become Infinity.
  if (!isMoment(end) || !isMoment(start) || !isMoment(issued)) return 'claims'
  if (now >= end + endSkew) return 'expired'
  return Math.max(start, issued) > now + CLOCK_SKEW_SECONDS ? 'not-yet' : 'now'
}

function isMoment(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value)
}
