import { readTokenId } from '../../crypto/bearer-token.ts'
import {
  type CiphertextHeader,
  type Construction,
  readHeader,
  readTextHeader,
} from '../../crypto/ciphertext-header.ts'
import { readTokenTime } from '../../crypto/fernet.ts'
import type { BlobFormat, Inspection } from '../../model/coffre.ts'
import { CoffreError } from '../../model/errors.ts'
import { MAX_CIPHERTEXT_CHARACTERS } from '../../model/limits.ts'

const FORMAT: Readonly<Record<Construction, BlobFormat>> = {
  message: 'coffre-ciphertext',
  oaep: 'coffre-rsa-oaep',
  file: 'coffre-file',
  wrapped: 'coffre-wrapped-data-key',
}

/** Headers and claims of JOSE are short; a longer part is not worth parsing. */
const MAX_JOSE_PART_CHARACTERS = 8_192
/** What a token says of itself: from whom, for whom, whose, and its ids. */
const CLAIMS = ['iss', 'aud', 'sub', 'user_id', 'jti', 'sid'] as const
const MAX_TEXT_CHARACTERS = 256
const MAX_ALGORITHM_CHARACTERS = 64
/** The last second that has a date. */
const MAX_SECONDS = 8_640_000_000_000
/** Of a session: `<key id>.<version>` (docs/spec/session.md). */
const OWN_KID = /^(?<id>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.(?<version>[1-9][0-9]{0,8})$/

/** What a blob says of itself. Nothing of it is authenticated: only decrypting or verifying proves it. */
export function inspectBlob(blob: string | Uint8Array): Inspection {
  const text = typeof blob === 'string' ? blob.trim() : undefined
  if (text !== undefined && text.length > MAX_CIPHERTEXT_CHARACTERS) {
    throw new CoffreError('LIMIT_EXCEEDED', { facts: { at: 'blob', maximum: MAX_CIPHERTEXT_CHARACTERS } })
  }
  const header = typeof blob === 'string' ? readTextHeader(blob.trim()) : readHeader(blob)
  if (header !== undefined) return describeOurs(header, blob)
  const asText = text ?? readAsText(blob)
  const foreign = asText === undefined ? undefined : inspectText(asText)
  return foreign ?? { format: 'unknown', facts: { bytes: blob.length } }
}

function describeOurs(header: CiphertextHeader, blob: string | Uint8Array): Inspection {
  const { construction, keyId, version } = header
  // Of a file, its beginning is enough to ask, so its length says nothing.
  const measured = construction === 'file' ? {} : { bytes: blob.length }
  const facts = typeof blob === 'string' ? { characters: blob.length } : measured
  return { format: FORMAT[construction], keyId, version, facts }
}

function inspectText(text: string): Inspection | undefined {
  return inspectFernet(text) ?? inspectTransit(text) ?? inspectJose(text) ?? inspectToken(text)
}

function inspectFernet(text: string): Inspection | undefined {
  const token = readTokenTime(text)
  if (token === undefined) return undefined
  const createdAt = new Date(token.timestamp * 1_000).toISOString()
  return {
    format: 'fernet',
    algorithm: 'fernet',
    createdAt,
    facts: { ciphertextBytes: token.ciphertextBytes },
  }
}

/** HashiCorp Vault and OpenBao transit: `vault:v<version>:<base64>`. */
function inspectTransit(text: string): Inspection | undefined {
  const match = /^vault:v([1-9][0-9]{0,9}):([A-Za-z0-9+/]+={0,2})$/.exec(text)
  if (match === null) return undefined
  const [, version = '', body = ''] = match
  const bytes = Buffer.from(body, 'base64').length
  return { format: 'vault-transit', version: Number(version), facts: { bytes } }
}

/** RFC 7515 and RFC 7516, compact serialisation: three or five parts. */
function inspectJose(text: string): Inspection | undefined {
  const parts = text.split('.', 6)
  const format = parts.length === 3 ? 'jws' : parts.length === 5 ? 'jwe' : undefined
  const header = format === undefined ? undefined : parseJosePart(parts[0] ?? '')
  if (format === undefined || header === undefined) return undefined
  const claims = (format === 'jws' ? parseJosePart(parts[1] ?? '') : undefined) ?? {}
  const issuedAt = readTime(claims['iat'])
  const expiresAt = readTime(claims['exp'])
  const { alg } = header
  return {
    format,
    ...(typeof alg === 'string' ? { algorithm: alg.slice(0, MAX_ALGORITHM_CHARACTERS) } : {}),
    ...readOwnKid(header['kid']),
    ...(issuedAt === undefined ? {} : { createdAt: issuedAt }),
    facts: {
      ...pickTexts(header, ['typ', 'enc', 'kid']),
      ...pickTexts(claims, CLAIMS),
      ...(expiresAt === undefined ? {} : { expiresAt }),
    },
  }
}

function parseJosePart(part: string): Readonly<Record<string, unknown>> | undefined {
  if (part.length === 0 || part.length > MAX_JOSE_PART_CHARACTERS) return undefined
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'))
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined
  } catch {
    return undefined
  }
}

function pickTexts(from: Readonly<Record<string, unknown>>, names: readonly string[]) {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = from[name]
      return typeof value === 'string' && value.length <= MAX_TEXT_CHARACTERS ? [[name, value]] : []
    }),
  )
}

function readOwnKid(kid: unknown): Pick<Inspection, 'keyId' | 'version'> {
  const { id, version } = OWN_KID.exec(String(kid))?.groups ?? {}
  return id === undefined ? {} : { keyId: id, version: Number(version) }
}

/** Seconds since 1970 as a moment; nothing for what is no such time. */
function readTime(seconds: unknown): string | undefined {
  const isTime = typeof seconds === 'number' && seconds >= 0 && seconds <= MAX_SECONDS
  return isTime ? new Date(seconds * 1_000).toISOString() : undefined
}

function inspectToken(text: string): Inspection | undefined {
  const id = readTokenId(text)
  return id === undefined ? undefined : { format: 'coffre-token', facts: { id } }
}

function readAsText(blob: string | Uint8Array): string | undefined {
  if (typeof blob === 'string' || blob.length > MAX_CIPHERTEXT_CHARACTERS) return undefined
  const text = Buffer.from(blob).toString('latin1').trim()
  return /^[\x20-\x7e]+$/.test(text) ? text : undefined
}
