import { parseBase64url } from '../crypto/bytes.ts'
import { rawBytes } from '../crypto/key-material.ts'
import { hasCode } from '../model/errors.ts'
import { Secret } from '../model/secret.ts'
import { PAPER_FORMS, parsePaperKey } from './paper-key.ts'

/** Of BACKUP_ENCRYPTION_KEY: the key is the SHA-256 of what stands behind it (docs/spec/backup-layouts.md). */
const HASHED = /^sha256:(?<text>.+)$/su
/** Longer than any spelling of a key; beyond it a text is only itself. */
const MAX_KEY_CHARACTERS = 1_024

/**
 * Every byte string that a secret may stand for: itself, and what it is the hex, base64, base64url or paper form of. Two
 * secrets that share one are the same secret.
 */
export function readingsOf(secret: Secret | Secret<Uint8Array>): readonly Buffer[] {
  const given = Buffer.from(secret.reveal())
  if (given.length === 0) return []
  const text = given.toString('utf8').trim()
  if (text === '' || text.length > MAX_KEY_CHARACTERS) return [given]
  const hashed = HASHED.exec(text)?.groups?.['text'] ?? ''
  const readings = [
    given,
    Buffer.from(text),
    ...readHex(text),
    ...readBase64(text),
    ...readPaper(text),
    Buffer.from(hashed),
  ]
  return readings.filter(({ length }) => length > 0).filter(isFirst)
}

function readHex(text: string): readonly Buffer[] {
  return /^(?:[0-9a-fA-F]{2})+$/.test(text) ? [Buffer.from(text, 'hex')] : []
}

function readBase64(text: string): readonly Buffer[] {
  const unpadded = text
    .replace(/={1,2}$/, '')
    .replaceAll('+', '-')
    .replaceAll('/', '_')
  const bytes = parseBase64url(unpadded)
  return bytes === undefined ? [] : [bytes]
}

/** The text or words of a sheet. */
function readPaper(text: string): readonly Buffer[] {
  return Object.values(PAPER_FORMS).flatMap((form) => {
    try {
      return [Buffer.from(rawBytes(parsePaperKey(form, new Secret(text))))]
    } catch (error) {
      if (hasCode(error, 'SHARE_INVALID')) return []
      throw error
    }
  })
}

function isFirst(bytes: Buffer, at: number, all: readonly Buffer[]): boolean {
  return all.findIndex((other) => other.equals(bytes)) === at
}
