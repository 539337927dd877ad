import { sha256 } from '../../crypto/digest.ts'
import { CoffreError } from '../../model/errors.ts'
import { Secret } from '../../model/secret.ts'
import { readingsOf } from '../../seal/key-readings.ts'
import type { NamedSecret } from './named-secret.ts'

const GENERATE = 'openssl rand -hex 32'

/**
 * Whoever takes the database or the application has its passwords, and must not have what opens its backups with them.
 * Throws CONFIG_REFUSED where one of `keys` is one of `others`: as it is, decoded, or its SHA-256. What was derived in any
 * other way cannot be told from chance.
 */
export function requireSeparate(keys: readonly NamedSecret[], others: readonly NamedSecret[]): void {
  const known = new Map(others.flatMap(withUrlPassword).flatMap(({ name, value }) => traces(value, name)))
  for (const { name, value } of keys) {
    for (const [trace] of traces(value, name)) {
      const same = known.get(trace)
      if (same === undefined) continue
      const expected = `a key of its own: it is ${same}, or made of it`
      throw new CoffreError('CONFIG_REFUSED', { facts: { setting: name, expected, generate: GENERATE } })
    }
  }
}

/** Hexadecimal, to compare: every reading, and the SHA-256 of each. */
function traces(value: NamedSecret['value'], name: string): readonly (readonly [string, string])[] {
  return readingsOf(value).flatMap((bytes) => [
    [bytes.toString('hex'), name] as const,
    [Buffer.from(sha256(bytes)).toString('hex'), name] as const,
  ])
}

/** Of a URL its password counts too, as it stands and decoded. */
function withUrlPassword(secret: NamedSecret): readonly NamedSecret[] {
  const text = secret.value.reveal()
  const password = typeof text === 'string' && URL.canParse(text) ? new URL(text).password : ''
  if (password === '') return [secret]
  const name = `the password in ${secret.name}`
  const texts = new Set([password, decode(password)])
  return [secret, ...[...texts].map((each) => ({ name, value: new Secret(each) }))]
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
