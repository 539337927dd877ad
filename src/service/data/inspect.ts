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

/** JOSE headers are short; a longer first part is not worth parsing. */
const MAX_JOSE_HEADER_CHARACTERS = 8_192

export interface BareInspection {
  readonly inspection: Inspection
  /** For looking up the key's name. */
  readonly header?: CiphertextHeader
}

/** What a blob says of itself. Nothing of it is authenticated: only decrypting proves it. */
export function inspectBlob(blob: string | Uint8Array): BareInspection {
  const text = typeof blob === 'string' ? blob.trim() : undefined
  if (text !== undefined && text.length > MAX_CIPHERTEXT_CHARACTERS) {
    throw new CoffreError('LIMIT_EXCEEDED', { facts: { at: 'blob', maximum: MAX_CIPHERTEXT_CHARACTERS } })
  }
  const header = typeof blob === 'string' ? readTextHeader(blob.trim()) : readHeader(blob)
  if (header !== undefined) return describeOurs(header, blob)
  const asText = text ?? readAsText(blob)
  const foreign = asText === undefined ? undefined : inspectText(asText)
  return { inspection: foreign ?? { format: 'unknown', facts: { bytes: blob.length } } }
}

function describeOurs(header: CiphertextHeader, blob: string | Uint8Array): BareInspection {
  const { construction, keyId, version } = header
  // Of a file, its beginning is enough to ask, so its length says nothing.
  const measured = construction === 'file' ? {} : { bytes: blob.length }
  const facts = typeof blob === 'string' ? { characters: blob.length } : measured
  return { inspection: { format: FORMAT[construction], keyId, version, facts }, header }
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
  const header = format === undefined ? undefined : parseJoseHeader(parts[0] ?? '')
  if (format === undefined || header === undefined) return undefined
  const facts = Object.fromEntries(
    ['typ', 'enc', 'kid'].flatMap((name) => {
      const value = header[name]
      return typeof value === 'string' && value.length <= 128 ? [[name, value]] : []
    }),
  )
  const { alg } = header
  return typeof alg === 'string' ? { format, algorithm: alg.slice(0, 64), facts } : { format, facts }
}

function parseJoseHeader(part: string): Readonly<Record<string, unknown>> | undefined {
  if (part.length === 0 || part.length > MAX_JOSE_HEADER_CHARACTERS) return undefined
  try {
    const header: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'))
    const isObject = typeof header === 'object' && header !== null && !Array.isArray(header)
    return isObject ? { ...header } : undefined
  } catch {
    return undefined
  }
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
